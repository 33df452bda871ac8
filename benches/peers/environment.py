"""The virtual environment of the peers, kept outside the repository and made on first use."""

import os
import subprocess
import sys
from pathlib import Path

REQUIREMENTS = Path(__file__).resolve().parent / "requirements.txt"


def folder():
    """PEERS_VENV, or a folder in the user's cache."""
    if named := os.environ.get("PEERS_VENV"):
        return Path(named)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "sparse-marginalization" / "peers-venv"


def python_with_peers():
    """The interpreter of the environment, after making it and installing what is missing."""
    venv = folder()
    python = venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        say(f"making a virtual environment in {venv}")
        checked([sys.executable, "-m", "venv", str(venv)])
    imports = subprocess.run([python, "-c", "import torch, entmax, numpy, matplotlib"], capture_output=True)
    if imports.returncode != 0:
        say(f"installing {REQUIREMENTS.name} there")
        checked([str(python), "-m", "pip", "install", "--requirement", str(REQUIREMENTS)])
    return str(python)


def checked(command):
    # What set-up prints goes to stderr: stdout is for the report.
    if subprocess.run(command, stdout=sys.stderr).returncode != 0:
        sys.exit(f"benches/peers/run: failed: {' '.join(command)}\n"
                 "PEERS_VENV may name an environment that has torch, entmax, numpy and matplotlib.")


def say(text):
    print(text, file=sys.stderr, flush=True)
