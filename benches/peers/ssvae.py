"""Suite `ssvae`: a training step on MNIST, ours next to two PyTorch programs."""

import sys
from pathlib import Path
from statistics import mean, median

import build
import table
import training
from server import Server

HERE = Path(__file__).resolve().parent
PROGRAMS = {"per-category": "PyTorch, once per category", "packed": "PyTorch, packed"}


def run(options):
    folder = mnist_folder(options.data_dir)
    example = build.executable("sparse-examples", "example", "ssvae", options.features) if folder else None
    out = []
    for threads in options.threads:
        rounds = measure(options, folder, example, threads)
        out += [*report(rounds, threads, folder), ""]
    return out[:-1]


def mnist_folder(data_dir):
    """The folder with the files of MNIST, or nothing, said aloud."""
    for folder in ([data_dir / "mnist", data_dir] if data_dir else []):
        if (folder / "train-images-idx3-ubyte.gz").exists():
            return folder
    print(f"no MNIST in {data_dir}: PyTorch programs on synthetic digits, and without ours", file=sys.stderr)
    return None


def measure(options, folder, example, threads):
    """For each round and program: milliseconds per step, and decoder calls per unlabelled image."""
    servers = {}
    for way in PROGRAMS:
        command = [sys.executable, HERE / "ssvae_torch.py", way, folder or "synthetic", threads,
                   options.warm_up_epochs]
        servers[way] = Server(way, command, threads, options.memory)
    programs = {way: lambda server=server: theirs(server, options) for way, server in servers.items()}
    if example:
        programs["ours"] = lambda: ours(example, options, threads)
    try:
        return training.alternate(programs, threads, options)
    finally:
        for server in servers.values():
            server.close()


def theirs(server, options):
    answer = server.ask(steps=options.steps)
    return median(answer["ms"]), answer["calls"]


def ours(example, options, threads):
    """One epoch on both parts of the data; what it says in metrics.json."""
    command = [example, "--data", "mnist", "--method", "sparsemax", "--warm-up-epochs", options.warm_up_epochs,
               "--epochs", 1]
    _, metrics = training.trained(command, threads, options)
    return metrics["train"]["ms_per_step"], metrics["test"]["decoder_calls_mean"]


def report(rounds, threads, folder):
    compared = "ours" in rounds[0]
    times = {way: [results[way][0] for results in rounds] for way in rounds[0]}
    rows = [[PROGRAMS.get(way, "ours"), f"{mean(results[way][1] for results in rounds):.2f}",
             *training.cells(times[way], times.get("ours"))] for way in times]
    head = ["program", "decoder calls per image", "ms per step", "over the rounds", *(["÷ ours"] if compared else [])]
    images = "MNIST" if folder else "synthetic digits (ours was not run: no MNIST)"
    return [f"{threads} thread{'s' if threads > 1 else ''}, {images}, 64 labelled + 64 unlabelled images per step, "
            "sparsemax:", "", *table.markdown(head, rows)]
