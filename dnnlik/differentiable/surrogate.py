"""A likelihood learned as a function of its yields, where the exact model stands.

Any likelihood written in TensorFlow will do, a trained surrogate or an exact one: some of its
columns are fitted, some are live tensors of the analysis, some are the observed counts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
import tensorflow as tf

from dnnlik.constraints import Normal, Poisson
from dnnlik.differentiable.arguments import as_tensor
from dnnlik.differentiable.model import Data, rows_of
from dnnlik.exceptions import InvalidInput, InvalidLikelihood, InvalidParameters
from dnnlik.histfactory.rates import gather_rows
from dnnlik.likelihoods.tensor import auxiliary_term
from dnnlik.parameters import ParameterSet

__all__ = ["SurrogateModel", "TensorLikelihood"]


@runtime_checkable
class TensorLikelihood(Protocol):
    """A likelihood that can be part of a larger tensor program."""

    @property
    def parameters(self) -> ParameterSet: ...

    def log_main_tensor(self, points: tf.Tensor) -> tf.Tensor:
        """The main term, float64, (n, d) → (n,); differentiable twice."""


class SurrogateModel:
    """A `dnnlik.differentiable.model.StatisticalModel` made of a likelihood of everything.

    Args:
        likelihood: a `TensorLikelihood`. A trained network needs its kinks rounded for fits
            to converge: ``SurrogateLikelihood(description, rounding=0.05)``. Each of its
            columns is a parameter to be fitted, unless it is one of the following.
        expected: the expected events as a function of the fitted parameters, (n, d) →
            (n, bins), in closed form of the conditions: Asimov data are made of it. With
            several models row i belongs to model i modulo their number.
        observed: the columns that are the counts of the bins, in their order.
        conditions: columns that the analysis knows, such as yields or a cut: a number, or
            a tensor () or (models,), to which everything has gradients.

    Attributes:
        parameters: those to be fitted, in the order of the likelihood.
        fixed: none of them.
        models: the length of the conditions, 1 where none has any.
        precision: 1/σ² of the normal auxiliary measurements, (models, d).

    Auxiliary measurements are those of the constraints of the parameters, with the data of
    the dataset; constraints of other columns say nothing about a parameter and are left out.

    Where any column is outside of its bounds, which are the domain that the likelihood was
    sampled in, the log-likelihood is NaN: what is made of it is NaN as well, so that a
    training step is skipped, where an extrapolation would mislead it.

    Raises:
        InvalidParameters: an unknown column or one with two meanings, no counts, no
            parameter of interest left.
        InvalidLikelihood: not written in TensorFlow; events or data of a wrong shape.
        InvalidInput: conditions of a wrong shape, or known to be NaN or infinite.

    >>> from dnnlik.likelihoods import AnalyticLikelihood
    >>> from dnnlik.parameters import Parameter
    >>> columns = [Parameter("mu", 1, (0, 5), poi=True), Parameter("s", 10, (5, 20)),
    ...            Parameter("n", 60, (40, 90))]
    >>> def log_main(x):
    ...     rate = x[:, 0] * x[:, 1] + 50.0
    ...     return x[:, 2] * tf.math.log(rate) - rate
    >>> s = tf.constant(12.0, tf.float64)
    >>> model = SurrogateModel(
    ...     AnalyticLikelihood(columns, log_main), observed=["n"], conditions={"s": s},
    ...     expected=lambda points: points * s + 50.0)
    >>> model.parameters.names
    ('mu',)
    >>> from dnnlik.differentiable.statistics import asimov_statistic
    >>> round(float(asimov_statistic(model, {"mu": 1}, {"mu": 0})[0]), 9)  # 2(62 ln 1.24 - 12)
    2.673811073
    """

    def __init__(
        self,
        likelihood: TensorLikelihood,
        expected: Callable[[tf.Tensor], tf.Tensor],
        *,
        observed: Sequence[str],
        conditions: Mapping[str, Any] | None = None,
    ) -> None:
        if not isinstance(likelihood, TensorLikelihood):
            raise InvalidLikelihood(
                "a likelihood in a tensor program is written in TensorFlow (log_main_tensor). "
                f"Received: a {type(likelihood).__name__} that is not"
            )
        conditions = dict(conditions or {})
        columns = likelihood.parameters
        given = [*conditions, *([observed] if isinstance(observed, str) else observed)]
        self.parameters = _fitted(columns, given)
        self.fixed = np.zeros(len(self.parameters), dtype=bool)
        self._likelihood, self._expected = likelihood, expected
        self._bins = len(given) - len(conditions)
        if not self._bins:
            raise InvalidParameters("at least one column is an observed count. Received: none")
        # Columns are put together as parameters, conditions, counts.
        together = [*self.parameters.names, *given]
        self._order = np.array([together.index(name) for name in columns.names])
        self._conditions = _stacked(conditions)
        self.models = int(self._conditions.shape[0])
        constraints = [p.constraint for p in self.parameters]
        self._normal = np.array([isinstance(c, Normal) for c in constraints])
        self._poisson = np.array([isinstance(c, Poisson) for c in constraints])
        self._factor = np.array([c.factor if isinstance(c, Poisson) else 0.0 for c in constraints])
        row = [c.sigma**-2.0 if isinstance(c, Normal) else 0.0 for c in constraints]
        self.precision = tf.constant([row] * self.models, tf.float64)

    def expected_events(self, points: tf.Tensor) -> tf.Tensor:
        """Expected events in each bin: (n, d) → (n, bins)."""
        events = tf.convert_to_tensor(self._expected(points), tf.float64)
        if not events.shape.is_compatible_with([points.shape[0], self._bins]):
            raise InvalidLikelihood(
                f"expected events of {points.shape[0]} points are of shape "
                f"({points.shape[0]}, {self._bins}), a column each observed count. "
                f"Received: shape {events.shape}"
            )
        return events

    def expected_data(self, points: tf.Tensor) -> Data:
        """The data that each point predicts (arXiv:1007.1727, section 3.2)."""
        normal = tf.where(self._normal, points, tf.zeros_like(points))
        counts = points * self._factor
        return Data(self.expected_events(points), tf.where(self._poisson, counts, normal))

    def log_likelihood(self, points: tf.Tensor, data: Data) -> tf.Tensor:
        """Main and auxiliary terms, NaN outside of the bounds: (n, d) → (n,)."""
        if data.main.shape[1] != self._bins:
            raise InvalidLikelihood(
                f"data have a column for each of {self._bins} observed counts. "
                f"Received: shape {data.main.shape}"
            )
        columns = self._columns(points, data)
        bounds = self._likelihood.parameters
        inside = tf.reduce_all((columns >= bounds.lower) & (columns <= bounds.upper), axis=1)
        auxiliary = auxiliary_term(
            points,
            rows_of(data.auxiliary, points),
            self.precision[0],
            self._factor,
            np.flatnonzero(self._poisson),
        )
        value = self._likelihood.log_main_tensor(columns) + auxiliary
        return tf.where(inside, value, tf.constant(np.nan, tf.float64))

    def _columns(self, points: tf.Tensor, data: Data) -> tf.Tensor:
        """All columns of the likelihood in its order, (n, all)."""
        given = [rows_of(self._conditions, points), rows_of(data.main, points)]
        rows = tf.transpose(tf.concat([points, *given], axis=1))
        return tf.transpose(gather_rows(rows, self._order))


def _fitted(columns: ParameterSet, given: Sequence[str]) -> ParameterSet:
    """The columns that are left for fits."""
    for name in given:
        columns.index(name)  # an unknown one is an error
    if len(set(given)) < len(given):
        raise InvalidParameters(
            f"a column is a condition or an observed count, once. Received: {list(given)}"
        )
    left = [p for p in columns if p.name not in given]
    if not any(p.poi for p in left):
        raise InvalidParameters(
            "a parameter of interest is left to be fitted. "
            f"Received: {', '.join(given)} of {', '.join(columns.names)} are given"
        )
    return ParameterSet(left)


def _stacked(conditions: Mapping[str, Any]) -> tf.Tensor:
    """Conditions () or (models,) as rows (models, conditions)."""
    tensors = {name: as_tensor(value, tf.float64) for name, value in conditions.items()}
    lengths = {int(t.shape[0]) for t in tensors.values() if t.shape.rank == 1}
    if len(lengths) > 1 or any(t.shape.rank not in (0, 1) for t in tensors.values()):
        shapes = ", ".join(f"{name} {tensor.shape}" for name, tensor in tensors.items())
        raise InvalidInput(
            f"conditions are of shape () or (models,), the same for all. Received: {shapes}"
        )
    for name, tensor in tensors.items():
        known = tf.get_static_value(tensor)
        if known is not None and not np.isfinite(known).all():
            raise InvalidInput(f"conditions are finite. Received: {name} = {known.tolist()}")
    models = lengths.pop() if lengths else 1
    if not tensors:
        return tf.zeros([models, 0], tf.float64)
    return tf.stack([tf.broadcast_to(t, [models]) for t in tensors.values()], axis=1)
