"""The table of √q_{μ,A} that a surrogate takes with it: fits of the exact likelihood."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dnnlik.asimov import AsimovCurve
from dnnlik.exceptions import DnnlikError, NotConverged
from dnnlik.inference.fit import fit
from dnnlik.inference.maxima import Maxima, check_statistic, maxima
from dnnlik.inference.poi import poi_of
from dnnlik.inference.result import FitResult
from dnnlik.inference.uncertainties import profile_width
from dnnlik.typing import Generative

__all__ = ["AsimovCurve", "AsimovCurves", "asimov_curve", "asimov_curves"]

POINTS = 49
"""Values of a table; see docs/decisions.md for what the interpolation between them loses."""
FARTHEST = 6.0
"""Standard deviations above max(μ̂, 0) that a table reaches: the +2σ end of a 95 % limit is
at 3.7, of a 99 % limit at 4.6."""


def asimov_curve(
    exact: Generative, poi: str | None = None, *, best: FitResult | None = None
) -> AsimovCurve:
    """√q_{μ,A} of the background-only Asimov dataset, from 0 to 6 standard deviations above
    the best fit or to the bound of the parameter; other parameters profiled.

    Args:
        exact: a likelihood that makes its own data, such as a workspace.
        poi: the parameter of interest; the one that is marked by default.
        best: the global maximum of the data where it is known.

    Raises:
        InvalidParameters: 0 is not within the bounds of the parameter.
        NotConverged: a fit did not converge, or the parameter has no width at 0.
    """
    name = poi_of(exact.parameters, poi)
    check_statistic("qtilde", exact.parameters, name)
    found = maxima(exact, [], poi=name, best=best)
    found.at_zero.checked()
    asimov = exact.asimov(found.at_zero.point)
    zero = fit(asimov, start=found.at_zero.point)
    bound = float(exact.parameters[name].bounds[1])
    width = profile_width(asimov, found.at_zero.point, name)
    if not np.isfinite(width):
        raise NotConverged(f"there is no width of {name!r} at 0. Received: {width}")
    start = max(found.fitted, 0.0)
    wanted = FARTHEST + start / width
    end = start + FARTHEST * width
    while True:
        end = min(end, bound)
        # Denser near 0, where the end of a cubic costs digits of a small root.
        values = end * np.linspace(0.0, 1.0, POINTS) ** 2
        scan = maxima(asimov, values, poi=name, best=zero)
        curve = _curve(scan)
        if end == bound or curve.root[-1] >= wanted:
            return curve
        end *= min(1.05 * wanted / curve.root[-1], 3.0)


def _curve(scan: Maxima) -> AsimovCurve:
    if not scan.converged.all():
        raise NotConverged(
            f"fits of the Asimov dataset of {scan.poi!r} did not converge. "
            f"Received: {int((~scan.converged).sum())} of {scan.values.size}"
        )
    root = np.sqrt(scan.statistic("qtilde"))
    root[0] = 0.0  # what rounding leaves
    return AsimovCurve(scan.poi, scan.values, root)


@dataclass(frozen=True)
class AsimovCurves:
    """The curves of all parameters of interest, and why others have none.

    Attributes:
        curves: those that there are.
        reasons: by the name of the parameter, why there is no curve.
    """

    curves: tuple[AsimovCurve, ...]
    reasons: dict[str, str]


def asimov_curves(
    exact: Generative,
    *,
    best: FitResult | None = None,
    each: Callable[[str], None] = lambda name: None,
) -> AsimovCurves:
    """`asimov_curve` of every parameter of interest.

    Args:
        exact, best: as of `asimov_curve`.
        each: called with the name of a parameter before its fits.
    """
    curves, reasons = [], {}
    for name in exact.parameters.poi_names:
        each(name)
        try:
            curves.append(asimov_curve(exact, name, best=best))
        except DnnlikError as error:
            reasons[name] = str(error)
    return AsimovCurves(tuple(curves), reasons)
