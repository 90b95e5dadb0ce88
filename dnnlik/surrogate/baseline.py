r"""The quadratic that a surrogate starts from: exact at the maximum, or best on the points.

Where constraints carry most of the curvature, the expansion at the maximum is far off in
the bulk of a posterior of a hundred parameters. The quadratic that fits the points best is
found from their gradients: a quadratic's gradient is linear, so that

.. math:: \nabla \log L(\theta) \approx g + H(\theta - \bar\theta)

is one linear regression of all d components on d parameters (for a Gaussian sample H is
the mean of the Hessian, by Stein's identity). Without gradients its d(d+3)/2 + 1 coefficients
are fitted to values, which takes more points than that.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dnnlik.sampling.samples import Samples
from dnnlik.surrogate.data import split, validation_rows
from dnnlik.surrogate.description import Quadratic

__all__ = ["expansion", "quadratic_of", "regression"]

Array = NDArray[np.float64]

_POINTS_A_COEFFICIENT = 4  # of a regression of values: fewer points fit their own noise
_MOST_COEFFICIENTS = 2500  # of a regression of values: d = 69; beyond it takes minutes
_MOST_NUMBERS = 10**7  # of the design matrix of many points


def quadratic_of(samples: Samples, kind: str) -> tuple[str, Quadratic | None]:
    """The baseline of a setting, and which it is: "hessian", "regression" or "none".

    Args:
        samples: of the file; "regression" fits its training points.
        kind: one of these, or "best": the one with the smaller spread of errors on
            `validation_rows`. Where the points are too few for a regression, both are the
            expansion, "hessian".
    """
    if kind == "none":
        return "none", None
    found = {"hessian": expansion(samples)}
    fitted = None if kind == "hessian" else regression(samples.rows(split(samples).train))
    if fitted is not None:
        found["regression"] = fitted
    if kind in found:
        return kind, found[kind]
    rows = validation_rows(samples)
    best = min(found, key=lambda name: _spread(found[name], rows))
    return best, found[best]


def expansion(samples: Samples) -> Quadratic:
    """``log_main`` to second order at the maximum, from the sample file."""
    m = samples.maximum
    return Quadratic(m.point, m.value, m.gradient, m.hessian)


def regression(samples: Samples) -> Quadratic | None:
    """The quadratic that fits ``log_main`` of these points best, by least squares on the
    gradients where there are any, else on the values; None where the points are too few."""
    centre, widths = samples.points.mean(axis=0), samples.points.std(axis=0)
    widths = np.where(widths > 0, widths, 1.0)
    steps = (samples.points - centre) / widths
    if samples.gradient is None:
        coefficients = _from_values(steps, samples.log_main)
    else:
        coefficients = _from_gradients(steps, samples.gradient * widths)
    if coefficients is None:
        return None
    gradient, hessian = coefficients
    shape = Quadratic(centre, 0.0, gradient / widths, hessian / np.outer(widths, widths))
    value = float(np.mean(samples.log_main - shape.value_of(samples.points)))
    return Quadratic(centre, value, shape.gradient, shape.hessian)


def _from_gradients(steps: Array, gradients: Array) -> tuple[Array, Array] | None:
    """(n, d), (n, d) → gradient (d,) and Hessian (d, d) at zero."""
    design = np.column_stack([np.ones(len(steps)), steps])
    if len(design) < _POINTS_A_COEFFICIENT * design.shape[1]:
        return None
    found, *_ = np.linalg.lstsq(design, gradients, rcond=None)
    return found[0], 0.5 * (found[1:] + found[1:].T)


def _from_values(steps: Array, values: Array) -> tuple[Array, Array] | None:
    """(n, d), (n,) → gradient (d,) and Hessian (d, d) at zero."""
    width = steps.shape[1]
    rows, columns = np.triu_indices(width)
    coefficients = 1 + width + rows.size
    enough = _POINTS_A_COEFFICIENT * coefficients
    if coefficients > _MOST_COEFFICIENTS or len(steps) < enough:
        return None
    # A quadratic has nothing to learn from many times more points than that.
    most = max(4 * enough, _MOST_NUMBERS // coefficients)
    chosen = np.linspace(0, len(steps) - 1, min(len(steps), most)).astype(int)
    some = steps[chosen]
    design = np.column_stack([np.ones(len(some)), some, some[:, rows] * some[:, columns]])
    found, *_ = np.linalg.lstsq(design, values[chosen], rcond=None)
    hessian = np.zeros((width, width))
    hessian[rows, columns] = found[1 + width :]
    return found[1 : 1 + width], hessian + hessian.T


def _spread(quadratic: Quadratic, samples: Samples) -> float:
    return float(np.std(samples.log_main - quadratic.value_of(samples.points)))
