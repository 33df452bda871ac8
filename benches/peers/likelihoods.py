"""Suite `likelihoods`: the categorical log-likelihood with logits of low rank, next to three ways of PyTorch to it."""

import sys
import tempfile
from pathlib import Path
from statistics import median

import numpy as np

import build
import table
from server import Server

MODES = {"forward": "forward", "backward": "forward + backward"}
WAYS = ["whole", "chunked", "compiled"]
# Rows of features, images, pixels, features of each, levels: a step of the bit-vector VAE on Fashion-MNIST with one
# code for each image, and with nine; one on the digits; a head of high rank.
SIZES = ["64-64-784-5-256", "576-64-784-5-256", "576-64-64-5-17", "64-64-128-64-1000"]
HERE = Path(__file__).resolve().parent

# Of the largest number, against f64: log-likelihoods and gradients are sums of numbers with a few roundings of f32 each.
TOLERANCE = 1e-5


def run(options):
    with tempfile.TemporaryDirectory(prefix="likelihoods-") as folder:
        folder = Path(folder)
        for size in SIZES:
            write_inputs(folder, size, options.seed)
        ours = build.executable("sparse-benches", "bin", "likelihoods_server", options.features)
        memory = {way: peak(folder, ours, way, options) for way in ["ours", *WAYS]}
        servers = {}
        for count in options.threads:
            for library in ("torch", "ours"):
                servers[library, count] = start(folder, ours, library, count, options)
        try:
            # What is timed is checked first: a fast wrong answer is not a result.
            worst = check(folder, servers)
            times = measure(servers, options)
        finally:
            for server in servers.values():
                server.close()
    return report(times, memory, worst, options)


def write_inputs(folder, size, seed):
    n, m, pixels, rank, levels = (int(number) for number in size.split("-"))
    draw = np.random.default_rng(seed)

    def normal(name, *shape, scale=1.0):
        (scale * draw.standard_normal(shape, np.float32)).tofile(folder / f"{name}-{size}.f32")

    normal("features", n, pixels, rank)
    normal("weight", rank, levels, scale=np.float32(1 / np.sqrt(rank)))
    normal("bias", levels)
    draw.integers(0, levels, (m, pixels)).tofile(folder / f"targets-{size}.i64")
    (np.arange(n) * m // n).tofile(folder / f"rows-{size}.i64")


def start(folder, ours, library, count, options):
    torch = [sys.executable, HERE / "likelihoods_torch.py", folder, count]
    command = [ours, folder] if library == "ours" else torch
    return Server(library, command, count, options.memory)


def ask(server, way, **request):
    return server.ask(**request) if way == "ours" else server.ask(op=way, **request)


def peak(folder, ours, way, options):
    """MiB by which forward and backward on the second size raise the peak of a fresh process; None if unknown."""
    server = start(folder, ours, "ours" if way == "ours" else "torch", max(options.threads), options)
    try:
        # the code, the libraries and the compiler are there; the inputs of the size weigh 9 MiB
        ask(server, way, size=SIZES[2], mode="backward", seconds=0.01)
        before = resident(server)
        ask(server, way, size=SIZES[1], mode="backward", seconds=0.01)
        after = resident(server)
    finally:
        server.close()
    return None if before is None else (after - before) / 1024


def resident(server):
    try:
        status = Path(f"/proc/{server.process.pid}/status").read_text()
    except OSError:
        return None  # not Linux
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))


def check(folder, servers):
    """The largest difference between ours and PyTorch in f64, by the largest number of the output."""
    threads = max(count for _, count in servers)
    worst = 0.0
    for size in SIZES:
        for mode in MODES:
            outputs = []
            for library, way in (("torch", "exact"), ("ours", "ours")):
                path = folder / f"{library}.f32"
                ask(servers[library, threads], way, size=size, mode=mode, write=str(path))
                outputs.append(parts(np.fromfile(path, np.float32), size, mode))
            for theirs, ours in zip(*outputs):
                difference = float(np.abs(theirs - ours).max() / np.abs(theirs).max())
                if not difference <= TOLERANCE:
                    sys.exit(f"{size}, {mode}: ours differs from PyTorch by {difference:.2g} of the largest number, "
                             f"more than {TOLERANCE}")
                worst = max(worst, difference)
    return worst


def parts(values, size, mode):
    """The log-likelihoods, or the gradients in features, weight and bias."""
    n, _, pixels, rank, levels = (int(number) for number in size.split("-"))
    ends = [n * pixels * rank, n * pixels * rank + rank * levels] if mode == "backward" else []
    return np.split(values, ends)


def measure(servers, options):
    """Times in ns by (way, threads, size, mode): one per round, after a round that does not count."""
    times = {}
    for turn in range(options.rounds + 1):
        for count in options.threads:
            for size in SIZES:
                for mode in MODES:
                    for way in ["ours", *WAYS]:
                        server = servers["ours" if way == "ours" else "torch", count]
                        seconds = options.seconds if turn else options.seconds / 100
                        answer = ask(server, way, size=size, mode=mode, seconds=seconds)
                        if turn:
                            times.setdefault((way, count, size, mode), []).append(answer["ns_per_call"])
    return times


def report(times, memory, worst, options):
    head = ["threads", "N, M, P, R, C", "mode", *(f"{way} ÷ ours" for way in WAYS), "ours", "ns per logit"]
    rows = []
    for count in options.threads:
        for size in SIZES:
            n, _, pixels, _, levels = (int(number) for number in size.split("-"))
            for mode in MODES:
                ours = times["ours", count, size, mode]
                ratios = [median(theirs / own for theirs, own in zip(times[way, count, size, mode], ours))
                          for way in WAYS]
                rows.append([str(count), size.replace("-", ", "), MODES[mode], *map(table.ratio, ratios),
                             table.time(median(ours)), table.ratio(median(ours) / (n * pixels * levels))])
    out = ["N rows of features that explain M images of P pixels, with R features for a pixel and C levels; f32. "
           "PyTorch: `cross_entropy` on all logits at once, on chunks of rows that stay in the cache with their logits "
           "made again in the backward pass, and the first by `torch.compile`. How many times longer each takes, medians "
           "over the rounds of the ratios within a round:", "", *table.markdown(head, rows), ""]
    if all(mib is not None for mib in memory.values()):
        head = ["", "ours", *WAYS]
        row = ["MiB", *(f"{memory[way]:.0f}" for way in ["ours", *WAYS])]
        out += [f"By how much forward and backward on {SIZES[1].replace('-', ', ')} raise the peak of resident memory, "
                f"the inputs included, with {max(options.threads)} threads:", "", *table.markdown(head, [row]), ""]
    out += [f"Checked in this run: log-likelihoods and gradients differ from PyTorch's in f64 by at most {worst:.1e} of the largest "
            f"number (allowed {TOLERANCE:.0e})."]
    return out
