"""What a figure depends on: the machine, the versions, the commit and the command."""

import os
import platform
import shlex
import subprocess
from importlib.metadata import version

from options import ROOT

SIMD = ["sse4_2", "avx", "fma", "avx2", "avx512f", "avx512dq", "avx512bw", "avx512vl", "asimd", "sve"]


def lines(arguments):
    """The head of a report, as Markdown list items."""
    return [
        f"- command: `{shlex.join(['benches/peers/run', *arguments])}`",
        f"- commit: {commit()}",
        f"- machine: {processor()}",
        f"- load at the start: {os.getloadavg()[0]:.2f} (average of a minute; near 0 on a quiet machine)",
        f"- versions: {', '.join(versions())}",
    ]


def processor():
    model, flags = platform.processor() or platform.machine(), set()
    try:
        with open("/proc/cpuinfo") as info:
            for line in info:
                key, _, value = line.partition(":")
                if key.strip() == "model name":
                    model = value.strip()
                if key.strip() in ("flags", "Features"):
                    flags = set(value.split())
    except OSError:
        pass  # not Linux: the model's name has to do
    simd = " ".join(flag for flag in SIMD if flag in flags) or "unknown"
    return f"{model}, {os.cpu_count()} cores, SIMD: {simd}"


def commit():
    head = output("git", "-C", ROOT, "rev-parse", "--short=12", "HEAD")
    changed = output("git", "-C", ROOT, "status", "--porcelain")
    return (head or "unknown") + (" with uncommitted changes" if changed else "")


def versions():
    burn = "unknown"
    for package in (ROOT / "Cargo.lock").read_text().split("[[package]]"):
        if '\nname = "burn"\n' in package:
            burn = package.split('version = "')[1].split('"')[0]
    peers = [f"{name} {version(name)}" for name in ("torch", "entmax", "numpy")]
    return [*peers, f"burn {burn}", output("rustc", "--version"), f"Python {platform.python_version()}"]


def output(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else ""
