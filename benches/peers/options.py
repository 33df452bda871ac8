"""The command line of `run` and `compare.py`, the same for both."""

import argparse
from pathlib import Path

import omniglot

ROOT = Path(__file__).resolve().parent.parent.parent
SHAPES = [(64, 10), (64, 256), (8192, 128), (1024, 1024), (256, 32000)]
ROUNDS = {"mappings": 7, "structures": 5, "likelihoods": 5, "ssvae": 4, "signal-game": 4}
# Of the suites that train.
WARM_UP_EPOCHS = {"ssvae": 5, "signal-game": 3}
STEPS = {"ssvae": 60, "signal-game": 100}


def shape(text):
    try:
        rows, columns = (int(size) for size in text.split("x"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"a shape is ROWSxCOLUMNS, such as 64x256, not {text!r}")
    if rows < 1 or columns < 1:
        raise argparse.ArgumentTypeError(f"a shape has at least one row and one column, not {text!r}")
    return rows, columns


def positive_int(text):
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, not {value}")
    return value


def positive_float(text):
    value = float(text)
    if not value > 0:
        raise argparse.ArgumentTypeError(f"must be above 0, not {value}")
    return value


def parse(arguments):
    parser = argparse.ArgumentParser(
        prog="benches/peers/run",
        description="Runs PyTorch, the entmax package and this project alternately on the same inputs and prints one "
        "Markdown table of ratios. The first run installs torch, entmax, numpy and matplotlib in a virtual "
        "environment outside the repository; PEERS_VENV names one that exists.",
    )
    add = parser.add_argument
    add("--suite", choices=list(ROUNDS), default="mappings", help="what is compared")
    add("--threads", type=positive_int, nargs="+", default=[1], metavar="N",
        help="threads of every library; several, such as `1 2`, are measured in the same run")
    add("--rounds", type=positive_int, default=None,
        help=f"rounds over all libraries; the table has the medians over them (default: {by_suite(ROUNDS)})")
    add("--memory", choices=["system", "kept"], default="system",
        help="kept: tell the C library's allocator to keep freed memory, for every library alike (Linux; README.md "
        "says what it is for)")
    add("--features", nargs="+", default=[], metavar="NAME",
        help="features that ours is built with beside the default ones")
    add("--out", type=Path, help="also write the report to this file")
    add("--plot", type=Path, help="suite structures: also draw how times grow with the sizes, to this SVG or PNG file")
    mappings = parser.add_argument_group("suite mappings")
    mappings.add_argument("--shapes", type=shape, nargs="+", default=SHAPES, metavar="RxC", help="[rows, columns]")
    mappings.add_argument("--seconds", type=positive_float, default=0.2,
                          help="length of one measurement, also of suites structures and likelihoods")
    mappings.add_argument("--seed", type=int, default=0, help="of the standard normal inputs")
    training = parser.add_argument_group("suites ssvae and signal-game")
    default_data = ROOT.parent / "shared" / "data"
    training.add_argument("--data-dir", type=Path, default=default_data if default_data.is_dir() else None,
                          help="folder that holds MNIST or Omniglot, or that holds a folder `mnist` or `omniglot` of it; "
                          "without MNIST, the PyTorch programs of ssvae train on synthetic digits and ours is left out; "
                          f"Omniglot is the file {omniglot.FILE}")
    training.add_argument("--warm-up-epochs", type=positive_int,
                          help="epochs before the steps that count, so that supports are realistic: of ssvae on the labels "
                          f"alone, of signal-game as many steps as --steps each (default: {by_suite(WARM_UP_EPOCHS)})")
    training.add_argument("--steps", type=positive_int,
                          help="steps in each round: of ssvae those of a PyTorch program, of signal-game those of every "
                          f"program, a fifth for the paper's agents (default: {by_suite(STEPS)})")
    parsed = parser.parse_args(arguments)
    for name, defaults in (("rounds", ROUNDS), ("warm_up_epochs", WARM_UP_EPOCHS), ("steps", STEPS)):
        if getattr(parsed, name) is None:
            setattr(parsed, name, defaults.get(parsed.suite))
    parsed.threads = sorted(set(parsed.threads))
    if parsed.suite == "signal-game" and not omniglot.find(parsed.data_dir):
        given = f"{parsed.data_dir} has neither" if parsed.data_dir else "none was given"
        parser.error(f"suite signal-game needs --data-dir, a folder that holds {omniglot.FILE} or a folder `omniglot` with "
                     f"it; {given}")
    return parsed


def by_suite(numbers):
    return ", ".join(f"{number} for {suite}" for suite, number in numbers.items())
