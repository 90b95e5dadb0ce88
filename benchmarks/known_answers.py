"""Small problems whose answers are known: one bin, two bins, one cut.

One bin: s = 15+φ, b = 45-2φ ± 0.5+0.1φ², where p₀ is lowest; the gradient goes through the
profile fit. Two bins: objectives at given variations. Cut: Z_A where training ends, beside the
best of all thresholds on the same events, and the expected Z_A of the trained threshold.

    python benchmarks/known_answers.py [--seeds 9]
"""

from __future__ import annotations

import argparse
from dataclasses import replace

import numpy as np
import tensorflow as tf
from scipy.optimize import minimize
from scipy.stats import norm

from dnnlik.datasets import cut, one_bin, two_bin
from dnnlik.differentiable import (
    Cut,
    CutObservable,
    HistFactoryModel,
    Problem,
    Settings,
    Trained,
    optimise,
)
from dnnlik.differentiable.objectives import OBJECTIVES
from dnnlik.differentiable.problems import cut_problem

MU = {"name": "mu", "type": "normfactor", "data": None}


def counting(phi: tf.Tensor, constraint: str) -> HistFactoryModel:
    """The one-bin model: the background measured by a Poisson count, or by a normal."""
    s, b, sigma = (part[None] for part in one_bin.expected(phi))
    kind = {"poisson": "shapesys", "normal": "staterror"}[constraint]
    measured = {"name": "b", "type": kind, "data": sigma}
    samples = [
        {"name": "signal", "data": s, "modifiers": [MU]},
        {"name": "background", "data": b, "modifiers": [measured]},
    ]
    return HistFactoryModel([{"name": "SR", "samples": samples}])


def one_bin_rows() -> None:
    """Where p₀ is lowest, by a quasi-Newton minimiser with the gradient of the whole chain."""
    print(f"{'one bin':<12}{'phi':>10}{'published':>11}{'p0':>12}{'published':>11}{'steps':>7}")
    for constraint, published in one_bin.OPTIMUM.items():

        @tf.function(jit_compile=True)
        def value_and_gradient(phi, constraint=constraint):
            with tf.GradientTape() as tape:
                tape.watch(phi)
                value = OBJECTIVES["log_p0"].function(Trained(counting(phi, constraint)))
            return value, tape.gradient(value, phi)

        def function(x, compiled=value_and_gradient):
            value, slope = compiled(tf.constant(x[0], tf.float64))
            return float(value), np.array([float(slope)])

        found = minimize(function, [1.0], jac=True, method="BFGS", options={"gtol": 1e-9})
        print(
            f"{constraint:<12}{found.x[0]:>10.4f}{published.phi:>11}{np.exp(found.fun):>12.7f}"
            f"{published.p0:>11}{found.nfev:>7}"
        )


def two_bin_rows() -> None:
    """The landscape: ours, and the table."""
    names = ("cls", "p0", "sigma_mu", "generalised_variance")

    @tf.function(jit_compile=True)
    def objectives(u, d):
        signal, background, up, down = two_bin.templates(u, d)
        shape = {"name": "shape", "type": "histosys", "data": {"hi_data": up, "lo_data": down}}
        samples = [
            {"name": "signal", "data": signal, "modifiers": [MU]},
            {"name": "background", "data": background, "modifiers": [shape]},
        ]
        trained = Trained(HistFactoryModel([{"name": "SR", "samples": samples}]))
        return [OBJECTIVES[name].function(trained) for name in names]

    print("\ntwo bins" + "".join(f"{name:>22}" for name in names))
    for row in two_bin.TABLE:
        found = objectives(tf.constant(row.u, tf.float64), tf.constant(row.d, tf.float64))
        pairs = zip(found, (row.cls, row.p0, row.sigma_mu, row.determinant), strict=True)
        cells = "".join(f"{float(value):>13.5f} ({table:.4f})" for value, table in pairs)
        print(f"({row.u:g}, {row.d:g})".ljust(8) + cells)


def expected_significance(threshold: float) -> float:
    """Z_A of the expected events above a threshold, the smearing included."""
    x = np.linspace(-1.0, 30.0, 200_001)
    # An exponential smeared by a normal of 0.1.
    density = np.exp(0.005 - x) * norm.cdf((x - 0.01) / 0.1)
    background = 1000 * np.trapezoid(np.where(x > threshold, density, 0.0), x)
    return float(cut.asimov_significance(100 * norm.sf((threshold - 2.0) / 0.5), background))


def cut_rows(seeds: int) -> None:
    """Training of one threshold from 6: 100,000 background and 10,000 signal events, and the
    1000 and 100 of the toy, all of which train and judge."""
    heads = ("threshold", "Z_A - best, same events", "expected Z_A - best")
    print(f"\n{'slope, events':<14}" + "".join(f"{head:>34}" for head in heads))
    for slope, scale in ((2.7, 100), (10.0, 100), (2.7, 1), (10.0, 1)):
        rows = []
        for seed in range(seeds):
            problem = cut_problem(seed, scale)
            if scale == 1:
                problem = replace(problem, held_out=problem.events)
            observable = CutObservable([Cut(feature=0, start=6.0, slope=slope)])
            epochs = 100 if scale == 100 else 400
            optimise(problem, observable, Settings("asimov_significance", epochs, 1000, 0.1, seed))
            threshold = float(observable.thresholds.numpy()[0])
            best = max(significance(problem, t) for t in np.arange(1.0, 2.2, 0.002))
            expected = expected_significance(threshold) - cut.BEST_SIGNIFICANCE
            rows.append((threshold, significance(problem, threshold) - best, expected))
        columns = np.array(rows).T
        cells = [f"{np.median(c):.4f} [{c.min():.4f}, {c.max():.4f}]" for c in columns]
        print(f"{slope:<6}{1100 * scale:<8}" + "".join(f"{cell:>34}" for cell in cells))


def significance(problem: Problem, threshold: float) -> float:
    """Z_A of all events at or above a threshold."""
    passed = [
        problem.expected(name) * (problem.events[name].features >= threshold).mean()
        for name in ("signal", "background")
    ]
    return float(cut.asimov_significance(*passed))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=9)
    given = parser.parse_args()
    one_bin_rows()
    two_bin_rows()
    cut_rows(given.seeds)


if __name__ == "__main__":
    main()
