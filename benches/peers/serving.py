"""The loop of a server in Python; who asks is in server.py."""

import json
import sys


def serve(greeting, answer):
    """Greets with a line of JSON, then answers each line of it on stdin with one."""
    print(json.dumps(greeting), flush=True)
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)
