"""The Gaussian blobs of neos, trained for different objectives: medians over seeds.

Each seed draws 10,000 events a blob, a quarter of them held out; the epoch with the best
objective on held-out events in hard bins is kept, and evaluated in hard bins on 200,000 other
events a blob. The Bayes classifiers are evaluated alike.

    python benchmarks/blobs.py [--objectives cls sigma_mu ...] [--bins 5 20] [--seeds 9]
"""

from __future__ import annotations

import argparse
import gc
import time

import numpy as np
import tensorflow as tf

from dnnlik.datasets.blobs import log_ratio_all, log_ratio_nominal
from dnnlik.differentiable import Events, Settings, evaluate, optimise
from dnnlik.differentiable.problems import blobs_problem
from dnnlik.differentiable.shipped import network_observable

SHOWN = ("cls", "p0", "sigma_mu")
OBJECTIVES = ("cls", "sigma_mu", "p0", "cls + p0", "cross_entropy", "cross_entropy_varied")
ANOTHER_SEED = 2_026


class Classifier:
    """A fixed observable: the signal's probability of a Bayes classifier."""

    trainable_variables = ()

    def __init__(self, log_ratio, bins: int) -> None:
        self.log_ratio, self.bins = log_ratio, bins

    def summary(self, features: tf.Tensor, training: bool = False) -> tf.Tensor:
        ratio = tf.numpy_function(self.log_ratio, [tf.cast(features, tf.float64)], tf.float64)
        return tf.ensure_shape(tf.sigmoid(ratio), features.shape[:1])

    def hard(self, summary: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
        rows = tf.histogram_fixed_width_bins(
            summary, tf.constant([0.0, 1.0], tf.float64), self.bins
        )
        return tf.math.unsorted_segment_sum(weights, rows, self.bins)

    smooth = hard


def trained(objective: str, bins: int, seed: int, given: argparse.Namespace) -> dict[str, float]:
    """One training, and its evaluation on many events."""
    problem = blobs_problem(seed)
    observable = network_observable(
        problem, bins, seed=seed, bandwidth=given.bandwidth, train_edges=given.train_edges
    )
    settings = Settings(objective, given.epochs, given.batch, given.rate, seed)
    begun = time.perf_counter()
    result = optimise(problem, observable, settings)
    seconds = time.perf_counter() - begun
    skipped = sum(record["skipped_steps"] for record in result.history)
    found = evaluate(problem, observable, evaluation_events())
    # What was compiled is kept until the collector comes by: a quarter of a GB each.
    del observable, result
    gc.collect()
    return found | {"seconds": seconds, "skipped": skipped}


def evaluation_events() -> dict[str, Events]:
    """200,000 events of each blob that no training sees."""
    return dict(blobs_problem(ANOTHER_SEED, 200_000).events)


def print_row(name: str, bins: int, rows: list[dict[str, float]]) -> None:
    """Medians, and the worst of all seeds in brackets."""
    cells = []
    for metric in SHOWN:
        values = np.array([row[metric] for row in rows])
        cells.append(f"{np.median(values):9.4g} ({values.max():.4g})")
    extra = ""
    if "seconds" in rows[0]:
        extra = (
            f"{np.median([row['seconds'] for row in rows]):6.0f} s"
            f"{sum(row['skipped'] for row in rows):5.0f} skipped"
        )
    print(f"{name:<26}{bins:>4} " + "".join(f"{cell:>24}" for cell in cells) + extra, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--objectives", nargs="+", default=list(OBJECTIVES))
    parser.add_argument("--bins", type=int, nargs="+", default=[5, 20])
    parser.add_argument("--seeds", type=int, default=9)
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--batch", type=int, default=500)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--bandwidth", type=float, default=0.09)
    parser.add_argument("--train-edges", action="store_true")
    given = parser.parse_args()
    print(
        f"{'trained on':<26}{'bins':>4} " + "".join(f"{f'{m}: median (worst)':>24}" for m in SHOWN)
    )
    for objective in given.objectives:
        for bins in given.bins:
            rows = [trained(objective, bins, seed, given) for seed in range(given.seeds)]
            print_row(objective, bins, rows)
    for name, ratio in (("Bayes, nominal", log_ratio_nominal), ("Bayes, all", log_ratio_all)):
        for bins in given.bins:
            found = evaluate(blobs_problem(0), Classifier(ratio, bins), evaluation_events())
            print_row(name, bins, [found])


if __name__ == "__main__":
    main()
