"""A pyhf workspace as a likelihood: the tensor program at fixed templates."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike

from dnnlik.compiled import CompiledFunction
from dnnlik.histfactory.layout import layout_of, templates_of
from dnnlik.histfactory.rates import coefficients_of, expected_events, log_poisson
from dnnlik.histfactory.specification import Specification
from dnnlik.likelihoods.base import Likelihood
from dnnlik.parameters import ParameterSet
from dnnlik.typing import Gradients, Points, Values

__all__ = ["HistFactoryLikelihood"]


class HistFactoryLikelihood(Likelihood):
    """A HistFactory model with its data.

    ``parameters`` are the free ones, in pyhf's order; the fixed ones stay at their
    inits (``fixed_values``), and their constraint terms, which are constants, are part
    of ``log_main``, so that ``log_likelihood`` equals pyhf's ``logpdf``.

    Where an expected rate is negative the density is zero (``-inf``; pyhf: NaN).
    """

    def __init__(self, specification: Specification, *, digest: str) -> None:
        free = [not flag for flag in specification.fixed]
        self.specification = specification
        self.digest = digest
        self.parameters = ParameterSet(
            [p for p, flag in zip(specification.parameters, free, strict=True) if flag]
        )
        self._free = np.flatnonzero(free)
        self._layout = layout_of(specification)
        self._templates = templates_of(specification)

    @property
    def fixed_values(self) -> dict[str, float]:
        """Parameters that the workspace holds fixed, and where."""
        rows = zip(self.specification.parameters, self.specification.fixed, strict=True)
        return {p.name: p.init for p, fixed in rows if fixed}

    @cached_property
    def _fixed_constraint(self) -> float:
        rows = zip(self.specification.parameters, self.specification.fixed, strict=True)
        held = [p for p, fixed in rows if fixed and p.constraint is not None]
        return sum(p.constraint.log_density(p.init) for p in held if p.constraint is not None)

    def all_parameters(self, points: Points) -> Points:
        """Points of the free parameters → points of all, in pyhf's order."""
        full = np.tile([p.init for p in self.specification.parameters], (len(points), 1))
        full[:, self._free] = points
        return full

    @cached_property
    def _compiled(self) -> CompiledFunction:
        coefficients = coefficients_of(self._templates)
        observed = tf.constant(self.specification.observed)
        inits = np.array([p.init for p in self.specification.parameters])
        place = tf.constant(np.eye(len(inits))[self._free])
        held = tf.constant(np.where(self.specification.fixed, inits, 0.0))

        def log_main(points: tf.Tensor) -> tf.Tensor:
            rates = expected_events(self._layout, coefficients, points @ place + held)
            return log_poisson(observed, rates) + self._fixed_constraint

        return CompiledFunction(log_main, len(self.parameters))

    def expected_events(self, points: ArrayLike) -> np.ndarray:
        """Expected events in each bin, channels in pyhf's order: (n, d) → (n, bins)."""
        full = self.all_parameters(self.parameters.points(points))
        coefficients = coefficients_of(self._templates)
        return expected_events(self._layout, coefficients, tf.constant(full)).numpy()

    def _main(self, points: Points) -> Values:
        return self._compiled.value(points)

    def value_and_gradient(self, points: ArrayLike) -> tuple[Values, Gradients]:
        """``log_likelihood`` (n,) and its gradient (n, d)."""
        array = self.parameters.points(points)
        value, gradient = self._compiled.value_and_gradient(array)
        return (
            value + self.log_constraint(array),
            gradient + self.parameters.log_constraint_gradient(array),
        )
