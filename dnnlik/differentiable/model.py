"""A HistFactory model whose histograms are tensors, of one analysis or of many at once.

The specification is that of a pyhf workspace, with tensors where a file has numbers:
histograms and their variations, scale factors, and the uncertainties of shapesys and
staterror. Everything computed from the model has gradients with respect to them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from dnnlik.constraints import Normal, Poisson
from dnnlik.differentiable.traced import Traced, number
from dnnlik.exceptions import InvalidLikelihood
from dnnlik.histfactory.rates import coefficients_of, expected_events, poisson_terms
from dnnlik.likelihoods.tensor import auxiliary_term
from dnnlik.parameters import ParameterSet
from dnnlik.typing import JSON

__all__ = ["Data", "HistFactoryModel", "StatisticalModel"]


class Data(NamedTuple):
    """Datasets as tensors: counts ``main`` (n, bins), and ``auxiliary`` (n, d), for each
    parameter the value (normal), or count (Poisson), of its auxiliary measurement."""

    main: tf.Tensor
    auxiliary: tf.Tensor


@runtime_checkable
class StatisticalModel(Protocol):
    """What differentiable inference needs: the exact model, or a surrogate of it.

    ``fixed`` (d,): parameters that stay at their inits. Rows of points and of data
    correspond; where there are fewer rows of data, they repeat as a whole.
    """

    @property
    def parameters(self) -> ParameterSet: ...

    @property
    def fixed(self) -> NDArray[np.bool_]: ...

    @property
    def models(self) -> int:
        """How many models this is: points come in multiples of it."""

    @property
    def precision(self) -> tf.Tensor:
        """1/σ² of the normal auxiliary measurements, 0 elsewhere, (models, d)."""

    def expected_data(self, points: tf.Tensor) -> Data:
        """The Asimov dataset of each point (n, d)."""

    def log_likelihood(self, points: tf.Tensor, data: Data) -> tf.Tensor:
        """Natural log of the likelihood up to what depends on the data alone: (n, d) → (n,)."""


class HistFactoryModel:
    """HistFactory with tensors for templates, float64.

    Args:
        channels: as ``"channels"`` of a pyhf workspace. Any histogram (``data``,
            ``hi_data``, ``lo_data``, the uncertainties of shapesys and staterror) may be
            a tensor (bins,), or (models, bins) for many models at once; a scale factor
            of normsys a number, or a tensor () or (models,).
        poi: the parameter of interest, or several.
        parameters: as ``"parameters"`` of a pyhf measurement: inits, bounds, fixed flags.
        normsys_code, histosys_code: the interpolation codes, as for a workspace.
        widths: of the auxiliary measurements of parameters of normsys and histosys, in units
            of the variation, where it is not 1, which is all that pyhf has; ``math.inf``:
            there is no such measurement.

    Attributes:
        parameters: all parameters in pyhf's order, with bounds. The *data and widths* of
            their constraints are tensors and not in here.
        fixed: (d,) those that stay at their inits.
        models: number of models, 1 without a leading axis in any template.

    Raises:
        InvalidLikelihood: what pyhf cannot make into a model.

    >>> signal, background = tf.constant([5.0, 11.0]), tf.constant([50.0, 50.0])
    >>> model = HistFactoryModel([{"name": "SR", "samples": [
    ...     {"name": "signal", "data": signal,
    ...      "modifiers": [{"name": "mu", "type": "normfactor", "data": None}]},
    ...     {"name": "background", "data": background, "modifiers": []}]}])
    >>> model.expected_data(tf.constant([[2.0]], tf.float64)).main.numpy().tolist()
    [[60.0, 72.0]]
    """

    def __init__(
        self,
        channels: Sequence[JSON],
        poi: str | Sequence[str] = "mu",
        parameters: Sequence[JSON] = (),
        normsys_code: str = "code4",
        histosys_code: str = "code4p",
        widths: Mapping[str, float] | None = None,
    ) -> None:
        pois = [poi] if isinstance(poi, str) else list(poi)
        traced = Traced.of(
            channels,
            pois[0],
            parameters,
            normsys_code=normsys_code,
            histosys_code=histosys_code,
            widths=widths or {},
        )
        spec = traced.specification
        self.parameters = ParameterSet([replace(p, poi=p.name in pois) for p in spec.parameters])
        for name in pois:
            self.parameters.index(name)  # an unknown one is an error
        self.fixed = np.array(spec.fixed)
        self.channels = spec.channels
        self.models = traced.models
        self._layout = traced.layout
        self._coefficients = coefficients_of(traced.templates())
        self.precision, self._factor = traced.widths()
        kinds = [p.constraint for p in self.parameters]
        self._normal = np.array([isinstance(kind, Normal) for kind in kinds])
        self._poisson = np.array([isinstance(kind, Poisson) for kind in kinds])

    def expected_events(self, points: tf.Tensor) -> tf.Tensor:
        """Expected events in each bin, channels in pyhf's order: (n, d) → (n, bins)."""
        return expected_events(self._layout, self._for(points), points)

    def expected_data(self, points: tf.Tensor) -> Data:
        """The data that each point predicts (arXiv:1007.1727, section 3.2)."""
        counts = rows_of(self._factor, points) * points
        normal = tf.where(self._normal, points, tf.zeros_like(points))
        return Data(self.expected_events(points), tf.where(self._poisson, counts, normal))

    def log_likelihood(self, points: tf.Tensor, data: Data) -> tf.Tensor:
        """Main and auxiliary terms without ln n!: (n, d) → (n,)."""
        main = poisson_terms(rows_of(data.main, points), self.expected_events(points))
        auxiliary = auxiliary_term(
            points,
            rows_of(data.auxiliary, points),
            rows_of(self.precision, points),
            rows_of(self._factor, points),
            np.flatnonzero(self._poisson),
        )
        return tf.reduce_sum(main, axis=1) + auxiliary

    def _for(self, points: tf.Tensor) -> Any:
        """The coefficients, repeated where there are more points than models."""
        if self.models == 1:
            return self._coefficients
        times = _times(points, self.models)
        return type(self._coefficients)(
            *(tf.tile(c, [1] * (len(c.shape) - 1) + [times]) for c in self._coefficients)
        )


def rows_of(rows: tf.Tensor, points: tf.Tensor) -> tf.Tensor:
    """Rows (m, k), repeated as a whole until there is one for each point (n, d): (n, k)."""
    rows = number(rows)
    times = _times(points, int(rows.shape[0]))
    return rows if times == 1 else tf.tile(rows, [times, 1])


def _times(points: tf.Tensor, rows: int) -> int:
    times, rest = divmod(int(points.shape[0]), rows)
    if rest:
        raise InvalidLikelihood(
            "points come in multiples of the models and datasets. "
            f"Received: {points.shape[0]} points for {rows}"
        )
    return times
