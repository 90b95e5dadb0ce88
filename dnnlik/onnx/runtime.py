"""Running a published likelihood with NumPy and ONNX Runtime alone.

What a reader of a published file needs, whatever it was trained with: SciPy, onnx,
TensorFlow and the rest of the training stack are never imported here.

Inside and outside the domain: a network is accurate where it was trained and means
nothing elsewhere. `PublishedLikelihood.log_likelihood` therefore warns about points
outside. The methods that fits and samplers call thousands of times (``log_main``,
``log_density``, ``gradient``, ``value_and_gradient``) never do, since every fit
steps out and comes back: ask `PublishedLikelihood.in_domain` about the result.
"""

from __future__ import annotations

import hashlib
import os
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import onnxruntime
from numpy.typing import ArrayLike, NDArray

from dnnlik.asimov import AsimovCurve, curve_named
from dnnlik.exceptions import InvalidFile, InvalidInput, InvalidPoints
from dnnlik.onnx.metadata import PublishedMetadata, read_metadata
from dnnlik.parameters import ParameterSet
from dnnlik.typing import Gradients, Points, Values

__all__ = ["OutsideDomainWarning", "PublishedLikelihood"]

Outside = Literal["warn", "raise", "ignore", "nan"]
"""What to do about points outside the training domain."""

BLOCK = 4096
"""Points evaluated at once: enough to keep the cores busy, bounded in memory."""

WITH_GRADIENT = "with_gradient"
"""An optional input of a fast copy: false leaves the gradient out, for half of the time."""

OUTPUTS = ("log_likelihood", "log_constraint", "gradient", "in_domain")


class OutsideDomainWarning(UserWarning):
    """A learned likelihood was evaluated where it was not trained."""


@dataclass(frozen=True)
class PublishedLikelihood:
    """A likelihood read from ``likelihood.onnx``, learned or exact (``metadata.kind``); a
    `dnnlik.typing.LogDensity`.

    Points are (n, d) in the order of ``parameters``, raw physical values; all
    logarithms are natural, without a factor 2. Get one with `open`.

    >>> PublishedLikelihood.open("nowhere.onnx")
    Traceback (most recent call last):
    ...
    dnnlik.exceptions.InvalidFile: there is no file of this name. Received: nowhere.onnx
    """

    metadata: PublishedMetadata
    _session: Any = field(repr=False)
    digest: str = ""
    """SHA-256 of the file."""

    @classmethod
    def open(
        cls, path: str | os.PathLike[str], *, threads: int | None = None
    ) -> PublishedLikelihood:
        """Read a published file.

        Args:
            path: the file.
            threads: of ONNX Runtime; one a core unless given.

        Raises:
            InvalidFile: the file is missing, is no ONNX, was not published by dnnlik
                or contradicts its own metadata.
        """
        path = Path(path)
        if not path.is_file():
            raise InvalidFile(f"there is no file of this name. Received: {path}")
        session = _session(path, threads)
        properties = session.get_modelmeta().custom_metadata_map
        metadata = read_metadata(properties, source=str(path))
        _check_signature(session, len(metadata.parameters), path)
        return cls(metadata, session, hashlib.sha256(path.read_bytes()).hexdigest())

    @property
    def properties(self) -> dict[str, str]:
        """The metadata of the file as they are in it: JSON texts by key."""
        return dict(self._session.get_modelmeta().custom_metadata_map)

    @property
    def parameters(self) -> ParameterSet:
        """The parameters, in the order of the columns of ``points``."""
        return self.metadata.parameters

    def asimov_curve(self, poi: str) -> AsimovCurve | None:
        """What background-only data would show, from the likelihood that was learned: upper
        limits are then those of its Asimov dataset. None where the file has no such table."""
        return curve_named(self.metadata.asimov, poi)

    def log_likelihood(self, points: ArrayLike, *, outside: Outside = "warn") -> Values:
        """Log of the likelihood, auxiliary measurements included, (n, d) → (n,).

        Args:
            points: (n, d).
            outside: for points outside the training domain, ``"warn"`` with an
                `OutsideDomainWarning`, ``"raise"`` InvalidPoints, ``"ignore"`` it, or
                give ``"nan"`` for them.
        """
        if outside not in get_args(Outside):
            expected = ", ".join(map(repr, get_args(Outside)))
            raise InvalidInput(f"outside is one of {expected}. Received: {outside!r}")
        array = self.parameters.points(points)
        value, inside = self.evaluate(array, "log_likelihood", "in_domain")
        if outside == "nan":
            return np.where(inside, value, np.nan)
        if outside != "ignore" and not inside.all():
            message = _outside_message(self.metadata, array, inside)
            if outside == "raise":
                raise InvalidPoints(message)
            warnings.warn(message, OutsideDomainWarning, stacklevel=2)
        return value

    def log_constraint(self, points: ArrayLike) -> Values:
        """Log of the auxiliary measurements, closed form, (n, d) → (n,)."""
        return self.evaluate(self.parameters.points(points), "log_constraint")[0]

    def log_main(self, points: ArrayLike) -> Values:
        """Log of the main term, (n, d) → (n,): ``log_likelihood - log_constraint``.

        Minus infinity where the auxiliary measurements are impossible. No warnings.
        """
        array = self.parameters.points(points)
        value, constraint = self.evaluate(array, "log_likelihood", "log_constraint")
        possible = np.isfinite(constraint)
        return np.where(possible, value - np.where(possible, constraint, 0.0), -np.inf)

    def log_prior(self, points: ArrayLike) -> Values:
        """Log prior of the unconstrained parameters, see `ParameterSet.log_prior`."""
        return self.parameters.log_prior(points)

    def log_density(self, points: ArrayLike) -> Values:
        """``log_likelihood + log_prior``, minus infinity outside the bounds. No warnings."""
        array = self.parameters.points(points)
        prior = self.parameters.log_prior(array)
        (value,) = self.evaluate(array, "log_likelihood")
        return np.where(np.isneginf(prior), prior, value + prior)

    def gradient(self, points: ArrayLike) -> Gradients:
        """Derivative of the log-likelihood, analytic, (n, d) → (n, d). No warnings."""
        return self.evaluate(self.parameters.points(points), "gradient")[0]

    def value_and_gradient(self, points: ArrayLike) -> tuple[Values, Gradients]:
        """Log-likelihood (n,) and its gradient (n, d) in one evaluation. No warnings."""
        array = self.parameters.points(points)
        value, gradient = self.evaluate(array, "log_likelihood", "gradient")
        return value, gradient

    @property
    def has_uncertainty(self) -> bool:
        """Whether it is an ensemble, whose members disagree where they know little."""
        return any(output.name == "uncertainty" for output in self._session.get_outputs())

    def uncertainty(self, points: ArrayLike) -> Values:
        """One standard deviation of the log-likelihood, from the calibrated spread of the
        members of an ensemble, (n, d) → (n,). No warnings.

        Raises:
            InvalidInput: the published likelihood is a single network.
        """
        if not self.has_uncertainty:
            raise InvalidInput(
                "this published likelihood is a single network and does not know its "
                "uncertainty. Received: a file without the output `uncertainty`"
            )
        return self.evaluate(self.parameters.points(points), "uncertainty")[0]

    def in_domain(self, points: ArrayLike) -> NDArray[np.bool_]:
        """Which points are inside the training domain and the bounds, (n, d) → (n,)."""
        return self.evaluate(self.parameters.points(points), "in_domain")[0]

    def evaluate(self, points: Points, *outputs: str) -> list[NDArray[Any]]:
        """The named outputs of the graph, in blocks; points are taken as they are."""
        blocks = [points[i : i + BLOCK] for i in range(0, len(points), BLOCK)] or [points]
        feeds = {WITH_GRADIENT: np.array(False)} if self._leaves_out(outputs) else {}
        results = [
            self._session.run(list(outputs), {"parameters": block, **feeds}) for block in blocks
        ]
        return [np.concatenate(parts) for parts in zip(*results, strict=True)]

    def _leaves_out(self, outputs: tuple[str, ...]) -> bool:
        """Whether the graph can do without the gradient, and nobody asks for it."""
        optional = (i.name for i in self._session.get_overridable_initializers())
        return "gradient" not in outputs and WITH_GRADIENT in optional


