"""Writing a published file whole or not at all, and proving that it is right.

`verify` reads the file back and compares what ONNX Runtime computes with four
independent answers: the reference evaluator of the onnx package, the surrogate as
it was trained (a callable, so that no framework is needed here), the closed forms
of constraint and domain, and finite differences for the gradient.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import ArrayLike, NDArray

from dnnlik.documents import write_bytes
from dnnlik.exceptions import InvalidFile
from dnnlik.onnx.checks import (
    Check,
    Outputs,
    Verification,
    check_parameters,
    checked_model,
    constraint_check,
    difference,
    reference_check,
    vector_distances,
)
from dnnlik.onnx.runtime import OUTPUTS, PublishedLikelihood
from dnnlik.surrogate.description import SurrogateDescription
from dnnlik.typing import Gradients, Points, Values

__all__ = ["Check", "Verification", "difference", "verify", "verify_copy", "write"]

STEP = 1e-5
"""Step of the finite differences in units of the network's input scale."""

FINITE_DIFFERENCE_POINTS = 16
"""So many points get their gradient checked: 2 d evaluations each."""


def write(model: onnx.ModelProto, path: str | os.PathLike[str]) -> None:
    """Write a model whole or not at all: a file that was there stays until it is replaced.

    Raises:
        InvalidFile: it cannot be written, for instance because the disk is full.
    """
    write_bytes(Path(path), model.SerializeToString(deterministic=True))


def verify(
    path: str | os.PathLike[str],
    description: SurrogateDescription,
    *,
    points: ArrayLike,
    expected: Callable[[Points], Values] | None = None,
    uncertainty: Callable[[Points], Values] | None = None,
    rtol: float = 1e-10,
    expected_rtol: float = 1e-9,
    gradient_rtol: float = 1e-4,
) -> Verification:
    """Read a published file back and compare it with independent answers.

    Args:
        path: the file.
        description: what it was made from.
        points: (n, d), best some inside and some outside the domain.
        expected: the log-likelihood of the surrogate in its own framework,
            (n, d) → (n,).
        uncertainty: that of an ensemble, likewise.
        rtol: of ONNX Runtime against the reference evaluator and the closed forms;
            1e-15 is usual, far out large terms cancel.
        expected_rtol: against ``expected`` and ``uncertainty``, which must compute in float64.
        gradient_rtol: against finite differences.

    Returns:
        The differences and whether all are within tolerance; nothing is raised
        for a difference.

    Raises:
        InvalidFile: the file is no valid ONNX, or was made for other parameters.
    """
    model = checked_model(path)
    published = PublishedLikelihood.open(path)
    check_parameters(published, description.parameters, path)
    array = published.parameters.points(points)
    names = (*OUTPUTS, *(["uncertainty"] if published.has_uncertainty else []))
    outputs = dict(zip(names, published.evaluate(array, *names), strict=True))
    checks = [
        reference_check(model, array, outputs, rtol),
        constraint_check(description.parameters, array, outputs, rtol),
        _domain(description, array, outputs),
        _gradient(published, description, array, outputs, gradient_rtol),
        *_trained(array, outputs, expected, uncertainty, expected_rtol),
    ]
    return Verification(tuple(checks), len(array))


def _trained(
    points: Points,
    outputs: Outputs,
    expected: Callable[[Points], Values] | None,
    uncertainty: Callable[[Points], Values] | None,
    rtol: float,
) -> Iterator[Check]:
    """Against the surrogate in its own framework, as far as that is at hand."""
    for name, output, against, function in (
        ("expected", "log_likelihood", "the trained surrogate", expected),
        ("uncertainty", "uncertainty", "the spread of the networks", uncertainty),
    ):
        if function is not None:
            wanted = np.asarray(function(points))
            found = difference(outputs[output], wanted) if output in outputs else np.inf
            yield Check(name, against, found, rtol)


def verify_copy(
    path: str | os.PathLike[str],
    original: str | os.PathLike[str],
    *,
    points: ArrayLike,
    rtol: float = 1e-5,
) -> Verification:
    """Compare every output of a copy of other arithmetic with those of the file it copies.

    Args:
        path: the copy, for instance one whose networks compute in float32.
        original: the file that `verify` has passed.
        points: (n, d), best some inside and some outside the domain.
        rtol: the largest ``|a - b| / max(1, |b|)`` that passes; derivatives count by the
            whole gradient of a point, ``|a - b| / max(1, |b|)`` of vectors.

    Raises:
        InvalidFile: one of them is no valid ONNX, or they do not have the same outputs.
    """
    checked_model(path)
    copy, exact = PublishedLikelihood.open(path), PublishedLikelihood.open(original)
    if copy.metadata != exact.metadata or copy.has_uncertainty != exact.has_uncertainty:
        raise InvalidFile(
            f"a copy carries the metadata and outputs of {os.fspath(original)}. "
            f"Received: others in {os.fspath(path)}"
        )
    array = exact.parameters.points(points)
    names = (*OUTPUTS, *(["uncertainty"] if exact.has_uncertainty else []))
    checks = []
    for name in names:
        (found,), (wanted,) = copy.evaluate(array, name), exact.evaluate(array, name)
        if name == "gradient":
            found, wanted = vector_distances(found, wanted), np.zeros(len(array))
        checks.append(Check(name, f"{name} of the original", difference(found, wanted), rtol))
    return Verification(tuple(checks), len(array))


def _domain(description: SurrogateDescription, points: Points, outputs: Outputs) -> Check:
    wanted = description.domain.contains(points) & description.parameters.inside(points)
    found = float((outputs["in_domain"] != wanted).sum())
    return Check("domain", "the training domain", found, 0.0)


def _gradient(
    published: PublishedLikelihood,
    description: SurrogateDescription,
    points: Points,
    outputs: Outputs,
    rtol: float,
) -> Check:
    # A point of probability zero has no slope to compare with; none at all proves nothing.
    some = np.flatnonzero(np.isfinite(outputs["log_likelihood"]))[:FINITE_DIFFERENCE_POINTS]
    scale, slopes = description.networks[0].input_scale, outputs["gradient"][some]
    found = gradient_difference(published, points[some], slopes, scale) if some.size else np.inf
    return Check("gradient", "finite differences of its value", found, rtol)


def gradient_difference(
    published: PublishedLikelihood, points: Points, gradient: Gradients, scale: NDArray[np.float64]
) -> float:
    """Largest relative difference between a gradient and finite differences.

    SELU has a kink at zero: with thousands of units some step crosses one, where the
    central difference is the mean of two slopes. One side is then free of it, so the
    nearest of the central, forward and backward difference counts.
    """
    worst = 0.0
    (centre,) = published.evaluate(points, "log_likelihood")
    for column, step in enumerate(STEP * scale):
        shift = np.zeros(points.shape[1])
        shift[column] = step
        (up,) = published.evaluate(points + shift, "log_likelihood")
        (down,) = published.evaluate(points - shift, "log_likelihood")
        slopes = np.stack([(up - down) / 2, up - centre, centre - down]) / STEP
        scaled = gradient[:, column] * scale[column]
        relative = np.abs(slopes - scaled) / np.maximum(1.0, np.abs(scaled))
        nearest = np.where(np.isfinite(relative), relative, np.inf).min(axis=0)
        worst = max(worst, float(np.max(nearest, initial=0.0)))
    return worst
