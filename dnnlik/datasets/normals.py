"""Two unit normals in the plane, one of which may move (the toy of SANNT, CMS-MLG-23-005, and of
Wunsch et al., arXiv:2003.07186).

Signal around (0, 0), background around (1, 1), and its variations around (1, 2) and (1, 0): the
second feature separates as well as the first, and is uncertain.

>>> events = normals(1000, seed=1)
>>> events["background_up"].shape, sorted(events)
((1000, 2), ['background', 'background_down', 'background_up', 'signal'])
>>> bool((log_ratio(events["signal"]) > 0).mean() > 0.7)
True
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["MEANS", "YIELDS", "log_ratio", "normals"]

MEANS: Mapping[str, tuple[float, float]] = {
    "signal": (0.0, 0.0),
    "background": (1.0, 1.0),
    "background_up": (1.0, 2.0),
    "background_down": (1.0, 0.0),
}
"""The centre of each sample; variations are those of one nuisance parameter at ±1."""

YIELDS: Mapping[str, float] = {
    "signal": 50.0,
    "background": 1000.0,
    "background_up": 1000.0,
    "background_down": 1000.0,
}
"""Expected events."""


def normals(
    events: int = 100_000, *, seed: int | np.random.Generator
) -> dict[str, NDArray[np.float64]]:
    """Events of each sample, (events, 2), under the names of `MEANS`; the variations are the
    background's own events, moved."""
    generator = np.random.default_rng(seed)
    signal, background = (generator.normal(size=(events, 2)) for _ in range(2))
    found = {name: background + mean for name, mean in MEANS.items() if name != "signal"}
    return {"signal": signal + MEANS["signal"], **found}


def log_ratio(points: ArrayLike) -> NDArray[np.float64]:
    """ln of signal over nominal background density, (..., 2) → (...): what a classifier learns."""
    x = np.asarray(points, dtype=np.float64)
    distances = [((x - MEANS[name]) ** 2).sum(axis=-1) for name in ("background", "signal")]
    return np.asarray(0.5 * (distances[0] - distances[1]))
