"""Suite `structures`: SparseMAP and k-best beside the peers' published solvers, and how times grow."""

import build
import table
from server import Server

# µs for each instance, standard normal scores, the least of four medians on one core of a shared 2-core machine: the C++
# solver alone, then forward, and forward + backward through Python. Of the paper's bit-vector factors (their repository at
# commit 9d27ec0) and lp-sparsemap (14bfba0), whose published package does not build: so they are constants here, and the
# ratios compare two machines of one kind at two times.
PEERS = {
    ("bit_vector", 32): (73, 142, 198),
    ("bit_vector", 128): (740, 1145, 1241),
    ("budget", 32, 5): (33, 83, 148),
    ("budget", 128, 5): (137, 364, 447),
    ("binary_sequence", 32): (227, 272, 353),
    ("binary_sequence", 128): (7341, 8047, 8084),
    ("sequence", 50, 20): (4979, None, 7200),
    ("arborescence", 20): (1144, None, 1194),
    ("assignment", 20, 20): (486, None, 562),
}
# µs for a batch of 64.
K_BEST_PEERS = {("bit_vector", 32, 10): 91, ("bit_vector", 128, 50): 1853}
# Both solvers where a structure has two.
ACTIVE_SET_TOO = {"bit_vector", "budget", "binary_sequence", "assignment"}
BATCH = 64
GROWTH = {
    "bit vector": [("bit_vector", n) for n in (16, 32, 64, 128, 256, 512, 1024)],
    "budget of n/8": [("budget", n, n // 8) for n in (16, 32, 64, 128, 256, 512, 1024)],
    "binary sequence": [("binary_sequence", n) for n in (16, 32, 64, 128, 256, 512, 1024)],
    "sequence, 10 states": [("sequence", n, 10) for n in (5, 10, 20, 40, 80)],
    "arborescence": [("arborescence", n) for n in (5, 10, 20, 40)],
    "assignment": [("assignment", n, n) for n in (5, 10, 20, 40)],
}


def run(options):
    servers = {count: Server("ours", [build.executable("sparse-benches", "bin", "structures_server", options.features)],
                             count, options.memory) for count in options.threads}
    try:
        times, facts = measure(servers, options)
        growth = grow(servers[options.threads[0]], options)
    finally:
        for server in servers.values():
            server.close()
    if options.plot:
        plot(growth, options.plot)
    return report(times, facts, growth, options)


def cases():
    for structure in PEERS:
        for active_set in (False, True) if structure[0] in ACTIVE_SET_TOO else (False,):
            for mode in ("solve", "backward"):
                yield structure, active_set, mode
    for structure in K_BEST_PEERS:
        yield structure, False, "k_best"


def request(structure, active_set, mode, seconds):
    name, *sizes = structure
    return {"structure": name, "sizes": sizes, "active_set": active_set, "mode": mode, "seconds": seconds}


def measure(servers, options):
    """µs of a batch, for each round, by (threads, case); iterations and support by case."""
    times, facts = {}, {}
    for _ in range(options.rounds):
        for case in cases():
            for count, server in servers.items():
                answer = server.ask(**request(*case, options.seconds))
                times.setdefault((count, case), []).append(answer["ns_per_call"] / 1e3)
                facts[case] = answer["iterations"], answer["support"]
    return times, facts


def grow(server, options):
    """For each curve, closed form and active set apart: sizes, µs of an instance, supports."""
    curves = {}
    for label, sizes in GROWTH.items():
        for active_set in (False, True) if sizes[0][0] in ACTIVE_SET_TOO else (False,):
            points = []
            for size in sizes:
                answer = server.ask(**request(size, active_set, "solve", options.seconds))
                points.append((size[1], answer["ns_per_call"] / 1e3 / BATCH, answer["support"]))
                if points[-1][1] > 2e4:
                    break  # a batch already takes more than a second
            kind = "active set" if active_set or sizes[0][0] not in ACTIVE_SET_TOO else "closed form"
            curves[f"{label}, {kind}"] = points
    return curves


def report(times, facts, growth, options):
    least, most = min(options.threads), max(options.threads)
    lines = [f"A batch of {BATCH} rows, standard normal scores, f32 tensors on flex. Times are for each "
             "instance, the least of the rounds' medians, as the peers' figures are: those were recorded with their C++ solvers "
             "on a machine of this kind, and not in this run (their package does not build).", ""]
    head = ["structure", "solver", "iterations", "support", "forward", "peer's C++ ÷ ours", "peer's Python ÷ ours",
            "forward + backward", "peer's Python ÷ ours"]
    scales = most > least
    head += [f"{most} threads" + " ×"] if scales else []
    rows = []
    for structure, active_set, mode in cases():
        if mode != "solve":
            continue
        forward, backward = (min(times[least, (structure, active_set, m)]) / BATCH for m in ("solve", "backward"))
        cpp, python, python_backward = PEERS[structure]
        iterations, support = facts[structure, active_set, mode]
        closed = structure[0] in ACTIVE_SET_TOO and not active_set
        row = [name(structure), "closed form" if closed else "active set", f"{iterations:.0f}", f"{support:.1f}",
               table.time(forward * 1e3), table.ratio(cpp / forward), table.ratio(python / forward) if python else "",
               table.time(backward * 1e3), table.ratio(python_backward / backward)]
        if scales:
            two = min(times[most, (structure, active_set, mode)]) / BATCH
            row.append(f"{forward / two:.2f}")
        rows.append(row)
    lines += [*table.markdown(head, rows), "", f"k best bit vectors, a batch of {BATCH}, on slices:", ""]
    rows = []
    for structure, peer in K_BEST_PEERS.items():
        time = min(times[least, (structure, False, "k_best")])
        rows.append([f"n = {structure[1]}, k = {structure[2]}", table.time(time * 1e3), table.ratio(peer / time)])
    lines += [*table.markdown(["bits", "time", "peer's C++ ÷ ours"], rows), "", "Growth, one instance, forward:", ""]
    rows = [[label, ", ".join(f"{n}: {table.time(micros * 1e3)} ({support:.0f})" for n, micros, support in points)]
            for label, points in growth.items()]
    return lines + table.markdown(["structure", "size: time (support)"], rows)


def name(structure):
    kind, *sizes = structure
    return f"{kind.replace('_', ' ')} {' × '.join(map(str, sizes))}"


def plot(growth, path):
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (by_size, by_support) = pyplot.subplots(1, 2, figsize=(12, 5), constrained_layout=True)
    for label, points in growth.items():
        sizes, times, supports = zip(*points)
        style = "--" if "active" in label else "-"
        by_size.loglog(sizes, times, style, marker="o", markersize=4, label=label)
        by_support.loglog(supports, times, style, marker="o", markersize=4, label=label)
    by_size.set(xlabel="size n", ylabel="µs for an instance", title="Time of SparseMAP by size")
    by_support.set(xlabel="structures in the support", title="… and by the size of the support")
    by_size.legend(fontsize=7)
    for axes in (by_size, by_support):
        axes.grid(True, which="major", alpha=0.3)
    unfinished = path.with_name(f".{path.name}.unfinished{path.suffix}")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(unfinished)
    unfinished.replace(path)
