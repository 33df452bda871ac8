"""How long a call of a PyTorch server takes; the twin of ../src/case.rs, and measured the same way."""

import time
from statistics import median


class Case:
    """One thing to call, and how long a call of it takes, once known."""

    def __init__(self, call):
        self.call = call
        self.call()
        self.estimate = self.sample(1)

    def sample(self, calls):
        call = self.call
        start = time.perf_counter_ns()
        for _ in range(calls):
            call()
        return (time.perf_counter_ns() - start) / calls

    def measure(self, seconds):
        """Median over samples of at least 0.1 ms, so that reading the clock costs nothing, for `seconds` in all."""
        budget = seconds * 1e9
        if self.estimate < budget / 10:
            self.call()  # what ran before on this core took the caches; calls longer than that notice no difference
        calls = max(1, int(1e5 / self.estimate))
        samples, spent = [], 0.0
        while not samples or spent < budget:
            samples.append(self.sample(calls))
            spent += samples[-1] * calls
        self.estimate = median(samples)
        return {"ns_per_call": self.estimate, "reps": calls * len(samples)}
