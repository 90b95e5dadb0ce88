"""Does an ensemble know how wrong it is? Its stated uncertainty against the true error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from dnnlik.surrogate.calibration import Calibration, calibrate
from dnnlik.typing import LogDensity, Points, Values
from dnnlik.validation.held_out import HeldOut

__all__ = ["StatedUncertainty", "Uncertain", "UncertaintyBin", "uncertainty_of"]

Array = NDArray[np.float64]

_BINS = 8


@runtime_checkable
class Uncertain(Protocol):
    """A likelihood that states an uncertainty of its logarithm."""

    def uncertainty(self, points: Points) -> Values:
        """One standard deviation, (n, d) → (n,)."""


@dataclass(frozen=True)
class UncertaintyBin:
    """Points that state about the same uncertainty, and the true rms error of them."""

    low: float
    high: float
    stated: float
    rms: float
    points: int


@dataclass(frozen=True)
class StatedUncertainty:
    """``calibration`` judges the stated uncertainties on test points (its factor is 1);
    ``bins`` hold equally many of these points each."""

    calibration: Calibration
    bins: tuple[UncertaintyBin, ...]


def uncertainty_of(surrogate: LogDensity, held_out: HeldOut) -> StatedUncertainty | None:
    """On held-out points of the posterior; None for a surrogate that states no uncertainty.

    Errors are without their mean, a constant that no fit and no posterior can see.

    Raises:
        InvalidInput: an uncertainty that is zero or not finite.
    """
    if not isinstance(surrogate, Uncertain) or not getattr(surrogate, "has_uncertainty", True):
        return None
    rows = held_out.unbiased
    stated = np.asarray(surrogate.uncertainty(held_out.points[rows]))
    error = held_out.error[rows] - held_out.error[rows].mean()
    return StatedUncertainty(calibrate(error, stated, factor=1.0), tuple(_bins(stated, error)))


def _bins(stated: Array, error: Array) -> list[UncertaintyBin]:
    parts = np.array_split(np.argsort(stated), _BINS)
    return [
        UncertaintyBin(
            float(stated[rows].min()),
            float(stated[rows].max()),
            float(np.sqrt(np.mean(stated[rows] ** 2))),
            float(np.sqrt(np.mean(error[rows] ** 2))),
            rows.size,
        )
        for rows in parts
        if rows.size
    ]
