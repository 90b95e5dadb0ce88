"""What an analysis is trained for: numbers of a statistical model, or of its events.

Statistical objectives are expectations: of the Asimov data of no signal (``cls``, ``limit``),
or of the nominal signal, poi = 1 (the others). A new objective is one function and a line in
`OBJECTIVES`; `dnnlik.differentiable.expression` combines them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from dnnlik.differentiable import information
from dnnlik.differentiable.fits import fit, points_of
from dnnlik.differentiable.information import (
    covariance,
    fisher_information,
    gaussianity,
    generalised_variance,
)
from dnnlik.differentiable.limits import expected_limit
from dnnlik.differentiable.model import StatisticalModel
from dnnlik.differentiable.statistics import (
    asimov_statistic,
    log_normal_tail,
    normal_tail,
    root,
)
from dnnlik.exceptions import InvalidInput
from dnnlik.histfactory.rates import log_ratio_minus_step

__all__ = ["OBJECTIVES", "Objective", "Scores", "Trained", "check_objectives"]


Class = tuple[tf.Tensor, tf.Tensor]
"""For the events of a class the probability (n,) that a network gives to it, and weights (n,)."""


class Scores(NamedTuple):
    """How well a network classifies: one entry a class, background first.

    ``nominal``: of nominal events; ``varied``: the background with its variations.
    """

    nominal: tuple[Class, ...]
    varied: tuple[Class, ...]


class Trained:
    """What objectives are computed from; what several of them need is computed once.

    Args:
        model: exact or surrogate; None where only scores are needed.
        scores: where the observable is a network.
    """

    def __init__(self, model: StatisticalModel | None, scores: Scores | None = None) -> None:
        if model is not None and model.models != 1:
            raise InvalidInput(
                "objectives are of one model; the functions that they are made of take many. "
                f"Received: {model.models} models"
            )
        self._model, self._scores = model, scores

    @property
    def model(self) -> StatisticalModel:
        """The statistical model."""
        if self._model is None:
            raise InvalidInput("this objective needs a statistical model. Received: none")
        return self._model

    @property
    def scores(self) -> Scores:
        """The outputs of the network."""
        if self._scores is None:
            raise InvalidInput("cross-entropy needs the output of a network. Received: none")
        return self._scores

    @property
    def poi(self) -> str:
        """The (first) parameter of interest."""
        return self.model.parameters.poi_names[0]

    @cached_property
    def exclusion(self) -> tf.Tensor:
        """√q_A of the nominal signal on the Asimov data of no signal."""
        return root(asimov_statistic(self.model, {self.poi: 0.0}, {self.poi: 1.0})[0])

    @cached_property
    def discovery(self) -> tf.Tensor:
        """√q₀ on the Asimov data of the nominal signal."""
        return root(asimov_statistic(self.model, {self.poi: 1.0}, {self.poi: 0.0})[0])

    @cached_property
    def nominal(self) -> tf.Tensor:
        """The point (models, d) of the nominal signal."""
        pois = dict.fromkeys(self.model.parameters.poi_names, 1.0)
        return points_of(self.model, pois, self.model.models)

    @cached_property
    def covariance(self) -> tf.Tensor:
        """Of the parameters that are not fixed, at the nominal signal, (k, k)."""
        return covariance(fisher_information(self.model, self.nominal))[0]

    @property
    def columns(self) -> list[int]:
        """The columns of the parameters in ``covariance``."""
        return [int(column) for column in np.flatnonzero(~np.asarray(self.model.fixed))]

    def column(self, poi: str) -> int:
        """That of a parameter of interest in ``covariance``.

        Raises:
            InvalidInput: it is fixed.
        """
        number = self.model.parameters.index(poi)
        if number not in self.columns:
            raise InvalidInput(f"a parameter of interest is not fixed. Received: {poi!r}, fixed")
        return self.columns.index(number)


@dataclass(frozen=True)
class Objective:
    """A number to be made small, or large (``maximise``).

    ``positive``: it may span orders of magnitude, so that its logarithm is what to follow
    where it stands alone; ``p_value``: also in a sum with others of its kind. ``logarithm``:
    its logarithm, where that has more digits than the logarithm of its value.
    """

    function: Callable[[Trained], tf.Tensor]
    maximise: bool = False
    positive: bool = False
    p_value: bool = False
    logarithm: Callable[[Trained], tf.Tensor] | None = None
    needs_scores: bool = False

    @property
    def description(self) -> str:
        """The first line of the function's documentation."""
        return (self.function.__doc__ or "").split(".")[0].split("\n")[0]


def cls(trained: Trained) -> tf.Tensor:
    """Expected CLs of the nominal signal where there is none (median)."""
    return normal_tail(trained.exclusion) / 0.5


def log_cls(trained: Trained) -> tf.Tensor:
    """Natural logarithm of ``cls``, for sums with other logarithms."""
    return log_normal_tail(trained.exclusion) + math.log(2.0)


def p0(trained: Trained) -> tf.Tensor:
    """Expected p-value of the background-only hypothesis where the signal is nominal."""
    return normal_tail(trained.discovery)


def log_p0(trained: Trained) -> tf.Tensor:
    """Natural logarithm of ``p0``, for sums with other logarithms."""
    return log_normal_tail(trained.discovery)


def significance(trained: Trained) -> tf.Tensor:
    """Expected discovery significance √q₀ of the nominal signal."""
    return trained.discovery


