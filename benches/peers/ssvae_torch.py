"""Server of the suite `ssvae`: a training step of the semi-supervised VAE in PyTorch, written in two ways.

usage: ssvae_torch.py per-category|packed FOLDER|synthetic THREADS WARM_UP_EPOCHS

The model (M2 of Kingma et al. 2014, with sparsemax in place of softmax): a classifier 784-256-256-256-10, an inference
network [784 + 10]-128-128-(8 means, 8 log standard deviations), a generator [8 + 10]-128-128-784; Bernoulli pixels;
64 labelled and 64 unlabelled images per step; Adam.

    labelled     -ELBO(x, y) + label weight * sparsemax loss(x, y)
    unlabelled   sum over the support of q(z|x) * -ELBO(x, z), minus the entropy of q

`per-category` runs both networks on the whole unlabelled batch once for every category that anyone in it supports.
`packed` lists the supported pairs (image, category) and runs both networks once, on them and the labelled batch together.

Once it has greeted, each line {"steps": n} is answered by {"ms": [a time for each step], "calls": mean decoder calls}.
"""

import gzip
import sys
from pathlib import Path
from statistics import mean

import numpy as np
import torch
from entmax import sparsemax, sparsemax_loss
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits, one_hot

from serving import serve
from training_torch import timed, update

PIXELS, CATEGORIES, LATENT, BATCH = 784, 10, 8, 64
WARM_UP_RATE, RATE, WEIGHT_DECAY = 1e-3, 5e-4, 1e-5
SETTLING_STEPS = 200  # steps on both parts of the data before the first that counts: supports shrink fast at first
LABEL_WEIGHT, UNLABELLED_WEIGHT = 100.0, 1.0


def mnist(folder):
    """Labelled images and labels, and unlabelled images, as grey levels from 0 to 1."""
    def idx(name, header):
        with gzip.open(folder / name) as file:
            return np.frombuffer(file.read(), np.uint8, offset=header)

    images = torch.tensor(idx("train-images-idx3-ubyte.gz", 16).reshape(-1, PIXELS)).float() / 255
    labels = torch.tensor(idx("train-labels-idx1-ubyte.gz", 8)).long()
    labelled = torch.from_numpy(np.load(folder / "labeled_train_indx.npy"))
    unlabelled = torch.from_numpy(np.load(folder / "unlabeled_train_indx.npy"))
    return images[labelled], labels[labelled], images[unlabelled]


def synthetic():
    """As many images as in the split of MNIST: one random picture per category, each pixel blurred by chance."""
    pictures = torch.rand(CATEGORIES, PIXELS).round()
    labels = torch.randint(CATEGORIES, (50_000,))
    images = 0.6 * pictures[labels] + 0.4 * torch.rand(50_000, PIXELS)
    return images[:5000], labels[:5000], images[5000:]


def network(*sizes):
    layers = []
    for size_in, size_out in zip(sizes, sizes[1:]):
        layers += [nn.Linear(size_in, size_out), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.classifier = network(PIXELS, 256, 256, 256, CATEGORIES)
        self.inference = network(PIXELS + CATEGORIES, 128, 128, 2 * LATENT)
        self.generator = network(LATENT + CATEGORIES, 128, 128, PIXELS)

    def negative_elbo(self, images, categories):
        """One number for each image with its one-hot category."""
        mean, log_sd = self.inference(torch.cat([images, categories], 1)).chunk(2, 1)
        sd = log_sd.exp()
        latent = mean + sd * torch.randn_like(sd)
        logits = self.generator(torch.cat([latent, categories], 1))
        reconstruction = binary_cross_entropy_with_logits(logits, images, reduction="none").sum(1)
        divergence = (mean.square() + sd.square() - 2 * log_sd - 1).sum(1) / 2
        return reconstruction + divergence


def labels_only(model, images, labels):
    scores = model.classifier(images)
    return (model.negative_elbo(images, one_hot(labels, CATEGORIES).float())
            + LABEL_WEIGHT * sparsemax_loss(scores, labels)).mean()


def per_category(model, labelled, labels, unlabelled):
    """The loss of a step, and how many times an unlabelled image was decoded."""
    loss = labels_only(model, labelled, labels)
    probabilities = sparsemax(model.classifier(unlabelled), dim=-1)
    support = (probabilities > 0).any(0).nonzero()[:, 0].tolist()
    expectation = 0.0
    for category in support:
        one = torch.zeros(len(unlabelled), CATEGORIES)
        one[:, category] = 1
        expectation = expectation + probabilities[:, category] * model.negative_elbo(unlabelled, one)
    entropy = -torch.special.xlogy(probabilities, probabilities.clamp_min(1e-30)).sum(1)
    return loss + UNLABELLED_WEIGHT * (expectation - entropy).mean(), len(support)


EYE = torch.eye(CATEGORIES)


def packed(model, labelled, labels, unlabelled):
    """The same, decoding what is supported and nothing else, in one call for both parts of the batch."""
    scores = model.classifier(torch.cat([labelled, unlabelled]))
    probabilities = sparsemax(scores[len(labelled):], dim=-1)
    rows, categories = probabilities.nonzero(as_tuple=True)
    supported = probabilities[rows, categories]
    images = torch.cat([labelled, unlabelled[rows]])
    values = model.negative_elbo(images, EYE[torch.cat([labels, categories])])
    of_labelled, of_supported = values[:len(labelled)], values[len(labelled):]
    loss = (of_labelled + LABEL_WEIGHT * sparsemax_loss(scores[:len(labelled)], labels)).mean()
    expectation = (supported * (of_supported + supported.log())).sum() / len(unlabelled)
    return loss + UNLABELLED_WEIGHT * expectation, len(rows) / len(unlabelled)


class Training:
    def __init__(self, loss, data):
        self.loss, (self.labelled, self.labels, self.unlabelled) = loss, data
        self.model = Model()
        self.order = torch.empty(0, dtype=torch.long)

    def optimizer(self, rate):
        return torch.optim.Adam(self.model.parameters(), lr=rate, weight_decay=WEIGHT_DECAY, fused=True)

    def warm_up(self, epochs):
        optimizer = self.optimizer(WARM_UP_RATE)
        for _ in range(epochs):
            for batch in torch.randperm(len(self.labelled)).split(BATCH):
                update(optimizer, labels_only(self.model, self.labelled[batch].bernoulli(), self.labels[batch]))
        self.adam = self.optimizer(RATE)

    def step(self):
        """Draws a batch, binarizes it anew, and takes one step of Adam; the calls of the decoder per unlabelled image."""
        if len(self.order) < BATCH:
            self.order = torch.randperm(len(self.unlabelled))
        batch, self.order = self.order[:BATCH], self.order[BATCH:]
        labelled = torch.randint(len(self.labelled), (BATCH,))
        loss, calls = self.loss(
            self.model, self.labelled[labelled].bernoulli(), self.labels[labelled], self.unlabelled[batch].bernoulli())
        update(self.adam, loss)
        return calls


def main(way, source, threads, warm_up_epochs):
    torch.set_num_threads(int(threads))
    torch.manual_seed(42)
    data = synthetic() if source == "synthetic" else mnist(Path(source))
    training = Training({"per-category": per_category, "packed": packed}[way], data)
    training.warm_up(int(warm_up_epochs))
    for _ in range(SETTLING_STEPS):
        training.step()

    def answer(request):
        times, calls = timed(training.step, request["steps"])
        return {"ms": times, "calls": mean(calls)}

    serve({"program": way, "threads": torch.get_num_threads()}, answer)


main(*sys.argv[1:])
