"""Server of the suite `signal-game`: a training step of the signal game on Omniglot in PyTorch.

usage: signal_game_torch.py best|paper sparsemax|softmax FILE THREADS WARM_UP_STEPS

64 games of 16 drawings of distinct characters, 256 symbols. The loss is the expectation, over the sender's distribution q
of symbols, of the receiver's negative log-likelihood of the target, minus 0.1 times the entropy of q; Adam.

    best     eyes 784-256-128 that both share, and a layer to the logits; drawings moved by up to a pixel, standardized
    paper    a sender 784-256, each dimension e to σ(Σ b_f σ(a_f e)) with 512 filters, 256 logits; a receiver 784-256

Both embed their candidates once, and score every symbol that counts by one product: with softmax all of them, with
sparsemax the supported ones, in a grid with as many places for each game as the largest support needs. That is faster than
a list of pairs (game, symbol), which copies the 16 candidates for each, and of large supports slower than all symbols.

Once it has greeted with its settings, each line {"steps": n} is answered by {"ms": [a time for each step], "support": symbols
of positive probability, "success": probability that the receiver picks the target}, the last two on new drawings and after
the steps. Every request begins where the warm-up ended, so that all rounds measure the same steps.
"""

import copy
import sys
from pathlib import Path

import torch
from entmax import sparsemax
from torch import nn
from torch.nn import functional

import omniglot
from serving import serve
from training_torch import timed, update

GAMES, CANDIDATES, SYMBOLS, ENTROPY = 64, 16, 256, 0.1
# Of the 20 drawings of a character, in order, those that train and those that are new; one between them validates.
TRAIN, TEST = slice(0, 14), slice(15, 20)
TEST_GAMES = 4  # about each new drawing
# The default at the start of its 60 epochs: along its half cosine the rate has lost 1 % after 4 of them.
SETTINGS = {
    ("best", "sparsemax"): {"lr": 2e-3, "tau": 10.0, "shift": 1},
    ("best", "softmax"): {"lr": 2e-3, "tau": 1.0, "shift": 1},
    ("paper", "sparsemax"): {"lr": 5e-3, "tau": 10.0, "shift": 0},
}
# Largest scores among which sparsemax first looks for its support; entmax looks at more where they do not hold it.
LIKELY_SUPPORT = 32
# A grid with more places for each game takes longer than one product with all symbols.
LARGEST_GRID = 64
# Sigmoids that are computed at once stay in a core's cache: 1 MiB.
CHUNK = 1 << 18


class Drawings:
    """Drawings as agents see them: rows of norm 1, standardized for agents that want it."""

    def __init__(self, file, shift, standardized):
        shape, levels = omniglot.read(file, "images")
        _, concepts = omniglot.read(file, "concepts")
        order = torch.frombuffer(bytearray(concepts), dtype=torch.int32).argsort(stable=True)
        images = torch.frombuffer(bytearray(levels), dtype=torch.uint8).view(shape).float()[order].unflatten(0, (-1, 20))
        plain = views(images[:, TRAIN], 0)
        mean, scale = 0.0, 1.0
        if standardized:
            mean = plain.mean((0, 1))
            scale = (plain - mean).square().mean().sqrt()
        train = views(images[:, TRAIN], shift)
        self.concepts, self.views, _ = train.shape
        self.train = ((train - mean) / scale).flatten(0, 1)
        self.test = ((views(images[:, TEST], 0) - mean) / scale).flatten(0, 1)

    def games(self):
        """Candidates, those of a game together, and the place of each game's target among its own."""
        concepts = torch.rand(GAMES, self.concepts).topk(CANDIDATES, 1).indices
        drawn = torch.randint(self.views, (GAMES, CANDIDATES))
        candidates = self.train.index_select(0, (concepts * self.views + drawn).flatten())
        return candidates, torch.randint(CANDIDATES, (GAMES,))


def views(images, shift):
    """Each drawing of each concept, moved by up to `shift` pixels in every way there is: `[concepts, all of them, pixels]`."""
    size, moves = images.shape[-1], range(2 * shift + 1)
    padded = functional.pad(images, (shift,) * 4)
    moved = torch.stack([padded[..., y:y + size, x:x + size] for y in moves for x in moves], 2).flatten(3)
    # all of the ink can leave the image
    moved = torch.where(moved.any(-1, keepdim=True), moved, images.flatten(2)[:, :, None])
    return (moved / moved.norm(dim=-1, keepdim=True)).flatten(1, 2)


class Best(nn.Module):
    def __init__(self, pixels):
        super().__init__()
        self.vision = nn.Sequential(nn.Linear(pixels, 256), nn.ReLU(), nn.Linear(256, 128))
        self.logits = nn.Linear(128, SYMBOLS)
        self.symbols = nn.Parameter(torch.randn(SYMBOLS, 128) / 128**0.5)

    def forward(self, drawings, targets):
        """The sender's logits for the drawings in the rows `targets`, and the embeddings of all."""
        seen = self.vision(drawings)
        return self.logits(seen.index_select(0, targets)), seen


class Paper(nn.Module):
    def __init__(self, pixels):
        super().__init__()
        self.embedding = nn.Linear(pixels, 256, bias=False)
        self.first = nn.Parameter(torch.empty(512).uniform_(-1, 1))
        self.second = nn.Parameter(torch.empty(512).uniform_(-(512**-0.5), 512**-0.5))
        self.logits = nn.Linear(256, SYMBOLS, bias=False)
        self.candidates = nn.Linear(pixels, 256, bias=False)
        self.symbols = nn.Parameter(torch.randn(SYMBOLS, 256))

    def forward(self, drawings, targets):
        embedded = self.embedding(drawings.index_select(0, targets))
        collapsed = Filters.apply(embedded.flatten(), self.first, self.second).view_as(embedded).sigmoid()
        return self.logits(collapsed), self.candidates(drawings)


