"""Maximum-likelihood fits with bounds and fixed parameters, on any LogDensity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from dnnlik.exceptions import InvalidParameters, NotConverged
from dnnlik.inference.gradients import gradient_function, hessian
from dnnlik.parameters import ParameterSet
from dnnlik.typing import LogDensity

__all__ = ["FitResult", "FitStatus", "fit"]

Array = NDArray[np.float64]

_GRADIENT_TOLERANCE = 1e-3
"""Largest projected slope, in units of log-likelihood a natural length: what it can
leave out of the maximum is half its square."""


class FitStatus(Enum):
    """How a fit ended; the value is the sentence to show."""

    CONVERGED = "the projected gradient vanishes"
    STALLED = "no further progress, but the projected gradient is not small"


@dataclass(frozen=True)
class FitResult:
    """A maximum of the log-likelihood.

    Attributes:
        parameters: the parameter set.
        point: (d,) where it is, fixed parameters included.
        log_likelihood: its value (natural log, no factor 2).
        projected_gradient: largest component of the gradient that bounds do not
            hold, times the parameter's natural length.
        evaluations: calls of value and gradient.
        status: how the fit ended.
    """

    parameters: ParameterSet
    point: Array
    log_likelihood: float
    projected_gradient: float
    evaluations: int
    status: FitStatus

    @property
    def converged(self) -> bool:
        return self.status is FitStatus.CONVERGED

    def __getitem__(self, name: str) -> float:
        return float(self.point[self.parameters.index(name)])

    def checked(self) -> FitResult:
        """Itself if converged, else `NotConverged`."""
        if not self.converged:
            raise NotConverged(
                f"the fit did not converge: {self.status.value}. "
                f"Received: projected gradient {self.projected_gradient:.2g}"
            )
        return self


def fit(
    density: LogDensity,
    *,
    fixed: Mapping[str, float] | None = None,
    start: Array | None = None,
) -> FitResult:
    """Maximise ``log_likelihood`` within the bounds.

    L-BFGS-B (Byrd et al., SIAM J. Sci. Comput. 16 (1995) 1190) in units of the
    curvature of each parameter at the start, restarted until it stops improving.

    Args:
        density: any LogDensity, exact or surrogate.
        fixed: parameters to hold, by name, e.g. ``{"mu": 1.0}``.
        start: (d,) where to start; the inits by default.

    >>> from dnnlik.likelihoods import AnalyticLikelihood
    >>> from dnnlik.parameters import Parameter
    >>> gauss = AnalyticLikelihood([Parameter("mu", 0, (-5, 5), poi=True)],
    ...                            lambda x: -0.5 * (x[:, 0] - 1) ** 2)
    >>> round(fit(gauss)["mu"], 6)
    1.0
    """
    p = density.parameters
    point = np.array(p.inits if start is None else start, dtype=float)
    free = np.ones(len(p), dtype=bool)
    for name, value in (fixed or {}).items():
        column = p.index(name)
        _check_value(p, column, value)
        point[column], free[column] = value, False
    point = np.clip(point, p.lower, p.upper)
    return _maximise(density, point, free)


def _check_value(parameters: ParameterSet, column: int, value: float) -> None:
    lower, upper = parameters.lower[column], parameters.upper[column]
    if not lower <= value <= upper:
        raise InvalidParameters(
            f"{parameters.names[column]!r} must be held within its bounds [{lower}, {upper}]. "
            f"Received: {value}"
        )


def _maximise(density: LogDensity, point: Array, free: NDArray[np.bool_]) -> FitResult:
    p, both, evaluations = density.parameters, gradient_function(density), 0
    scale = _curvature_scale(density, point)
    best, slope = (part[0] for part in both(point[None]))
    for _ in range(8):
        if not free.any():
            break
        found = _descend(both, point, free, scale, p)
        evaluations += int(found.nfev)
        value, gradient = both(found.x[None])
        gain = value[0] - best
        if gain >= 0:
            point, best, slope = found.x, value[0], gradient[0]
        if _projected(point, slope, free, p, scale) < 0.01 * _GRADIENT_TOLERANCE or gain < 1e-9:
            break
        scale = _curvature_scale(density, point)
    left = _projected(point, slope, free, p, scale)
    status = FitStatus.CONVERGED if left < _GRADIENT_TOLERANCE else FitStatus.STALLED
    return FitResult(p, point, float(best), float(left), evaluations, status)


def _curvature_scale(density: LogDensity, point: Array) -> Array:
    """The width of each parameter with the others held; its natural length where the
    likelihood is not concave."""
    natural = density.parameters.scales
    curvature = -np.diag(hessian(density, point))
    usable = np.isfinite(curvature) & (curvature * natural**2 > 1e-4)
    return np.where(usable, 1 / np.sqrt(np.where(usable, curvature, 1.0)), natural)


def _descend(both, point, free, scale, p: ParameterSet):  # type: ignore[no-untyped-def]
    """One run of L-BFGS-B in scaled coordinates; ``x`` comes back in physical ones."""
    reference = float(both(point[None])[0][0])

    def objective(z: Array) -> tuple[float, Array]:
        trial = point.copy()
        trial[free] = np.clip(point[free] + z * scale[free], p.lower[free], p.upper[free])
        value, gradient = both(trial[None])
        if not np.isfinite(value[0]):
            # A wall: far worse than anything seen, so that the line search turns back.
            return 1e10, np.zeros(z.size)
        return reference - float(value[0]), -gradient[0][free] * scale[free]

    lower = (p.lower[free] - point[free]) / scale[free]
    upper = (p.upper[free] - point[free]) / scale[free]
    found = minimize(
        objective,
        np.zeros(int(free.sum())),
        jac=True,
        method="L-BFGS-B",
        bounds=list(zip(lower, upper, strict=True)),
        options={"maxcor": 30, "ftol": 1e-15, "gtol": 1e-7, "maxiter": 2000, "maxfun": 5000},
    )
    physical = point.copy()
    physical[free] = np.clip(point[free] + found.x * scale[free], p.lower[free], p.upper[free])
    found.x = physical
    return found


def _projected(
    point: Array, slope: Array, free: NDArray[np.bool_], p: ParameterSet, scale: Array
) -> float:
    """Largest slope that no bound holds, times the scale."""
    held = ((point <= p.lower) & (slope < 0)) | ((point >= p.upper) & (slope > 0)) | ~free
    return float(np.max(np.where(held, 0.0, np.abs(slope) * scale), initial=0.0))
