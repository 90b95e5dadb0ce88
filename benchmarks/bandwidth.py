"""Which bandwidth gives the best gradients of a kernel histogram.

A unit normal in bins of width 2, as in N. Simpson's thesis: the derivative of the bin yields
by the mean of the events, by the kernel histogram of a sample, against the exact one. Prints
the root mean square error over bins and samples, relative to the exact size, by bandwidth.

    python benchmarks/bandwidth.py [--events 1000 5000 10000] [--samples 200]
"""

from __future__ import annotations

import argparse

import numpy as np
import tensorflow as tf
from scipy.stats import norm

from dnnlik.differentiable import kernel_histogram

EDGES = np.array([-3.0, -1.0, 1.0, 3.0])
BANDWIDTHS = (0.02, 0.05, 0.1, 0.15, 0.2, 0.27, 0.35, 0.5, 0.7, 1.0)
MEAN = 0.5  # away from a point of symmetry, where an error would cancel


@tf.function(jit_compile=True)
def slopes(values: tf.Tensor, bandwidth: tf.Tensor) -> tf.Tensor:
    """Derivative of each bin's share by a shift of all events, (bins,)."""
    rows = []
    for position in range(len(EDGES) - 1):
        with tf.GradientTape() as tape:
            shift = tf.zeros((), tf.float64)
            tape.watch(shift)
            share = kernel_histogram(values + shift, EDGES, bandwidth)[position]
        rows.append(tape.gradient(share, shift) / values.shape[0])
    return tf.stack(rows)


def errors(events: int, samples: int) -> dict[float, float]:
    """Relative root mean square errors by bandwidth."""
    exact = norm.pdf(EDGES[:-1] - MEAN) - norm.pdf(EDGES[1:] - MEAN)
    found = {}
    for bandwidth in BANDWIDTHS:
        rng = np.random.default_rng(1)
        drawn = [
            slopes(tf.constant(rng.normal(MEAN, 1.0, events)), tf.constant(bandwidth, tf.float64))
            for _ in range(samples)
        ]
        squares = np.square(np.array(drawn) - exact).mean()
        found[bandwidth] = float(np.sqrt(squares / np.square(exact).mean()))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, nargs="+", default=[1000, 5000, 10_000])
    parser.add_argument("--samples", type=int, default=200)
    given = parser.parse_args()
    print(f"{'events':>8}" + "".join(f"{h:>8}" for h in BANDWIDTHS) + f"{'best':>8}")
    for events in given.events:
        found = errors(events, given.samples)
        best = min(found, key=found.__getitem__)
        print(f"{events:>8}" + "".join(f"{e:>8.3f}" for e in found.values()) + f"{best:>8}")


if __name__ == "__main__":
    main()
