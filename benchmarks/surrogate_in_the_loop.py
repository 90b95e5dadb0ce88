"""One analysis optimised twice: through its exact likelihood, and through a surrogate of it.

    python benchmarks/surrogate_in_the_loop.py [--points 200000] [--epochs 60]

The analysis is the one-bin toy of `dnnlik.datasets.one_bin`: one number φ sets the signal,
the background and its uncertainty. The surrogate is trained on samples of
``likelihoods/one_bin_yields``, which know nothing of φ; both models then stand in the same
loop of Adam, for p₀ and for CLs.

What may be expected of the optimum follows from the error of t that the surrogate has at
held-out yields: the root mean square of it, of its slope along φ, and the largest, ε. With
|t_surrogate - t| ≤ ε everywhere, t at the surrogate's optimum is within 2ε of the largest,
which bounds φ by a level set of the exact t; to first order φ is off by the error of the
slope over the curvature.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

from dnnlik.datasets.one_bin import expected
from dnnlik.differentiable.model import HistFactoryModel, StatisticalModel
from dnnlik.differentiable.objectives import OBJECTIVES, Trained
from dnnlik.differentiable.statistics import asimov_statistic
from dnnlik.differentiable.surrogate import SurrogateModel
from dnnlik.likelihoods import Likelihood, open_likelihood
from dnnlik.sampling import Samples, sample
from dnnlik.surrogate.data import split
from dnnlik.surrogate.ensemble import train
from dnnlik.surrogate.likelihood import SurrogateLikelihood
from dnnlik.surrogate.settings import TrainingSettings
from dnnlik.validation.metrics import ErrorBand, error_bands

ROOT = Path(__file__).resolve().parents[1]
HYPOTHESES = {"p0": ({"mu": 1.0}, {"mu": 0.0}), "cls": ({"mu": 0.0}, {"mu": 1.0})}
"""The true and the tested signal whose t an objective is made of."""
RANGE = (0.0, 10.0)
ROUNDING = 0.05  # without, Newton's method ends at a kink of SELU in a quarter of the fits
YIELDS = ("s", "b", "sigma_b")

Make = Callable[[Any, Any, Any], StatisticalModel]


def exact_model(s: Any, b: Any, sigma: Any) -> HistFactoryModel:
    """The HistFactory model at yields () or (models,): up and down b ± σ_b, where the
    interpolation of code 4p is a straight line."""
    s, b, sigma = (tf.cast(part, tf.float64)[..., None] for part in (s, b, sigma))
    mu = {"name": "mu", "type": "normfactor", "data": None}
    varied = {"hi_data": b + sigma, "lo_data": b - sigma}
    samples = [
        {"name": "signal", "data": s, "modifiers": [mu]},
        {
            "name": "background",
            "data": b,
            "modifiers": [{"name": "alpha", "type": "histosys", "data": varied}],
        },
    ]
    return HistFactoryModel([{"name": "bin", "samples": samples}])


def surrogate_model(likelihood: Any) -> Make:
    """The same of a likelihood of mu, alpha, s, b, sigma_b and n."""

    def make(s: Any, b: Any, sigma: Any) -> SurrogateModel:
        def events(points: tf.Tensor) -> tf.Tensor:
            mu, alpha = tf.unstack(points, axis=1)
            return (mu * s + b + alpha * sigma)[:, None]

        conditions = dict(zip(YIELDS, (s, b, sigma), strict=True))
        return SurrogateModel(likelihood, events, observed=["n"], conditions=conditions)

    return make


@dataclass(frozen=True)
class Accuracy:
    """What a surrogate states of itself, at yields that it was not trained on.

    ``band``: of the log-likelihood up to 5 below its maximum; ``rms`` and ``largest`` of t,
    ``slope_rms`` of dt/dφ, up to t = 10.
    """

    band: ErrorBand
    rms: float
    largest: float
    slope_rms: float


@dataclass(frozen=True)
class Optimum:
    """Where a loop ended: φ, the objective there, steps without a gradient, seconds."""

    phi: float
    value: float
    skipped: int
    seconds: float


def stated_accuracy(surrogate: Any, exact: Any, samples: Samples, name: str) -> Accuracy:
    """Of the t of an objective, on held-out walkers of the samples."""
    test = samples.rows(split(samples).test)
    error = surrogate.log_likelihood(test.points) - test.log_likelihood
    columns = [samples.parameters.index(parameter) for parameter in YIELDS]
    yields = test.points[:: max(1, len(test) // 1000), columns]
    values, slopes = zip(
        *(t_of_yields(make, yields, name) for make in (surrogate_model(surrogate), exact)),
        strict=True,
    )
    # Asimov counts may lie outside of those sampled; and t < 10 is twice the band's 5.
    known = np.isfinite(values[0]) & (values[1] < 10)
    difference = (values[0] - values[1])[known]
    return Accuracy(
        band=error_bands(error, test.drop, (5.0,))[0],
        rms=float(np.sqrt(np.mean(difference**2))),
        largest=float(np.abs(difference).max()),
        slope_rms=float(np.sqrt(np.mean((slopes[0] - slopes[1])[known] ** 2))),
    )


def t_of_yields(make: Make, yields: np.ndarray, name: str) -> tuple[np.ndarray, np.ndarray]:
    """t (n,) at yields (n, 3), and its slope along φ, where ds = 1, db = -2 and, in the
    middle of the range, dσ_b = 1."""
    columns = tf.constant(yields)

    def both(columns: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(columns)
            value = asimov_statistic(make(*tf.unstack(columns, axis=1)), *HYPOTHESES[name])
        return value, tape.gradient(value, columns)

    value, gradient = compiled(both, columns.shape)(columns)
    return value.numpy(), gradient.numpy() @ [1.0, -2.0, 1.0]


def compiled(function: Callable[[tf.Tensor], Any], shape: Any) -> Callable[[tf.Tensor], Any]:
    """One XLA program for one float64 tensor."""
    whole = tf.function(function, jit_compile=True, autograph=False)
    return whole.get_concrete_function(tf.TensorSpec(shape, tf.float64))


def t_of_phi(make: Make, phi: np.ndarray, name: str) -> np.ndarray:
    """t (n,) of the analysis at φ (n,)."""
    yields = np.stack(np.broadcast_arrays(*expected(phi)), axis=1)
    return t_of_yields(make, yields, name)[0]


def optimised(make: Make, name: str, *, start: float = 2.0, steps: int = 200) -> Optimum:
    """Adam on the logarithm of an objective, at a rate that falls to nothing."""
    began = time.perf_counter()
    phi = tf.Variable(start, dtype=tf.float64)
    adam = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.3, steps))
    adam.build([phi])

    def both(phi: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(phi)
            value = OBJECTIVES[name].function(Trained(make(*expected(phi))))
            logarithm = tf.math.log(value)
        return value, tape.gradient(logarithm, phi)

    run, skipped = compiled(both, []), 0
    for _ in range(steps):
        value, slope = run(phi.read_value())
        if np.isfinite(value) and np.isfinite(slope):
            adam.apply([slope], [phi])
        else:
            skipped += 1
    value, _ = run(phi.read_value())
    return Optimum(float(phi), float(value), skipped, time.perf_counter() - began)


@dataclass(frozen=True)
class Comparison:
    """Two optima of one objective, and what the stated accuracy allows between them.

    ``t_exact``: the exact t at the exact optimum; ``t_there`` and ``t_surrogate``: the exact
    and the surrogate's at that of the surrogate.
    ``shift``: by the root mean square of the slope's error over the curvature, to first
    order. ``allowed``: the interval of φ where the exact t is within 2ε of its largest.
    """

    name: str
    exact: Optimum
    surrogate: Optimum
    accuracy: Accuracy
    t_exact: float
    t_there: float
    t_surrogate: float
    shift: float
    allowed: tuple[float, float]


def compared(likelihood: Any, samples: Samples, name: str, exact: Make = exact_model) -> Comparison:
    """Optimise through both, and say what was to be expected."""
    accuracy = stated_accuracy(likelihood, exact, samples, name)
    first = optimised(exact, name)
    learned = surrogate_model(likelihood)
    second = optimised(learned, name)
    grid = np.linspace(*RANGE, 1001)
    t = t_of_phi(exact, grid, name)
    near = grid[t >= t.max() - 2 * accuracy.largest]
    at, step = int(np.argmax(t)), grid[1] - grid[0]
    at = min(max(at, 1), len(grid) - 2)
    curvature = abs(t[at + 1] - 2 * t[at] + t[at - 1]) / step**2
    t_exact, t_there = t_of_phi(exact, np.array([first.phi, second.phi]), name)
    return Comparison(
        name=name,
        exact=first,
        surrogate=second,
        accuracy=accuracy,
        t_exact=float(t_exact),
        t_there=float(t_there),
        t_surrogate=float(t_of_phi(learned, np.array([second.phi]), name)[0]),
        shift=accuracy.slope_rms / curvature,
        allowed=(float(near[0]), float(near[-1])),
    )


def trained_on(
    likelihood: Likelihood, folder: Path, points: int, settings: TrainingSettings
) -> tuple[SurrogateLikelihood, Samples]:
    """A surrogate of a likelihood, and the samples that it was trained on."""
    samples = sample(likelihood, folder / "samples.h5", points=points)
    return SurrogateLikelihood(train(samples, settings), rounding=ROUNDING), samples


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, default=200_000)
    parser.add_argument("--epochs", type=int, default=60)
    options = parser.parse_args()
    likelihood = open_likelihood(ROOT / "likelihoods" / "one_bin_yields" / "likelihood.py")
    settings = TrainingSettings(layers=(100, 100, 100), max_epochs=options.epochs)
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        surrogate, samples = trained_on(likelihood, Path(folder), options.points, settings)
        seconds = time.perf_counter() - began
        rows = [compared(surrogate, samples, name) for name in HYPOTHESES]
    band = rows[0].accuracy.band
    print(f"{len(samples)} points, sampled and learned in {seconds:.0f} s.")
    print(f"ln L of {band.points} held-out points: rms {band.rms:.4f}, largest {band.largest:.3f}.")
    print(
        "\n| objective | φ, exact | φ, surrogate | expected shift | allowed "
        "| optimum, exact | as the surrogate says | exactly there "
        "| error of t: rms, largest | t lost | seconds | skipped |"
    )
    print("|" + "---|" * 12)
    for row in rows:
        print(line(row, exact_model))


def line(row: Comparison, exact: Make) -> str:
    """One row of the table."""
    objective = OBJECTIVES[row.name].function
    there = float(objective(Trained(exact(*expected(np.float64(row.surrogate.phi))))))
    low, high = row.allowed
    cells = [
        row.name,
        f"{row.exact.phi:.3f}",
        f"{row.surrogate.phi:.3f}",
        f"± {row.shift:.3f}",
        f"{low:.2f} to {high:.2f}",
        f"{row.exact.value:.4g}",
        f"{row.surrogate.value:.4g}",
        f"{there:.4g}",
        f"{row.accuracy.rms:.3f}, {row.accuracy.largest:.3f}",
        f"{row.t_exact - row.t_there:.4f}",
        f"{row.exact.seconds:.0f}, {row.surrogate.seconds:.0f}",
        f"{row.surrogate.skipped}",
    ]
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    main()
