"""One library in a process of its own that stays alive and does one thing at a time, as asked."""

import json
import os
import subprocess
import sys


class Server:
    """Talks in lines of JSON: the process greets with one, then answers each request with one.

    An answer with the key "error" ends the comparison.
    """

    def __init__(self, name, command, threads, memory):
        self.name = name
        self.process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1, env=environment(threads, memory),
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


def environment(threads, memory):
    """That in which every library compared here uses this many threads, and the allocator behaves as asked."""
    names = ["RAYON_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"]
    variables = {name: str(threads) for name in names}
    if memory == "kept":
        # glibc takes at most 32 MiB as the size from which a block is mapped and unmapped on its own.
        variables |= {"MALLOC_MMAP_THRESHOLD_": str(32 << 20), "MALLOC_TRIM_THRESHOLD_": str(1 << 30)}
    return os.environ | variables
