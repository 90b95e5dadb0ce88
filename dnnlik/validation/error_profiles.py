"""Where a surrogate errs: with distance from the maximum, along each parameter, and beyond
the domain.

Errors are surrogate minus exact ln L, less their mean over the posterior, which no fit and
no posterior can see.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dnnlik.parameters import ParameterSet
from dnnlik.surrogate.description import Domain
from dnnlik.typing import LogDensity

__all__ = [
    "ErrorBin",
    "ErrorProfile",
    "Extrapolation",
    "by_drop",
    "by_parameter",
    "by_radius",
    "extrapolation",
]

Array = NDArray[np.float64]
FACTORS = (1.25, 1.5, 2.0, 3.0)


@dataclass(frozen=True)
class ErrorBin:
    """Errors of the points between ``low`` and ``high``: how many, mean, rms, and what 95 %
    of their sizes stay below."""

    low: float
    high: float
    points: int
    mean: float
    rms: float
    quantile95: float


@dataclass(frozen=True)
class ErrorProfile:
    """Errors in bins of one quantity, of equally many points each."""

    name: str
    bins: tuple[ErrorBin, ...]

    @property
    def variation(self) -> float:
        """How much the bins disagree: the larger range of their means and of their rms."""
        mean, rms = (np.array([getattr(b, key) for b in self.bins]) for key in ("mean", "rms"))
        return float(max(np.ptp(mean), np.ptp(rms))) if self.bins else 0.0


def binned(name: str, where: Array, error: Array, count: int) -> ErrorProfile:
    """Errors (n,) in bins of ``where`` (n,) of equally many points.

    >>> profile = binned("x", np.arange(4.0), np.array([0.0, 0.0, 3.0, 3.0]), 2)
    >>> [(b.points, b.rms) for b in profile.bins]
    [(2, 0.0), (2, 3.0)]
    """
    parts = np.array_split(np.argsort(where, kind="stable"), min(count, where.size))
    return ErrorProfile(name, tuple(_bin(where[rows], error[rows]) for rows in parts))


def _bin(where: Array, error: Array) -> ErrorBin:
    return ErrorBin(
        float(where.min()),
        float(where.max()),
        int(error.size),
        float(error.mean()),
        float(np.sqrt(np.mean(error**2))),
        float(np.quantile(np.abs(error), 0.95)),
    )


def by_drop(error: Array, drop: Array, count: int = 12) -> ErrorProfile:
    """Against the drop of the exact ln L from its maximum, (n,) each."""
    return binned("drop", drop, error, count)


def by_radius(
    error: Array, points: Array, centre: Array, covariance: Array, count: int = 12
) -> ErrorProfile:
    """Against the Mahalanobis distance of points (n, d) from ``centre`` (d,)."""
    widths = np.sqrt(np.diag(covariance))
    inverse = np.linalg.pinv(covariance / np.outer(widths, widths), hermitian=True)
    step = (points - centre) / widths
    radius = np.sqrt(np.maximum(np.einsum("nd,nd->n", step @ inverse, step), 0.0))
    return binned("radius", radius, error, count)


def by_parameter(
    error: Array, points: Array, names: Sequence[str], count: int = 10
) -> tuple[ErrorProfile, ...]:
    """Against each parameter; those along which the error varies most come first."""
    found = [binned(name, points[:, i], error, count) for i, name in enumerate(names)]
    return tuple(sorted(found, key=lambda profile: -profile.variation))


@dataclass(frozen=True)
class Extrapolation:
    """Errors at ``factor`` times the distance of held-out points from the maximum.

    ``flagged`` of the ``points`` are outside of the domain; rms errors of these and of the
    others, None where there are none. Without a domain nothing is flagged.
    """

    factor: float
    points: int
    flagged: int
    rms_flagged: float | None
    rms_unflagged: float | None
    largest: float


def extrapolation(
    exact: LogDensity,
    surrogate: LogDensity,
    points: Array,
    maximum: Array,
    *,
    offset: float = 0.0,
    domain: Domain | None = None,
    factors: Sequence[float] = FACTORS,
    most: int = 500,
) -> tuple[Extrapolation, ...]:
    """Go on along the rays from the maximum (d,) through points (n, d), to the bounds.

    ``offset`` is the mean error on the posterior; up to ``most`` rays are taken.
    """
    rays = points[:: -(-len(points) // most)] - maximum
    return tuple(
        _extrapolated(exact, surrogate, maximum + f * rays, f, offset, domain) for f in factors
    )


def _extrapolated(
    exact: LogDensity,
    surrogate: LogDensity,
    points: Array,
    factor: float,
    offset: float,
    domain: Domain | None,
) -> Extrapolation:
    p: ParameterSet = exact.parameters
    inside = np.clip(points, p.lower, p.upper)
    truth = exact.log_likelihood(inside)
    usable = np.isfinite(truth)
    error = surrogate.log_likelihood(inside)[usable] - truth[usable] - offset
    flagged = np.zeros(error.size, bool)
    if domain is not None:
        flagged = ~domain.contains(inside[usable])
    return Extrapolation(
        factor,
        int(error.size),
        int(flagged.sum()),
        _rms(error[flagged]),
        _rms(error[~flagged]),
        float(np.abs(error).max(initial=0.0)),
    )


def _rms(error: Array) -> float | None:
    return float(np.sqrt(np.mean(error**2))) if error.size else None
