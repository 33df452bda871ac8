"""Server of the suite `likelihoods` for PyTorch: three ways to the same log-likelihoods.

usage: likelihoods_torch.py FOLDER THREADS

FOLDER and the requests are those of ../src/bin/likelihoods_server.rs, with the way beside them as "op": `whole` (all
logits at once), `chunked` (a few rows at a time, whose logits stay in the cache; in the backward pass they are made
again), `compiled` (`whole` by torch.compile).
"""

import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch.utils.checkpoint import checkpoint

from serving import serve
from timing import Case

# Logits of f32 that stay in a core's cache: 1 MiB.
CHUNK_LOGITS = 1 << 18


def rows_of(features, weight, bias, targets):
    n, pixels, _ = features.shape
    logits = F.linear(features, weight.T, bias)
    loss = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none")
    return -loss.view(n, pixels).sum(1)


def whole(features, weight, bias, targets, rows):
    return rows_of(features, weight, bias, targets[rows])


def chunked(features, weight, bias, targets, rows):
    per_chunk = max(1, CHUNK_LOGITS // (features.shape[1] * weight.shape[1]))
    parts = []
    for part, row in zip(features.split(per_chunk), rows.split(per_chunk)):
        if torch.is_grad_enabled():
            parts.append(checkpoint(rows_of, part, weight, bias, targets[row], use_reentrant=False))
        else:
            parts.append(rows_of(part, weight, bias, targets[row]))
    return torch.cat(parts)


WAYS = {"whole": whole, "chunked": chunked, "compiled": torch.compile(whole, dynamic=False)}


def load(size):
    n, m, pixels, rank, levels = (int(number) for number in size.split("-"))

    def read(name, kind, *shape):
        suffix = {np.float32: "f32", np.int64: "i64"}[kind]
        return torch.from_numpy(np.fromfile(FOLDER / f"{name}-{size}.{suffix}", kind).reshape(shape))

    return (read("features", np.float32, n, pixels, rank), read("weight", np.float32, rank, levels),
            read("bias", np.float32, levels), read("targets", np.int64, m, pixels), read("rows", np.int64, n))


def call_of(way, size, mode):
    """The code that is timed."""
    features, weight, bias, targets, rows = load(size)
    if way == "exact":
        function = whole
        features, weight, bias = features.double(), weight.double(), bias.double()
    else:
        function = WAYS[way]
    if mode == "forward":
        def forward():
            with torch.no_grad():
                return [function(features, weight, bias, targets, rows)]
        return forward
    leaves = [tensor.requires_grad_() for tensor in (features, weight, bias)]
    return lambda: torch.autograd.grad(function(*leaves, targets, rows).sum(), leaves)


cases = {}


def answer(request):
    way, size, mode = request["op"], request["size"], request["mode"]
    if "seconds" in request:
        key = way, size, mode
        if key not in cases:
            cases[key] = Case(call_of(way, size, mode))
        return cases[key].measure(request["seconds"])
    values = [tensor.float().numpy().ravel() for tensor in call_of(way, size, mode)()]
    np.concatenate(values).tofile(request["write"])
    return {"written": request["write"]}


FOLDER = Path(sys.argv[1])
torch.set_num_threads(int(sys.argv[2]))
serve({"library": "torch", "threads": torch.get_num_threads()}, answer)
