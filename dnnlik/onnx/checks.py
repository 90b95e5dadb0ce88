"""What the verifications of published files share: a check, a verdict, how far is how far."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx.reference import ReferenceEvaluator

from dnnlik.exceptions import InvalidFile, NotGoodEnough
from dnnlik.onnx.builder import INPUT
from dnnlik.onnx.runtime import PublishedLikelihood
from dnnlik.parameters import ParameterSet
from dnnlik.typing import Points, Values

__all__ = [
    "Check",
    "Outputs",
    "Verification",
    "check_parameters",
    "checked_model",
    "constraint_check",
    "difference",
    "reference_check",
    "require",
    "vector_distances",
]

Outputs = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Check:
    """One comparison of a published file with an independent answer.

    Attributes:
        name: ``reference``, ``constraint``, ``domain``, ``gradient``, ``expected`` or
            ``uncertainty``; of a copy (`verify_copy`) that of the output.
        against: the independent answer, in words.
        difference: the largest ``|a - b| / max(1, |b|)``; for the domain, the number
            of points that are classified differently.
        tolerance: the largest difference that passes.
    """

    name: str
    against: str
    difference: float
    tolerance: float

    @property
    def passed(self) -> bool:
        return self.difference <= self.tolerance


@dataclass(frozen=True)
class Verification:
    """What `verify` found: its checks, whether all passed, and the sentence to show."""

    checks: tuple[Check, ...]
    points: int
    source: str = "surrogate"
    """What the file was made from."""

    @property
    def passed(self) -> bool:
        return all(check.passed for check in self.checks)

    @property
    def message(self) -> str:
        failed = [c for c in self.checks if not c.passed]
        if not failed:
            return f"the published file agrees with its {self.source} at {self.points} points"
        shown = (f"{c.against} ({c.difference:.2g} > {c.tolerance:.2g})" for c in failed)
        return f"the published file disagrees with {', '.join(shown)}"


def require(verification: Verification) -> None:
    """Refuse a file that is not what it should be.

    Raises:
        NotGoodEnough: a check failed.
    """
    if not verification.passed:
        raise NotGoodEnough(
            f"the written graph does not reproduce the {verification.source}. "
            f"Received: {verification.message}"
        )


def reference_check(model: onnx.ModelProto, points: Points, outputs: Outputs, rtol: float) -> Check:
    """All outputs against onnx's own evaluator."""
    with np.errstate(divide="ignore", invalid="ignore"):  # ln of impossible rates
        evaluated = ReferenceEvaluator(model).run(list(outputs), {INPUT: points})
    found = max(map(difference, outputs.values(), evaluated))
    return Check("reference", "the reference evaluator of onnx", found, rtol)


def constraint_check(
    parameters: ParameterSet, points: Points, outputs: Outputs, rtol: float
) -> Check:
    """``log_constraint`` against its closed form in NumPy."""
    wanted = parameters.constraint_terms.value(points)
    found = difference(outputs["log_constraint"], wanted)
    return Check("constraint", "the closed form of the constraints", found, rtol)


def difference(found: NDArray[Any], wanted: NDArray[Any]) -> float:
    """Largest ``|a - b| / max(1, |b|)``; infinite for a NaN or infinity in one alone.

    >>> difference(np.array([1.0, -np.inf]), np.array([1.5, -np.inf]))
    0.3333333333333333
    """
    if found.shape != wanted.shape:
        return np.inf
    a, b = found.astype(np.float64), wanted.astype(np.float64)
    differ = ~((a == b) | (np.isnan(a) & np.isnan(b)))
    a, b = a[differ], b[differ]
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        return np.inf
    return float(np.max(np.abs(a - b) / np.maximum(1.0, np.abs(b)), initial=0.0))


def vector_distances(found: NDArray[Any], wanted: NDArray[Any]) -> Values:
    """``|a - b| / max(1, |b|)`` of the vectors of each point, (n, d), (n, d) → (n,).

    >>> vector_distances(np.array([[3.0, 4.0]]), np.array([[3.0, 3.0]])).round(3).tolist()
    [0.236]
    """
    distance, size = (np.linalg.norm(x, axis=1) for x in (found - wanted, wanted))
    return np.asarray(distance / np.maximum(1.0, size))


def checked_model(path: str | os.PathLike[str]) -> onnx.ModelProto:
    """The model, after the full check of the onnx package (types and shapes too)."""
    try:
        model = onnx.load(path)
        onnx.checker.check_model(model, full_check=True)
    # onnx passes protobuf's errors, its own and those of its shape inference through.
    except Exception as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise InvalidFile(f"{os.fspath(path)} is no valid ONNX file. Received: {reason}") from error
    return model


def check_parameters(
    published: PublishedLikelihood, parameters: ParameterSet, path: str | os.PathLike[str]
) -> None:
    """Whether a file was made for these parameters.

    Raises:
        InvalidFile: others, or another order.
    """
    if published.parameters != parameters:
        raise InvalidFile(
            f"{os.fspath(path)} must hold the parameters {list(parameters.names)} with "
            f"the same bounds and constraints. Received: {list(published.parameters.names)}"
        )
