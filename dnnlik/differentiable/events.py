"""Simulated events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dnnlik.exceptions import InvalidInput

__all__ = ["Events"]


@dataclass(frozen=True, eq=False)
class Events:
    """Simulated events of one sample; a copy of what is given, which cannot be written to.

    Attributes:
        features: (n, k) float32, what an observable is made of.
        weights: (n,) float64, of any sign; 1 by default.
        share: which part of a simulation they are, 1 but for what `part` gives.

    Raises:
        InvalidInput: no events, NaN or infinities, or shapes that do not fit.

    >>> events = Events([[0.5], [1.5], [2.5], [3.5]], weights=[1.0, -1.0, 2.0, 1.0])
    >>> len(events), events[1:].weights.tolist()
    (4, [-1.0, 2.0, 1.0])
    """

    features: NDArray[np.float32]
    weights: NDArray[np.float64]
    share: float

    def __init__(self, features: ArrayLike, weights: ArrayLike | None = None) -> None:
        rows = _numbers("features", features, np.float32)
        if rows.ndim != 2 or not rows.size:
            raise InvalidInput(
                f"features of events have shape (n, k), n > 0, k > 0. Received: shape {rows.shape}"
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
        rows.flags.writeable = weight.flags.writeable = False
        object.__setattr__(self, "features", rows)
        object.__setattr__(self, "weights", weight)
        object.__setattr__(self, "share", 1.0)

    def __len__(self) -> int:
        return len(self.features)

    def __getitem__(self, rows: Any) -> Events:
        return Events(self.features[rows], self.weights[rows])

    def part(self, rows: Any) -> Events:
        """A random part, which stands for all: its statistical uncertainty is counted as that of
        the whole.

        >>> Events([[0.5], [1.5], [2.5], [3.5]]).part([0, 3]).share
        0.5
        """
        found = self[rows]
        object.__setattr__(found, "share", self.share * len(found) / len(self))
        return found


def _numbers(what: str, values: ArrayLike, dtype: type) -> NDArray[Any]:
    try:
        with np.errstate(over="ignore"):  # becomes infinite, which is refused
            return np.array(values, dtype=dtype)
    except (TypeError, ValueError) as error:
        raise InvalidInput(
            f"{what} of events are an array of numbers. Received: {' '.join(str(error).split())}"
        ) from error
