r"""The three-dimensional mixture of INFERNO (arXiv:1806.04743, section 5.1), with its scores.

Signal: (x₀, x₁) unit normal around the origin, x₂ exponential of rate 2. Background: (x₀, x₁)
normal around (2 + r, 0) with variances 5 and 9, x₂ exponential of rate λ; nominal r = 0,
λ = 3. 50 signal and 1000 background events are expected. (The paper's text has the signal
around (1, 1); only the origin reproduces its table.)

Everything that can be known of the signal is in the density of an event, so that the best
possible uncertainty of its yield is an integral, see `information`.

>>> events = mixture(1000, seed=1)
>>> events["signal"].shape, sorted(events)
((1000, 3), ['background', 'signal'])
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "BENCHMARKS",
    "YIELDS",
    "Benchmark",
    "densities",
    "information",
    "mixture",
]

Array = NDArray[np.float64]

YIELDS: Mapping[str, float] = {"signal": 50.0, "background": 1000.0}
"""Expected events."""

RATE = 3.0
"""Nominal λ."""

_CENTRE, _VARIANCES, _SIGNAL_RATE = (2.0, 0.0), (5.0, 9.0), 2.0


@dataclass(frozen=True)
class Benchmark:
    """What floats beside the signal yield, with the width of its auxiliary measurement.

    Attributes:
        shift, rate, background: widths for r, λ and the yield of the background; 0: it is
            fixed, infinite: it floats and nothing else measures it.
        published: the uncertainty of the signal yield that arXiv:1806.04743 (Table 1) gives
            for INFERNO matched to the benchmark.
    """

    shift: float = 0.0
    rate: float = 0.0
    background: float = 0.0
    published: float = 0.0


BENCHMARKS = (
    Benchmark(published=15.51),
    Benchmark(shift=inf, published=16.79),
    Benchmark(shift=inf, rate=inf, published=16.95),
    Benchmark(shift=0.4, rate=1.0, published=16.89),
    Benchmark(shift=0.4, rate=1.0, background=100.0, published=18.68),
)
"""The five of the paper, by number."""


def mixture(events: int = 100_000, *, seed: int | np.random.Generator) -> dict[str, Array]:
    """Events of signal and of nominal background, (events, 3) each."""
    generator = np.random.default_rng(seed)
    signal = generator.normal(0.0, 1.0, (events, 2))
    background = generator.normal(_CENTRE, np.sqrt(_VARIANCES), (events, 2))
    return {
        "signal": np.column_stack([signal, generator.exponential(1.0 / _SIGNAL_RATE, events)]),
        "background": np.column_stack([background, generator.exponential(1.0 / RATE, events)]),
    }


def densities(points: ArrayLike) -> tuple[Array, Array]:
    """The densities of signal and nominal background: (..., 3) → (...), (...)."""
    x = np.asarray(points, np.float64)
    return (
        _density(x, (0.0, 0.0), (1.0, 1.0), _SIGNAL_RATE),
        _density(x, _CENTRE, _VARIANCES, RATE),
    )


def information(points: ArrayLike) -> Array:
    r"""What an event tells of (s, r, λ, b): (..., 3) → (..., 4, 4).

    .. math:: \frac{\partial_i \nu(x)\,\partial_j \nu(x)}{\nu(x)^2}
       \quad\text{with}\quad \nu(x) = s\,f_s(x) + b\,f_b(x; r, \lambda),

    at the nominal values. Its mean over events of the mixture, times s + b, is the Fisher
    information of the unbinned likelihood.
    """
    x = np.asarray(points, np.float64)
    signal, background = densities(x)
    b = YIELDS["background"]
    slopes = np.stack(
        [
            signal,
            b * background * (x[..., 0] - _CENTRE[0]) / _VARIANCES[0],
            b * background * (1.0 / RATE - x[..., 2]),
            background,
        ],
        axis=-1,
    )
    scores = slopes / (YIELDS["signal"] * signal + b * background)[..., None]
    return np.asarray(scores[..., :, None] * scores[..., None, :])


def _density(
    x: Array, centre: tuple[float, float], variances: tuple[float, float], rate: float
) -> Array:
    pull = (x[..., :2] - centre) ** 2 / variances
    normal = np.exp(-0.5 * pull.sum(axis=-1)) / (2.0 * np.pi * np.sqrt(np.prod(variances)))
    exponential = np.where(x[..., 2] >= 0, rate * np.exp(-rate * x[..., 2]), 0.0)
    return np.asarray(normal * exponential)
