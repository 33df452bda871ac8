"""What the suites about training steps have in common: our command, programs in turn, and cells of the table."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

import table
from server import environment


def trained(command, threads, options):
    """Trains by a command that a user runs, in a folder that is gone afterwards: its config.json and metrics.json."""
    with tempfile.TemporaryDirectory(prefix="peers-") as folder:
        out = Path(folder) / "run"
        command = [*map(str, command), "--data-dir", str(options.data_dir), "--plain", "--out", str(out)]
        done = subprocess.run(command, env=environment(threads, options.memory), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True)
        if done.returncode != 0:
            sys.exit(f"failed ({done.returncode}): {' '.join(command)}\n{done.stdout}")
        return [json.loads((out / name).read_text()) for name in ("config.json", "metrics.json")]


def alternate(programs, threads, options):
    """For each round: what each of the programs, functions by name, says in its turn."""
    rounds = []
    for turn in range(options.rounds):
        print(f"threads: {threads}, round {turn + 1} of {options.rounds}", file=sys.stderr, flush=True)
        rounds.append({name: program() for name, program in programs.items()})
    return rounds


def cells(times, ours=None):
    """The milliseconds of a step: median and spread over the rounds, and the ratio to ours where it was run."""
    ratio = [] if ours is None else [table.ratio(median(theirs / own for theirs, own in zip(times, ours)))]
    return [f"{median(times):.2f}", f"{min(times):.2f} to {max(times):.2f}", *ratio]
