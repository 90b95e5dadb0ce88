"""The Gaussian blobs of neos (arXiv:2203.05570, section 5).

A signal, a background and its variations up and down are normal in the plane, each with
unit covariance, so that the best observable there is has a closed form. (The means of the
background are the ones of the paper's figures; its text lists them permuted.)

>>> sample = blobs(1000, seed=1)
>>> sample["signal"].shape, sorted(sample)
((1000, 2), ['background', 'background_down', 'background_up', 'signal'])
>>> bool((log_ratio_nominal(sample["signal"]) > 0).mean() > 0.9)
True
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["MEANS", "YIELDS", "blobs", "log_ratio_all", "log_ratio_nominal"]

MEANS = {
    "signal": (-1.0, 1.0),
    "background": (1.0, -1.0),
    "background_up": (2.5, 2.0),
    "background_down": (-2.5, -1.5),
}
"""The centre of each blob; variations are those of one nuisance parameter at ±1."""

YIELDS = {
    "signal": 20.0,
    "background": 100.0,
    "background_up": 100.0,
    "background_down": 100.0,
}
"""The expected number of events of each blob."""


def blobs(
    events: int = 10_000, *, seed: int | np.random.Generator
) -> dict[str, NDArray[np.float64]]:
    """Events of each blob, (events, 2), under the names of `MEANS`."""
    generator = np.random.default_rng(seed)
    return {name: generator.normal(mean, 1.0, (events, 2)) for name, mean in MEANS.items()}


def log_ratio_nominal(points: ArrayLike) -> NDArray[np.float64]:
    """ln of signal over nominal background density: (..., 2) → (...).

    What a classifier of the two learns, up to a monotone function. It knows nothing of
    the variations.
    """
    return np.asarray(_log_density(points, "signal") - _log_density(points, "background"))


def log_ratio_all(points: ArrayLike) -> NDArray[np.float64]:
    """ln of signal density over the mean of the three background densities: (..., 2) → (...).

    What a classifier learns that has nominal, up and down in equal parts as background.
    """
    backgrounds = [_log_density(points, name) for name in MEANS if name != "signal"]
    mixture = np.logaddexp.reduce(backgrounds, axis=0) - math.log(len(backgrounds))
    return np.asarray(_log_density(points, "signal") - mixture)


def _log_density(points: ArrayLike, name: str) -> NDArray[np.float64]:
    """ln of the unit normal density around a blob's centre: (..., 2) → (...)."""
    distance = np.asarray(points, dtype=np.float64) - MEANS[name]
    return np.asarray(-0.5 * (distance**2).sum(axis=-1) - math.log(2 * math.pi))
