"""Suite `signal-game`: a training step of the signal game on Omniglot, ours next to a PyTorch program."""

import sys
from pathlib import Path
from statistics import median

import build
import omniglot
import table
import training
from server import Server

HERE = Path(__file__).resolve().parent
# Agents, method, and the share of the steps that are taken: the paper's agents take many times as long for one.
CASES = {
    ("best", "sparsemax"): ("default, sparsemax", 1),
    ("best", "softmax"): ("default, softmax", 1),
    ("paper", "sparsemax"): ("the paper's, sparsemax", 1 / 5),
}
PROGRAMS = {"torch": "PyTorch", "ours": "ours"}


def run(options):
    example = build.executable("sparse-examples", "example", "signal_game", options.features)
    rows = []
    for threads in options.threads:
        rows += cells(measure(options, example, threads), threads)
    head = ["threads", "agents and method", "program", "support", "success", "ms per step", "over the rounds", "÷ ours"]
    by_share = {share: steps(options, share) for _, share in CASES.values()}
    taken = " ".join(f"{count} steps after {count * options.warm_up_epochs}" +
                     (" (default agents)," if share == 1 else " (the paper's).") for share, count in by_share.items())
    return [f"64 games of 16 candidates, 256 symbols. Each round takes {taken} Support and success, the probability that the "
            "target is found, are those of new drawings after these steps; chance is 0.0625.", "",
            *table.markdown(head, rows)]


def steps(options, share):
    return max(1, round(options.steps * share))


def measure(options, example, threads):
    """For each round and (case, program): milliseconds per step, support and success."""
    file = omniglot.find(options.data_dir)
    servers, programs = {}, {}
    try:
        for case, (_, share) in CASES.items():
            count = steps(options, share)
            command = [sys.executable, HERE / "signal_game_torch.py", *case, file, threads, count * options.warm_up_epochs]
            servers[case] = server = Server(" ".join(case), command, threads, options.memory)
            programs[case, "torch"] = lambda server=server, count=count: theirs(server, count)
            programs[case, "ours"] = lambda case=case, settings=server.greeting, count=count: ours(
                example, *case, settings, count, threads, options)
        return training.alternate(programs, threads, options)
    finally:
        for server in servers.values():
            server.close()


def theirs(server, count):
    answer = server.ask(steps=count)
    return median(answer["ms"]), answer["support"], answer["success"]


def ours(example, agents, method, settings, count, threads, options):
    """As many epochs as warm up, of `count` steps each, and one that counts, at a rate that stays."""
    command = [example, "--data", "omniglot", "--method", method, "--epochs", options.warm_up_epochs + 1, "--batches", count,
               "--lr", settings["lr"], "--final-lr", settings["final_lr"],
               *(["--preset", "paper"] if agents == "paper" else [])]
    config, metrics = training.trained(command, threads, options)
    for name, value in settings.items():
        if config[name] != value:
            sys.exit(f"{agents}, {method}: {name} is {config[name]} in ours and {value} in signal_game_torch.py")
    seconds, test = metrics["train"]["seconds_per_epoch"][-1], metrics["test"]
    return 1000 * seconds / count, test["support_mean"], test["communication_success"]


def cells(rounds, threads):
    rows = []
    for case, (name, _) in CASES.items():
        ours = [results[case, "ours"][0] for results in rounds]
        for program, label in PROGRAMS.items():
            results = [results[case, program] for results in rounds]
            times, supports, successes = zip(*results)
            rows.append([str(threads), name, label, f"{median(supports):.1f}", f"{median(successes):.3f}",
                         *training.cells(times, ours)])
    return rows
