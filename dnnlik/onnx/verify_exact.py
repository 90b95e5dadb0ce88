"""Proving that the graph of an exact likelihood is right, as `dnnlik.onnx.verify` does it of
surrogates: against programs that share none of its code."""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dnnlik.onnx.checks import (
    Check,
    Verification,
    check_parameters,
    checked_model,
    constraint_check,
    difference,
    reference_check,
    vector_distances,
)
from dnnlik.onnx.runtime import OUTPUTS, PublishedLikelihood
from dnnlik.parameters import ParameterSet

__all__ = ["Expected", "verify_exact"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Expected:
    """What other programs give at n points.

    Attributes:
        points: (n, d), best some inside and some outside of the bounds.
        log_likelihood: (n,), natural log; NaN where the program has no answer.
        gradient: (n, d) of it; rows count where ``log_likelihood`` is finite.
        value_source, gradient_source: the programs, in words.
    """

    points: Array
    log_likelihood: Array
    gradient: Array
    value_source: str
    gradient_source: str

    @property
    def known(self) -> NDArray[np.bool_]:
        """(n,) where both answers are finite."""
        finite = np.isfinite(self.log_likelihood)
        return np.asarray(finite & np.isfinite(self.gradient).all(axis=1))


def verify_exact(
    path: str | os.PathLike[str],
    parameters: ParameterSet,
    expected: Expected,
    *,
    rtol: float = 1e-9,
) -> Verification:
    """Read the file back and compare it with independent answers.

    Args:
        path: the file.
        parameters: what it was made for.
        expected: what other programs give.
        rtol: the largest ``|a - b| / max(1, |b|)`` that passes, of a gradient of vectors.

    Returns:
        The differences and whether all are within tolerance. Points where the other program
        has no answer (pyhf where a rate is negative) are compared with onnx's own evaluator
        alone; without any other point nothing passes.

    Raises:
        InvalidFile: the file is no valid ONNX, or was made for other parameters.
    """
    model = checked_model(path)
    published = PublishedLikelihood.open(path)
    check_parameters(published, parameters, path)
    points, known = expected.points, expected.known
    outputs = dict(zip(OUTPUTS, published.evaluate(points, *OUTPUTS), strict=True))
    value, gradient = outputs["log_likelihood"][known], outputs["gradient"][known]
    missed = 0.0 if known.any() else np.inf
    slopes = vector_distances(gradient, expected.gradient[known])
    inside = outputs["in_domain"] != parameters.inside(points)
    checks = (
        reference_check(model, points, outputs, rtol),
        constraint_check(parameters, points, outputs, rtol),
        Check("domain", "the bounds of the parameters", float(inside.sum()), 0.0),
        Check(
            "expected",
            expected.value_source,
            missed + difference(value, expected.log_likelihood[known]),
            rtol,
        ),
        Check(
            "gradient",
            expected.gradient_source,
            missed + difference(slopes, np.zeros_like(slopes)),
            rtol,
        ),
    )
    return Verification(checks, int(known.sum()), source="workspace")
