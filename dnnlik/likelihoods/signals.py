"""One model with many signals: a fit problem for each patch of a patchset.

The templates enter the compiled program as an argument, so that one program serves all
signals; each would take seconds to compile for itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from dnnlik.compiled import CompiledFunction
from dnnlik.exceptions import InvalidLikelihood
from dnnlik.histfactory.layout import Layout, Templates, layout_of, templates_of
from dnnlik.histfactory.rates import Coefficients, coefficients_of, expected_events, log_poisson
from dnnlik.likelihoods.histfactory import HistFactoryLikelihood
from dnnlik.parameters import ParameterSet
from dnnlik.typing import Gradients, Points, Values

__all__ = ["SignalProblems"]


class SignalProblems:
    """Likelihoods that differ in their templates alone, as `dnnlik.typing.Problems`.

    Args:
        likelihoods: such as `open_likelihood` gives for workspaces that differ in the
            numbers of histograms, scale factors and constraints alone; they need not have
            been evaluated. (The patches of many patchsets bring parameters of their own:
            those are fitted one by one.)

    Raises:
        InvalidLikelihood: they differ in more than that.

    ``fit_many(SignalProblems(likelihoods), fixed={"mu": 1.0})`` fits all of them.
    """

    def __init__(self, likelihoods: Sequence[HistFactoryLikelihood]) -> None:
        if not likelihoods:
            raise InvalidLikelihood("signals need at least one likelihood. Received: none")
        specifications = [likelihood.specification for likelihood in likelihoods]
        first = self._first = likelihoods[0]
        # Modifiers that move something in any of them.
        whole = self._layout = layout_of(*specifications)
        for likelihood in likelihoods:
            own = layout_of(likelihood.specification)
            own = replace(own, histosys=whole.histosys, normsys=whole.normsys)
            _check(first, likelihood, whole, own)
        self.parameters: ParameterSet = first.parameters
        self._constraints = [one.parameters.constraint_terms for one in likelihoods]
        self._constants = [likelihood.fixed_constraint for likelihood in likelihoods]
        self._coefficients = [_numbers(templates_of(s, whole)) for s in specifications]
        shapes = [part.shape for part in self._coefficients[0]]
        self._compiled = CompiledFunction(self._function, len(self.parameters), shared=shapes)

    def __len__(self) -> int:
        return len(self._coefficients)

    def _function(self, points: tf.Tensor, *parts: tf.Tensor) -> tf.Tensor:
        columns = self._first.all_columns(points)
        rates = expected_events(self._layout, Coefficients(*parts), columns)
        return log_poisson(self._first.specification.observed, rates)

    def value_and_gradient(
        self, points: Points, rows: NDArray[np.intp]
    ) -> tuple[Values, Gradients]:
        """Log-likelihood (m,) and gradient (m, d) at points (m, d) of signals rows (m,)."""
        values, gradients = np.empty(len(points)), np.empty(points.shape)
        for row in np.unique(rows):
            own, terms = rows == row, self._constraints[row]
            value, gradient = self._compiled.value_and_gradient(
                points[own], *self._coefficients[row]
            )
            values[own] = value + terms.value(points[own]) + self._constants[row]
            gradients[own] = gradient + terms.gradient(points[own])
        return values, gradients


def _numbers(templates: Templates) -> tuple[NDArray[np.float64], ...]:
    return tuple(part.numpy() for part in coefficients_of(templates))


def _check(
    first: HistFactoryLikelihood, other: HistFactoryLikelihood, layout: Layout, others: Layout
) -> None:
    """The same but for the numbers in the templates."""
    a, b = first.specification, other.specification
    parts = {
        "parameters": _free(first) == _free(other),
        "fixed parameters": first.fixed_values == other.fixed_values,
        "channels": a.channels == b.channels,
        "data": np.array_equal(a.observed, b.observed),
        "modifiers": all(
            np.array_equal(getattr(layout, f.name), getattr(others, f.name)) for f in fields(layout)
        ),
    }
    wrong = [name for name, same in parts.items() if not same]
    if wrong:
        raise InvalidLikelihood(
            "signals that are fitted together differ in the numbers of their templates alone. "
            f"Received: other {', '.join(wrong)}"
        )


def _free(likelihood: HistFactoryLikelihood) -> list[tuple[object, ...]]:
    """Everything of the parameters but the numbers of their constraints."""
    return [(p.name, p.init, p.bounds, type(p.constraint)) for p in likelihood.parameters]
