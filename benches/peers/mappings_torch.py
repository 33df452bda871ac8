"""Server of the suite `mappings` for PyTorch and the entmax package: one library per process.

usage: mappings_torch.py torch|entmax FOLDER THREADS

FOLDER holds the inputs as raw f32: scores-RxC.f32 and upstream-RxC.f32. Requests and answers, in lines of JSON, are
those of ../src/bin/mappings_server.rs.
"""

import json
import sys
import time
from pathlib import Path
from statistics import median

import entmax
import numpy as np
import torch

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


class Case:
    """One operation on one input in one mode, and how long a call of it takes, once known."""

    def __init__(self, request):
        size = request["shape"]
        self.call = call_of(LIBRARY[request["op"]], request["mode"], load(f"scores-{size}"), load(f"upstream-{size}"))
        self.call()
        self.estimate = self.sample(1)

    def sample(self, calls):
        call = self.call
        start = time.perf_counter_ns()
        for _ in range(calls):
            call()
        return (time.perf_counter_ns() - start) / calls

    def measure(self, seconds):
        """Median over samples of at least 0.1 ms, so that reading the clock costs nothing, for `seconds` in all."""
        budget = seconds * 1e9
        if self.estimate < budget / 10:
            self.call()  # what ran before on this core took the caches; calls longer than that notice no difference
        calls = max(1, int(1e5 / self.estimate))
        samples, spent = [], 0.0
        while not samples or spent < budget:
            samples.append(self.sample(calls))
            spent += samples[-1] * calls
        self.estimate = median(samples)
        return {"ns_per_call": self.estimate, "reps": calls * len(samples)}


cases = {}


def answer(request):
    if "seconds" in request:
        key = request["op"], request["shape"], request["mode"]
        if key not in cases:
            cases[key] = Case(request)
        return cases[key].measure(request["seconds"])
    size = request["shape"]
    call = call_of(LIBRARY[request["op"]], request["mode"], load(f"scores-{size}"), load(f"upstream-{size}"))
    call().numpy().tofile(request["write"])
    return {"written": request["write"]}


LIBRARY, FOLDER = OPERATIONS[sys.argv[1]], Path(sys.argv[2])
torch.set_num_threads(int(sys.argv[3]))
print(json.dumps({"library": sys.argv[1], "threads": torch.get_num_threads()}), flush=True)
for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