def _session(path: Path, threads: int | None) -> Any:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # fatal alone: errors come as exceptions
    if threads is not None:
        options.intra_op_num_threads = threads
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    # ONNX Runtime has a dozen exceptions with no base but Exception.
    except Exception as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise InvalidFile(
            f"{path} is damaged or no ONNX file that ONNX Runtime can run. Received: {reason}"
        ) from error


def _check_signature(session: Any, size: int, path: Path) -> None:
    inputs = {tensor.name: (tensor.type, tensor.shape[1:]) for tensor in session.get_inputs()}
    outputs = {tensor.name for tensor in session.get_outputs()}
    if inputs != {"parameters": ("tensor(double)", [size])} or not outputs.issuperset(OUTPUTS):
        raise InvalidFile(
            f"{path} must take float64 parameters [batch, {size}], as its metadata say, and give "
            f"{', '.join(OUTPUTS)}. Received: inputs {inputs}, outputs {sorted(outputs)}"
        )


def _outside_message(metadata: PublishedMetadata, points: Points, inside: NDArray[np.bool_]) -> str:
    """How many points are outside, and the parameter that is farthest out."""
    parameters = metadata.parameters
    lower = np.maximum(metadata.lower, parameters.lower)
    upper = np.minimum(metadata.upper, parameters.upper)
    # Excess over the box in units of its width; none over a side that has no limit.
    excess = np.maximum(lower - points, points - upper) / np.where(
        np.isfinite(upper - lower), upper - lower, 1.0
    )
    row, column = np.unravel_index(
        np.argmax(np.where(inside[:, None], -np.inf, excess)), excess.shape
    )
    count = f"Received: {int((~inside).sum())} of {len(points)} points outside"
    farthest = f"{parameters.names[column]!r} is farthest out at {points[row, column]:.6g}"
    if metadata.kind == "exact":
        return (
            "the model is not meant for points beyond the bounds of its parameters; see "
            f"in_domain(). {count}, {farthest}, bounded by "
            f"[{lower[column]:.6g}, {upper[column]:.6g}]"
        )
    where = (
        f"{farthest}, trained in [{lower[column]:.6g}, {upper[column]:.6g}]"
        if excess[row, column] > 0
        else "each parameter is in its range, but their combination is far from all training points"
    )
    return (
        "the learned likelihood means nothing outside its training domain; see in_domain(). "
        f"{count}, {where}"
    )
