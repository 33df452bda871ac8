"""Server of the suite `mappings` for PyTorch and the entmax package: one library per process.

usage: mappings_torch.py torch|entmax FOLDER THREADS

FOLDER holds the inputs as raw f32: scores-RxC.f32 and upstream-RxC.f32. Requests and answers, in lines of JSON, are
those of ../src/bin/mappings_server.rs.
"""

import sys
from pathlib import Path

import entmax
import numpy as np
import torch

from serving import serve
from timing import Case

OPERATIONS = {
    "torch": {"softmax": lambda x: torch.softmax(x, -1), "relu": torch.relu},
    "entmax": {
        "sparsemax": lambda x: entmax.sparsemax(x, -1),
        "entmax15": lambda x: entmax.entmax15(x, -1),
        "entmax-1.3": lambda x: entmax.entmax_bisect(x, 1.3, -1),
    },
}


def load(name):
    shape = tuple(int(size) for size in name.rsplit("-", 1)[1].split("x"))
    return torch.from_numpy(np.fromfile(FOLDER / f"{name}.f32", np.float32).reshape(shape))


def call_of(function, mode, x, upstream):
    """The code that is timed."""
    if mode == "forward":
        def forward():
            with torch.no_grad():
                return function(x)
        return forward
    tracked = x.clone().requires_grad_()
    if mode == "expression":
        def expression():
            tracked.grad = None
            (function(tracked) * upstream).sum().backward()
            return tracked.grad
        return expression
    if mode == "backward":
        ones = torch.ones_like(x)
        return lambda: torch.autograd.grad(function(tracked), tracked, ones)[0]
    raise ValueError(f"no mode {mode!r}")


def made(request):
    size = request["shape"]
    return call_of(LIBRARY[request["op"]], request["mode"], load(f"scores-{size}"), load(f"upstream-{size}"))


cases = {}


def answer(request):
    if "seconds" in request:
        key = request["op"], request["shape"], request["mode"]
        if key not in cases:
            cases[key] = Case(made(request))
        return cases[key].measure(request["seconds"])
    made(request)().numpy().tofile(request["write"])
    return {"written": request["write"]}


LIBRARY, FOLDER = OPERATIONS[sys.argv[1]], Path(sys.argv[2])
torch.set_num_threads(int(sys.argv[3]))
serve({"library": sys.argv[1], "threads": torch.get_num_threads()}, answer)
