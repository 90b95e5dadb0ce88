"""A likelihood that is the user's own Python function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from dnnlik.exceptions import InvalidLikelihood
from dnnlik.likelihoods.base import Likelihood
from dnnlik.parameters import Parameter, ParameterSet
from dnnlik.typing import Points, Values

if TYPE_CHECKING:
    from dnnlik.likelihoods.tensor import TensorTerms

__all__ = ["AnalyticLikelihood"]


class AnalyticLikelihood(Likelihood):
    """A main term given as a function, with parameters that carry their constraints.

    Args:
        parameters: a list of `dnnlik.Parameter` or a `ParameterSet`.
        log_main: maps points (n, d) to (n,), natural log of the probability of the
            main measurement; *without* the constraints of ``parameters``, which
            are added in closed form, and without priors. Plain NumPy, or
            TensorFlow: then it is compiled, gradients come for free, and it is there
            as ``log_main_tensor`` for programs that go on computing with it.
        digest: identifies the data in what is made from the likelihood (a likelihood
            file is identified by its text as well); by default that of the parameters.

    Raises:
        InvalidLikelihood: the function fails, or returns the wrong shape or type; and,
            when it is evaluated, NaN.

    >>> likelihood = AnalyticLikelihood(
    ...     [Parameter("mu", init=0, bounds=(-5, 5), poi=True)],
    ...     log_main=lambda points: -0.5 * (points[:, 0] - 1) ** 2,
    ... )
    >>> likelihood.log_likelihood([[1.0], [2.0]]).tolist()
    [0.0, -0.5]
    """

    def __init__(
        self,
        parameters: ParameterSet | Sequence[Parameter],
        log_main: Callable[[Any], Any],
        *,
        digest: str | None = None,
    ) -> None:
        if not isinstance(parameters, ParameterSet):
            parameters = ParameterSet(parameters)
        self.parameters = parameters
        if not callable(log_main):
            raise InvalidLikelihood(
                f"log_main must be a function of points (n, d). Received: {log_main!r}"
            )
        self.digest = digest or self.parameters.digest()
        self._function = log_main
        self._is_tensor = _returns_tensor(self._call(np.stack([self.parameters.inits] * 2)))
        if self._is_tensor:
            # Only a likelihood written in TensorFlow has a tensor function and gradients.
            self.log_main_tensor = self._function
            self.value_and_gradient = self._terms.value_and_gradient
            self.hessian_vector = self._terms.hessian_vector
            self._check_compiled()

    @cached_property
    def _terms(self) -> TensorTerms:
        from dnnlik.likelihoods.tensor import TensorTerms

        return TensorTerms(self._function, self.parameters)

    def _check_compiled(self) -> None:
        try:
            self._terms.log_main(self.parameters.inits[None, :])
        except Exception as error:
            raise InvalidLikelihood(
                "log_main runs, but TensorFlow cannot compile it (no Python `if` or `float` on "
                f"tensors, fixed shapes). Received: {' '.join(str(error).split())[:200]}"
            ) from error

    def _call(self, points: Points) -> Any:
        """Call the user's function once and check the shape of what it returns."""
        try:
            result = self._function(points)
        except Exception as error:
            raise InvalidLikelihood(
                f"log_main failed for points of shape {points.shape}. "
                f"Received: {type(error).__name__}: {' '.join(str(error).split())[:200]}"
            ) from error
        shape = getattr(result, "shape", None)
        if shape is None or tuple(shape) != (len(points),):
            received = (
                f"shape {tuple(shape)}" if shape is not None else f"a {type(result).__name__}"
            )
            raise InvalidLikelihood(
                f"log_main must return one number a point, shape ({len(points)},) for points of "
                f"shape {points.shape}. Received: {received}"
            )
        if "float64" not in str(result.dtype):
            raise InvalidLikelihood(
                "log_main must compute in float64: single precision loses what fits need. "
                f"Received: {result.dtype}"
            )
        return result

    def _main(self, points: Points) -> Values:
        if self._is_tensor:
            return self._terms.log_main(points)
        return np.asarray(self._call(points), dtype=np.float64)

    def _likelihood(self, points: Points) -> Values:
        if self._is_tensor:
            return self._terms.log_likelihood(points)
        return super()._likelihood(points)


def _returns_tensor(result: Any) -> bool:
    # Asked of the object, so that a NumPy likelihood never imports TensorFlow.
    return type(result).__module__.split(".")[0] == "tensorflow"
