"""One library in a process of its own that stays alive and does one thing at a time, as asked."""

import json
import os
import subprocess
import sys


class Server:
    """Talks in lines of JSON: the process greets with one, then answers each request with one.

    An answer with the key "error" ends the comparison.
    """

    def __init__(self, name, command, threads):
        self.name = name
        self.process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1, env=with_threads(threads),
        )
        self.greeting = self._answer()

    def ask(self, **request):
        print(json.dumps(request), file=self.process.stdin, flush=True)
        return self._answer()

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=60)

    def _answer(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"{self.name} ended without an answer (exit code {self.process.wait()})")
        answer = json.loads(line)
        if "error" in answer:
            sys.exit(f"{self.name}: {answer['error']}")
        return answer


def with_threads(threads):
    """The environment in which every library compared here uses this many threads. Nothing is pinned to a core."""
    count = str(threads)
    names = ["RAYON_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"]
    return os.environ | {name: count for name in names}
