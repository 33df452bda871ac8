"""Suite `ssvae`: a training step on MNIST, ours next to two PyTorch programs."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import mean, median

import build
import table
from server import Server, environment

HERE = Path(__file__).resolve().parent
PROGRAMS = {"per-category": "PyTorch, once per category", "packed": "PyTorch, packed"}


def run(options):
    folder = mnist_folder(options.data_dir)
    example = build.executable("--example", "ssvae") if folder else None
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
    rounds = []
    for turn in range(options.rounds):
        print(f"threads: {threads}, round {turn + 1} of {options.rounds}", file=sys.stderr, flush=True)
        results = {}
        for way, server in servers.items():
            answer = server.ask(steps=options.steps)
            results[way] = median(answer["ms"]), answer["calls"]
        if example:
            results["ours"] = ours(example, options, threads)
        rounds.append(results)
    for server in servers.values():
        server.close()
    return rounds


def ours(example, options, threads):
    """One epoch on both parts of the data by the command that a user runs; what it says in metrics.json."""
    with tempfile.TemporaryDirectory(prefix="ssvae-") as folder:
        out = Path(folder) / "run"
        command = [example, "--data", "mnist", "--data-dir", str(options.data_dir), "--method", "sparsemax", "--plain",
                   "--warm-up-epochs", str(options.warm_up_epochs), "--epochs", "1", "--out", str(out)]
        done = subprocess.run(command, env=environment(threads, options.memory), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True)
        if done.returncode != 0:
            sys.exit(f"failed ({done.returncode}): {' '.join(command)}\n{done.stdout}")
        metrics = json.loads((out / "metrics.json").read_text())
    return metrics["train"]["ms_per_step"], metrics["test"]["decoder_calls_mean"]


def report(rounds, threads, folder):
    compared = "ours" in rounds[0]
    rows = []
    for way in [*PROGRAMS, *(["ours"] if compared else [])]:
        times = [results[way][0] for results in rounds]
        row = [PROGRAMS.get(way, "ours"), f"{mean(results[way][1] for results in rounds):.2f}",
               f"{median(times):.2f}", f"{min(times):.2f} to {max(times):.2f}"]
        if compared:
            row.append(table.ratio(median(results[way][0] / results["ours"][0] for results in rounds)))
        rows.append(row)
    head = ["program", "decoder calls per image", "ms per step", "over the rounds", *(["÷ ours"] if compared else [])]
    images = "MNIST" if folder else "synthetic digits (ours was not run: no MNIST)"
    return [f"{threads} thread{'s' if threads > 1 else ''}, {images}, 64 labelled + 64 unlabelled images per step, "
            "sparsemax:", "", *table.markdown(head, rows)]
