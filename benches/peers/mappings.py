"""Suite `mappings`: sparsemax, entmax15 and entmax next to PyTorch's softmax, the entmax package and the backend's softmax."""

import sys
import tempfile
from pathlib import Path
from statistics import median

import numpy as np

import build
import table
from server import Server

MODES = {
    "forward": "forward",
    "backward": "forward + backward",
    "expression": "forward + backward of `(y * g).sum()`",
}
OPERATIONS = {"torch": ["softmax"], "entmax": ["sparsemax", "entmax15"], "ours": ["softmax", "sparsemax", "entmax15"]}
# Any α: the package has bisection for it, which takes half a second where ours takes milliseconds. So α = 1.3 is
# measured on inputs of up to this many numbers, of those that were asked for.
ANY_ALPHA, ANY_ALPHA_NUMBERS = "entmax-1.3", 1 << 18
# What bounds small inputs: operations on one number, which compute next to nothing.
ONE = "1x1"
OVERHEAD = [("torch", "relu"), ("torch", "softmax"), ("ours", "relu"), ("ours", "softmax"), ("ours", "sparsemax"),
            ("ours", "entmax15")]
HERE = Path(__file__).resolve().parent

# Against entmax in f64, entmax's own entmax15 in f32 is off by up to 8e-7 on these inputs (it sums squares of sorted
# scores), and ours by 1e-7: the tolerance leaves room for both and for nothing else.
PROBABILITY_TOLERANCE = 1e-6
# Gradients are g minus a mean of g over the support, |g| about 5, weighted by at most 1; for entmax15 the weight
# is the square root of a probability, which turns an error of 1e-7 near 1e-3 into one of 1.6e-6.
GRADIENT_TOLERANCE = 2e-5


def run(options):
    with tempfile.TemporaryDirectory(prefix="mappings-") as folder:
        folder = Path(folder)
        sizes = [f"{rows}x{columns}" for rows, columns in options.shapes]
        write_inputs(folder, [*options.shapes, (1, 1)], options.seed)
        servers = start(folder, options)
        try:
            # What is timed is checked first: a fast wrong answer is not a result.
            worst = check(folder, servers, sizes)
            times = measure(servers, sizes, options)
        finally:
            for server in servers.values():
                server.close()
    return report(times, worst, sizes, options)


def write_inputs(folder, shapes, seed):
    draw = np.random.default_rng(seed)
    for rows, columns in shapes:
        for name in ("scores", "upstream"):
            draw.standard_normal((rows, columns), np.float32).tofile(folder / f"{name}-{rows}x{columns}.f32")


def start(folder, options):
    ours = build.executable("sparse-benches", "bin", "mappings_server", options.features)
    servers = {}
    for count in options.threads:
        for library in ("torch", "entmax"):
            command = [sys.executable, HERE / "mappings_torch.py", library, folder, count]
            servers[library, count] = Server(library, command, count, options.memory)
        servers["ours", count] = Server("ours", [ours, folder], count, options.memory)
    return servers


def check(folder, servers, sizes):
    """Largest difference between ours and entmax, outputs and gradients; ends the run if it is too large."""
    worst = {"forward": 0.0, "expression": 0.0}
    threads = max(count for _, count in servers)
    for size in sizes:
        for operation in [*OPERATIONS["entmax"], *([ANY_ALPHA] if bisected(size) else [])]:
            for mode, tolerance in zip(worst, (PROBABILITY_TOLERANCE, GRADIENT_TOLERANCE)):
                values = []
                for library in ("entmax", "ours"):
                    path = folder / f"{library}.f32"
                    servers[library, threads].ask(op=operation, shape=size, mode=mode, write=str(path))
                    values.append(np.fromfile(path, np.float32))
                difference = float(np.abs(values[0] - values[1]).max())
                if not difference <= tolerance:
                    sys.exit(f"{operation} on {size}, {mode}: ours differs from entmax by {difference:.2g}, "
                             f"more than {tolerance}")
                worst[mode] = max(worst[mode], difference)
    return worst


def measure(servers, sizes, options):
    """Times in ns by (library, threads, operation, size, mode): one per round.

    Rounds are the outermost loop and libraries the innermost: what is compared is measured within a second or two of
    each other, and a noisy minute of the machine spoils a round or two of every cell but no cell.
    """
    times = {}

    def ask(library, count, operation, size, mode):
        seconds = options.seconds if turn else options.seconds / 100
        answer = servers[library, count].ask(op=operation, shape=size, mode=mode, seconds=seconds)
        if turn:
            times.setdefault((library, count, operation, size, mode), []).append(answer["ns_per_call"])

    # What an allocator does depends on what was freed before. Round 0 does not count: it takes every process through
    # all cases, into the state in which it stays.
    for turn in range(options.rounds + 1):
        print(f"round {turn} of {options.rounds}", file=sys.stderr, flush=True)
        for count in options.threads:
            for mode in MODES:
                for library, operation in OVERHEAD:
                    ask(library, count, operation, ONE, mode)
                for size in sizes:
                    for library, operations in OPERATIONS.items():
                        for operation in operations:
                            ask(library, count, operation, size, mode)
                    if bisected(size):
                        for library in ("entmax", "ours"):
                            ask(library, count, ANY_ALPHA, size, mode)
    return times


