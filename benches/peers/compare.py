"""Runs a suite and prints its report. Started by `run`, in the virtual environment."""

import os
import sys
from datetime import date

import likelihoods
import machine
import mappings
import options
import signal_game
import ssvae
import structures

SUITES = {"mappings": mappings, "structures": structures, "likelihoods": likelihoods, "ssvae": ssvae,
          "signal-game": signal_game}


def main(arguments):
    chosen = options.parse(arguments)
    head = [f"# Peers: {chosen.suite}, {date.today()}", "", *machine.lines(arguments),
            f"- rounds: {chosen.rounds}, libraries alternating within each", ""]
    report = "\n".join([*head, *SUITES[chosen.suite].run(chosen)]) + "\n"
    print(report, end="", flush=True)
    if chosen.out:
        chosen.out.parent.mkdir(parents=True, exist_ok=True)
        unfinished = chosen.out.with_name(chosen.out.name + ".unfinished")
        unfinished.write_text(report)
        os.replace(unfinished, chosen.out)


if __name__ == "__main__":
    main(sys.argv[1:])
