"""What the PyTorch programs that train have in common: the update, and how long steps take."""

import time


def update(optimizer, loss):
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()


def timed(step, count):
    """Milliseconds of each of so many steps, and what each returned."""
    times, results = [], []
    for _ in range(count):
        start = time.perf_counter()
        results.append(step())
        times.append(1000 * (time.perf_counter() - start))
    return times, results