def bisected(size):
    rows, columns = map(int, size.split("x"))
    return rows * columns <= ANY_ALPHA_NUMBERS


def report(times, worst, sizes, options):
    def ratio(numerator, denominator, size, mode):
        """Median over the rounds of the ratio within a round; each side is (library, threads, operation)."""
        pairs = zip(times[(*numerator, size, mode)], times[(*denominator, size, mode)])
        return median(above / below for above, below in pairs)

    def ns(library, count, operation, size, mode):
        return median(times[library, count, operation, size, mode])

    head = ["threads", "shape", "mode"]
    for operation in ("sparsemax", "entmax15"):
        head += [f"{operation} ÷ torch softmax", f"entmax's {operation} ÷ {operation}", f"{operation} ÷ own softmax"]
    head += ["own softmax ÷ torch softmax"]
    rows = []
    for count in options.threads:
        for size in sizes:
            for mode in MODES:
                row = [str(count), shape(size), MODES[mode]]
                for operation in ("sparsemax", "entmax15"):
                    ours = "ours", count, operation
                    row += [
                        table.ratio(ratio(ours, ("torch", count, "softmax"), size, mode)),
                        table.ratio(ratio(("entmax", count, operation), ours, size, mode)) + " ×",
                        table.ratio(ratio(ours, ("ours", count, "softmax"), size, mode)),
                    ]
                row.append(table.ratio(ratio(("ours", count, "softmax"), ("torch", count, "softmax"), size, mode)))
                rows.append(row)
    out = ["Ratios of times, medians over the rounds of the ratios within a round; f32, standard normal scores, along "
           "the last dimension.", "", *table.markdown(head, rows), ""]

    small = [size for size in sizes if bisected(size)]
    if small:
        head = ["threads", "shape", "mode", "entmax_bisect ÷ entmax", "entmax ÷ torch softmax", "entmax ÷ entmax15"]
        rows = []
        for count in options.threads:
            for size in small:
                for mode in MODES:
                    ours = "ours", count, ANY_ALPHA
                    rows.append([
                        str(count), shape(size), MODES[mode],
                        table.ratio(ratio(("entmax", count, ANY_ALPHA), ours, size, mode)) + " ×",
                        table.ratio(ratio(ours, ("torch", count, "softmax"), size, mode)),
                        table.ratio(ratio(ours, ("ours", count, "entmax15"), size, mode)),
                    ])
        out += ["Any α, here 1.3: `entmax` beside the package's `entmax_bisect`.", "", *table.markdown(head, rows), ""]

    if len(options.threads) > 1:
        least, most = options.threads[0], options.threads[-1]
        head = ["shape", "mode", "torch softmax", "own softmax", "sparsemax", "entmax15"]
        rows = []
        for size in sizes:
            for mode in MODES:
                compared = [("torch", "softmax"), ("ours", "softmax"), ("ours", "sparsemax"), ("ours", "entmax15")]
                speed_ups = [ratio((library, least, operation), (library, most, operation), size, mode)
                             for library, operation in compared]
                rows.append([shape(size), MODES[mode], *map(table.ratio, speed_ups)])
        out += [f"How many times faster with {most} threads than with {least}:", "", *table.markdown(head, rows), ""]

    head = ["threads", "mode", "torch relu", "torch softmax", "own relu", "own softmax", "sparsemax", "entmax15"]
    rows = [[str(count), MODES[mode], *(table.time(ns(library, count, operation, ONE, mode))
                                        for library, operation in OVERHEAD)]
            for count in options.threads for mode in MODES]
    out += ["What a call costs before it computes anything, on a tensor of one number (the floor under small shapes):",
            "", *table.markdown(head, rows), ""]

    head = ["threads", "shape", "mode", "torch softmax", "entmax sparsemax", "entmax entmax15",
            "own softmax", "sparsemax", "entmax15"]
    rows = []
    for count in options.threads:
        for size in sizes:
            for mode in MODES:
                rows.append([str(count), shape(size), MODES[mode]] + [
                    table.time(ns(library, count, operation, size, mode))
                    for library, operations in OPERATIONS.items() for operation in operations])
    out += ["Times behind the ratios, for scale only (they mean something on this machine in this minute):", "",
            *table.markdown(head, rows), ""]
    out += [f"Checked in this run: ours and entmax differ by at most {worst['forward']:.1e} in probabilities (allowed "
            f"{PROBABILITY_TOLERANCE:.0e}) and {worst['expression']:.1e} in gradients (allowed "
            f"{GRADIENT_TOLERANCE:.0e})."]
    return out


def shape(size):
    return f"[{size.replace('x', ',')}]"
