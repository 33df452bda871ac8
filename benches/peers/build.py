"""Builds this project's side with cargo, in release, and finds what was built."""

import json
import os
import subprocess
import sys

from options import ROOT


def executable(package, kind, name, features):
    """The path of what `cargo build --release` makes of a package's target, such as the example `ssvae`."""
    command = ["cargo", "build", "--release", "--package", package, f"--{kind}", name, "--features", ",".join(features),
               "--message-format", "json-render-diagnostics"]
    # Flags of the caller's shell would make the figures those of another build than users get.
    environment = {key: value for key, value in os.environ.items() if key != "RUSTFLAGS"}
    print(f"building {name}", file=sys.stderr, flush=True)
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"failed: {' '.join(command)}")
    for line in done.stdout.splitlines():
        message = json.loads(line)
        if message.get("executable") and message["target"]["name"] == name:
            return message["executable"]
    sys.exit(f"cargo built no {name}")