class Filters(torch.autograd.Function):
    """Σ b_f σ(a_f e) for each e of a vector: a few rows of sigmoids at a time, made again in the backward pass.

    That takes a quarter of the time of all rows at once by autograd, which moves 32 MiB of them through the memory a
    few times. With t = σ'(a_f e), the gradients are g (t · ab) in e, b (Σ_e g e t) in a, and Σ_e g σ in b.
    """

    @staticmethod
    def forward(context, e, a, b):
        context.save_for_backward(e, a, b)
        return torch.cat([torch.outer(part, a).sigmoid_() @ b for part in e.split(CHUNK // len(a))])

    @staticmethod
    def backward(context, upstream):
        e, a, b = context.saved_tensors
        of_e, of_a, of_b = [], torch.zeros_like(a), torch.zeros_like(b)
        for part, g in zip(e.split(CHUNK // len(a)), upstream.split(CHUNK // len(a))):
            sigmoids = torch.outer(part, a).sigmoid_()
            slopes = torch.addcmul(sigmoids, sigmoids, sigmoids, value=-1)
            of_e.append(g * (slopes @ (a * b)))
            of_a += (g * part) @ slopes
            of_b += g @ sigmoids
        return torch.cat(of_e), b * of_a, of_b


def dense(agents, scores, seen):
    """Probabilities of symbols and their logarithms, `[games, symbols]`, and the scores of candidates for each of these
    symbols, `[games, candidates, symbols]`: here for all symbols."""
    log_probs = scores.log_softmax(1)
    return log_probs.exp(), log_probs, of_all_symbols(agents, seen)


def sparse(agents, scores, seen):
    """The same for the most probable symbols of each game, as many as the largest support has."""
    probs = sparsemax(scores, 1, LIKELY_SUPPORT)
    largest = int((probs > 0).sum(1).max())
    if largest > LARGEST_GRID:
        compared = of_all_symbols(agents, seen)
    else:
        probs, symbols = probs.topk(largest, 1)
        sent = functional.embedding(symbols, agents.symbols)
        compared = seen.view(GAMES, CANDIDATES, -1) @ sent.transpose(1, 2)
    return probs, probs.clamp_min(1e-30).log(), compared  # 0 times any logarithm is 0


def of_all_symbols(agents, seen):
    return (seen @ agents.symbols.T).view(GAMES, CANDIDATES, SYMBOLS)


MAPPINGS = {"softmax": torch.softmax, "sparsemax": sparsemax}
OUTCOMES = {"softmax": dense, "sparsemax": sparse}
FIRST = torch.arange(GAMES) * CANDIDATES


def loss(agents, outcomes, temperature, candidates, places):
    logits, seen = agents(candidates, FIRST + places)
    probs, log_probs, scores = outcomes(agents, logits / temperature, seen)
    of_target = functional.cross_entropy(scores, places[:, None].expand_as(probs), reduction="none")
    return (probs * (of_target + ENTROPY * log_probs)).sum() / GAMES


class Training:
    def __init__(self, agents, method, settings):
        self.agents, self.method, self.temperature = agents, method, settings["tau"]
        self.adam = torch.optim.Adam(agents.parameters(), lr=settings["lr"], fused=True)

    def step(self, drawings):
        """Draws games, and takes one step of Adam."""
        value = loss(self.agents, OUTCOMES[self.method], self.temperature, *drawings.games())
        update(self.adam, value)
        return value

    @torch.no_grad()
    def test(self, drawings):
        """Mean support and success over games about new drawings, each the target equally often."""
        every = torch.arange(len(drawings.test))
        of_concept = len(every) // drawings.concepts
        logits, seen = self.agents(drawings.test, every)
        probs = MAPPINGS[self.method](logits / self.temperature, 1)
        scores = seen @ self.agents.symbols.T
        success = 0.0
        for _ in range(TEST_GAMES):
            draw = torch.rand(len(every), drawings.concepts).scatter_(1, (every // of_concept)[:, None], -1)
            others = draw.topk(CANDIDATES - 1, 1).indices
            others = others * of_concept + torch.randint(of_concept, others.shape)
            won = scores[torch.cat([every[:, None], others], 1)].argmax(1) == 0
            success += (probs * won).sum(1).mean().item() / TEST_GAMES
        return {"support": (probs > 0).sum(1).float().mean().item(), "success": success}


def main(who, method, file, threads, warm_up_steps):
    torch.set_num_threads(int(threads))
    # Softmax makes numbers below the least normal one, with which a product takes several times as long.
    torch.set_flush_denormal(True)
    torch.manual_seed(42)
    settings = SETTINGS[who, method]
    drawings = Drawings(Path(file), settings["shift"], standardized=who == "best")
    warm = Training({"best": Best, "paper": Paper}[who](drawings.train.shape[1]), method, settings)
    for _ in range(int(warm_up_steps)):
        warm.step(drawings)

    def answer(request):
        torch.manual_seed(43)
        training = copy.deepcopy(warm)
        times, _ = timed(lambda: training.step(drawings), request["steps"])
        return {"ms": times, **training.test(drawings)}

    serve({**settings, "final_lr": settings["lr"], "entropy": ENTROPY, "candidates": CANDIDATES, "symbols": SYMBOLS,
           "batch_size": GAMES}, answer)


if __name__ == "__main__":
    main(*sys.argv[1:])
