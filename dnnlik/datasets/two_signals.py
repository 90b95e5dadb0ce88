r"""Two signals and a background, unit normals in the plane: three classes, for the multi-class
training of SANNT (CMS-MLG-23-005).

The signals are left and right of each other, the background is above both. It may move sideways,
by ± 0.5, and so may the right signal: two nuisance parameters. A background that leans to one
side looks like more of one signal and less of the other, which no classifier is told.

With the yields below and normal constraints of width 1 the unbinned information leaves
:math:`\sigma_{left}+\sigma_{right}=0.650` (0.555 if nothing moves). Events in the class that is
most probable, in 8 equal bins of its probability from 1/3 to 1: 0.956 (20 bins: 0.930).

>>> events = two_signals(1000, seed=1)
>>> events["right_up"].shape, sorted(events)[:3]
((1000, 2), ['background', 'background_down', 'background_up'])
>>> bool((log_densities(events["left"]).argmax(axis=-1) == 1).mean() > 0.6)
True
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["CLASSES", "MEANS", "YIELDS", "log_densities", "two_signals"]

CLASSES = ("background", "left", "right")
"""The samples that are to be told apart, background first."""

MEANS: Mapping[str, tuple[float, float]] = {
    "background": (0.0, 1.5),
    "background_up": (0.5, 1.5),
    "background_down": (-0.5, 1.5),
    "left": (-1.0, 0.0),
    "right": (1.0, 0.0),
    "right_up": (1.5, 0.0),
    "right_down": (0.5, 0.0),
}
"""The centre of each sample; variations are those of two nuisance parameters at ±1."""

YIELDS: Mapping[str, float] = {
    name: 1000.0 if name.startswith("background") else 50.0 for name in MEANS
}
"""Expected events."""


def two_signals(
    events: int = 50_000, *, seed: int | np.random.Generator
) -> dict[str, NDArray[np.float64]]:
    """Events of each sample, (events, 2), under the names of `MEANS`; variations are the events of
    their sample, moved."""
    generator = np.random.default_rng(seed)
    noise = {name: generator.normal(size=(events, 2)) for name in CLASSES}
    return {name: noise[name.split("_")[0]] + mean for name, mean in MEANS.items()}


def log_densities(points: ArrayLike) -> NDArray[np.float64]:
    """ln of the density of each of `CLASSES`, (..., 2) → (..., 3): what the best classifier has
    before its softmax."""
    x = np.asarray(points, dtype=np.float64)
    squares = [((x - MEANS[name]) ** 2).sum(axis=-1) for name in CLASSES]
    return np.asarray(-0.5 * np.stack(squares, axis=-1) - np.log(2.0 * np.pi))