def limit(trained: Trained) -> tf.Tensor:
    """Expected upper limit on the poi, CLs at 95 % (median)."""
    return expected_limit(trained.model, trained.poi)[0]


def sigma_mu(trained: Trained) -> tf.Tensor:
    """Uncertainty of the poi from the expected information at the nominal signal."""
    return _sigma(trained, trained.poi)


def sigma_sum(trained: Trained) -> tf.Tensor:
    """Sum of the uncertainties of all pois (CMS-MLG-23-005), as sigma_mu of one."""
    return tf.add_n([_sigma(trained, poi) for poi in trained.model.parameters.poi_names])


def _sigma(trained: Trained, poi: str) -> tf.Tensor:
    column = trained.column(poi)
    return tf.sqrt(trained.covariance[column, column])


def nuisance_width(trained: Trained) -> tf.Tensor:
    """Σ (1 - σ/σ₀)² of the parameters with normal auxiliary measurements of width σ₀."""
    precision = tf.gather(trained.model.precision[0], trained.columns)
    relative = root(tf.linalg.diag_part(trained.covariance) * precision)
    distance = tf.square(1.0 - relative)
    return tf.reduce_sum(tf.where(precision > 0, distance, tf.zeros_like(distance)))


def pulls(trained: Trained) -> tf.Tensor:
    """Σ of squared pulls where the nominal signal is fitted to data without signal."""
    model = trained.model
    none = points_of(model, {trained.poi: 0.0}, model.models)
    data = model.expected_data(none)
    fitted = fit(model, data, {trained.poi: 1.0}, start=none)
    total = tf.reduce_sum(tf.square(information.pulls(model, fitted.points, data))[0])
    return tf.where(fitted.converged[0], total, tf.constant(np.nan, tf.float64))


def determinant(trained: Trained) -> tf.Tensor:
    """Generalised variance: determinant of the covariance at the nominal signal."""
    return generalised_variance(trained.covariance[None])[0]


def distance_from_gaussian(trained: Trained) -> tf.Tensor:
    """Gaussianity: mean squared distance of ln L from a Gaussian at the nominal signal."""
    return gaussianity(trained.model, trained.nominal)[0]


def asimov_significance(trained: Trained) -> tf.Tensor:
    """Z_A without uncertainties: √(2 Σ (s+b) ln(1+s/b) - s), of all bins with background."""
    model = trained.model
    none = points_of(model, {trained.poi: 0.0}, model.models)
    total = model.expected_data(trained.nominal).main[0]
    background = model.expected_data(none).main[0]
    # True of no NaN, which must stay NaN.
    without, one = (background <= 0) | (total <= 0), tf.ones_like(total)
    expected, true = tf.where(without, one, background), tf.where(without, one, total)
    # n ln(n/b) - (n-b) in a form that keeps its digits where the signal is tiny.
    terms = -true * log_ratio_minus_step((expected - true) / true, expected / true)
    return root(2.0 * tf.reduce_sum(tf.where(without, tf.zeros_like(terms), terms)))


def cross_entropy(trained: Trained) -> tf.Tensor:
    """Cross-entropy of signal and nominal background, all classes of equal weight."""
    return _cross_entropy(trained.scores.nominal)


def cross_entropy_varied(trained: Trained) -> tf.Tensor:
    """Cross-entropy of signal and background, the variations counted as background."""
    return _cross_entropy(trained.scores.varied)


OBJECTIVES: Mapping[str, Objective] = {
    "cls": Objective(cls, positive=True, p_value=True, logarithm=log_cls),
    "log_cls": Objective(log_cls),
    "p0": Objective(p0, positive=True, p_value=True, logarithm=log_p0),
    "log_p0": Objective(log_p0),
    "significance": Objective(significance, maximise=True, positive=True),
    "limit": Objective(limit, positive=True),
    "sigma_mu": Objective(sigma_mu, positive=True),
    "sigma_sum": Objective(sigma_sum, positive=True),
    "nuisance_width": Objective(nuisance_width),
    "pulls": Objective(pulls),
    "generalised_variance": Objective(determinant, positive=True),
    "gaussianity": Objective(distance_from_gaussian),
    "asimov_significance": Objective(asimov_significance, maximise=True, positive=True),
    "cross_entropy": Objective(cross_entropy, needs_scores=True),
    "cross_entropy_varied": Objective(cross_entropy_varied, needs_scores=True),
}
"""All objectives by name."""


def check_objectives(names: Iterable[str]) -> None:
    """Refuse a name that no objective has."""
    unknown = sorted(set(names) - set(OBJECTIVES))
    if unknown:
        raise InvalidInput(
            f"there is no objective of this name; there are {', '.join(OBJECTIVES)}. "
            f"Received: {', '.join(map(repr, unknown))}"
        )


_EPSILON = 1e-7


def _cross_entropy(classes: Sequence[Class]) -> tf.Tensor:
    """Mean over the classes of the mean of -ln of the probability that is given to the class."""
    total = tf.constant(0.0, tf.float64)
    for probability, weights in classes:
        safe = tf.clip_by_value(probability, _EPSILON, 1.0 - _EPSILON)
        terms = tf.cast(-tf.math.log(safe), tf.float64)
        total += tf.reduce_sum(weights * terms) / tf.reduce_sum(weights)
    return total / float(len(classes))
