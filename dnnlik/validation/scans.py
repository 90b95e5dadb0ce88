"""t_μ of exact likelihood and surrogate over the full range: profile fits of both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dnnlik.inference import FitResult, Profile, likelihood_interval, profile
from dnnlik.typing import LogDensity

__all__ = ["T_MAX", "Scan", "scan_of", "scans_of"]

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

POINTS = 21
T_MAX = 9.0
"""Three standard deviations."""


@dataclass(frozen=True, eq=False)
class Scan:
    """t_μ of one parameter, exact and surrogate, at the same values (factor 2 included;
    arXiv:1007.1727 eq. 8).

    Attributes:
        name: the parameter.
        values: (m,) where it is held.
        exact, surrogate: (m,) t.
        exact_converged, surrogate_converged: (m,) whether both fits of a t were: the one at
            the value and the global one.
        of_interest: False for others than the parameters of interest.
    """

    name: str
    values: Array
    exact: Array
    surrogate: Array
    exact_converged: Flags
    surrogate_converged: Flags
    of_interest: bool = True

    @property
    def all_converged(self) -> bool:
        return bool(self.exact_converged.all() and self.surrogate_converged.all())

    @property
    def mean_error(self) -> float:
        """Mean |Δt_μ| over the scan (arXiv:1911.03305, section 4)."""
        return float(np.mean(np.abs(self.surrogate - self.exact)))

    @property
    def largest_error(self) -> float:
        return float(np.max(np.abs(self.surrogate - self.exact)))


def scans_of(
    exact: LogDensity,
    surrogate: LogDensity,
    pois: Sequence[str],
    others: Sequence[str] = (),
    *,
    best: FitResult,
    learned: FitResult,
    values: Mapping[str, Array] | None = None,
) -> tuple[Scan, ...]:
    """Scan the parameters of interest and some others, each with all others profiled.

    Args:
        pois, others: names.
        best, learned: global maxima of exact likelihood and surrogate.
        values: what to scan, by name; otherwise up to t = 9 on both sides.
    """
    given = values or {}
    found = [
        scan_of(exact, surrogate, name, best=best, learned=learned, values=given.get(name))
        for name in (*pois, *others)
    ]
    return tuple(replace(scan, of_interest=scan.name in pois) for scan in found)


def scan_of(
    exact: LogDensity,
    surrogate: LogDensity,
    name: str,
    *,
    best: FitResult,
    learned: FitResult,
    values: Array | None = None,
) -> Scan:
    """Scan one parameter at ``values`` (m,), by default 21 up to t = 9, cut at its bounds."""
    if values is None:
        grid = np.linspace(*likelihood_interval(exact, name, T_MAX, best=best), POINTS)
    else:
        grid = np.asarray(values, dtype=float)
    a = profile(exact, name, grid, best=best)
    # A network has kinks at which a fit can stop: also start where the exact ones end.
    b = profile(surrogate, name, grid, best=learned, starts=a.points)
    return Scan(name, grid, a.t, b.t, _converged(a), _converged(b))


def _converged(found: Profile) -> Flags:
    return np.asarray(found.converged & found.best.converged)
