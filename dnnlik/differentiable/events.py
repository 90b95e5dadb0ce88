"""Simulated events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dnnlik.exceptions import InvalidInput

__all__ = ["Events"]


@dataclass(frozen=True)
class Events:
    """Simulated events of one sample.

    Attributes:
        features: (n, k) float32, what an observable is made of.
        weights: (n,) float64, of any sign; 1 by default.

    Raises:
        InvalidInput: no events, NaN or infinities, or shapes that do not fit.
    """

    features: NDArray[np.float32]
    weights: NDArray[np.float64]

    def __init__(self, features: ArrayLike, weights: ArrayLike | None = None) -> None:
        rows = _numbers("features", features, np.float32)
        if rows.ndim != 2 or not len(rows):
            raise InvalidInput(
                f"features of events have shape (n, k), n > 0. Received: shape {rows.shape}"
            )
        given = np.ones(len(rows)) if weights is None else weights
        weight = _numbers("weights", given, np.float64)
        if weight.shape != (len(rows),):
            raise InvalidInput(
                f"weights are one number an event, ({len(rows)},). Received: shape {weight.shape}"
            )
        bad = ~(np.isfinite(rows).all(axis=1) & np.isfinite(weight))
        if bad.any():
            raise InvalidInput(
                "features and weights of events are finite; leave out events that lack a value. "
                f"Received: NaN or infinity in {bad.sum()} events, the first in row {bad.argmax()}"
            )
        object.__setattr__(self, "features", rows)
        object.__setattr__(self, "weights", weight)

    def __len__(self) -> int:
        return len(self.features)

    def __getitem__(self, rows: Any) -> Events:
        return Events(self.features[rows], self.weights[rows])


def _numbers(what: str, values: ArrayLike, dtype: type) -> NDArray[Any]:
    try:
        with np.errstate(over="ignore"):  # becomes infinite, which is refused
            return np.asarray(values, dtype=dtype)
    except (TypeError, ValueError) as error:
        raise InvalidInput(
            f"{what} of events are an array of numbers. Received: {' '.join(str(error).split())}"
        ) from error
