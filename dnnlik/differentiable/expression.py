"""Weighted sums of objectives from text, such as ``"cls + 0.5*p0"``: parsed, not evaluated."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from dnnlik.differentiable.objectives import OBJECTIVES, Trained, check_objectives
from dnnlik.exceptions import InvalidInput

__all__ = ["Loss", "parse_loss"]

_NUMBER = r"\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?"
_TERM = re.compile(
    rf"\s*([+-])?\s*(?:({_NUMBER})\s*\*\s*)?([A-Za-z_]\w*)(?:\s*\*\s*({_NUMBER}))?\s*"
)


@dataclass(frozen=True)
class Loss:
    """A weighted sum of objectives, to be made small.

    Objectives that are to be made large enter with the other sign.
    """

    terms: tuple[tuple[float, str], ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The objectives in it."""
        return tuple(name for _, name in self.terms)

    @property
    def needs_scores(self) -> bool:
        """Whether it needs outputs of a network."""
        return any(OBJECTIVES[name].needs_scores for name in self.names)

    @property
    def logarithmic(self) -> bool:
        """Whether training follows the logarithm: same optimum, but a gradient that does not
        vanish with a p-value, or a significance. Of one positive objective, or a sum of
        p-values."""
        chosen = [OBJECTIVES[name] for name in self.names]
        alone = len(chosen) == 1 and chosen[0].positive
        return all(weight > 0 for weight, _ in self.terms) and (
            alone or all(objective.p_value for objective in chosen)
        )

    def value(self, trained: Trained) -> tf.Tensor:
        """The weighted sum, ()."""
        total = tf.zeros((), tf.float64)
        for weight, name in self.terms:
            objective = OBJECTIVES[name]
            total += (-weight if objective.maximise else weight) * objective.function(trained)
        return total

    def loss(self, trained: Trained) -> tf.Tensor:
        """What training follows: the sum, or its natural logarithm (`logarithmic`); minus that
        of what is to be made large."""
        if not self.logarithmic:
            return self.value(trained)
        logarithms = [math.log(weight) + _logarithm(name, trained) for weight, name in self.terms]
        total = tf.reduce_logsumexp(tf.stack(logarithms))
        return -total if OBJECTIVES[self.names[0]].maximise else total

    def of(self, metrics: Mapping[str, float]) -> float:
        """The sum of numbers that are known by name."""
        signs = {name: -1.0 if OBJECTIVES[name].maximise else 1.0 for name in self.names}
        return sum(weight * signs[name] * metrics[name] for weight, name in self.terms)

    def order(self, metrics: Mapping[str, float]) -> float:
        """As `of`, or the logarithm of it: which of two is lower, p-values too small to be
        numbers included."""
        if not (self.logarithmic and OBJECTIVES[self.names[0]].p_value):
            return self.of(metrics)
        terms = [math.log(weight) + metrics[f"log_{name}"] for weight, name in self.terms]
        with np.errstate(invalid="ignore"):  # NaN is NaN
            return float(np.logaddexp.reduce(terms))

    def __str__(self) -> str:
        return " + ".join(name if w == 1 else f"{w:g}*{name}" for w, name in self.terms)


def _logarithm(name: str, trained: Trained) -> tf.Tensor:
    objective = OBJECTIVES[name]
    if objective.logarithm is not None:
        return objective.logarithm(trained)
    return tf.math.log(objective.function(trained))


def parse_loss(text: str) -> Loss:
    """A weighted sum of objectives.

    Raises:
        InvalidInput: not such a sum, or an unknown name.

    >>> parse_loss("cls + 0.5*p0").terms
    ((1.0, 'cls'), (0.5, 'p0'))
    """
    terms: list[tuple[float, str]] = []
    position = 0
    while position < len(text):
        match = _TERM.match(text, position)
        if not match or (match[1] is None and terms) or (match[2] and match[4]):
            raise InvalidInput(
                "an objective is a sum such as cls + 0.5*p0, or one name. "
                f"Received: {text!r}, at {text[position:]!r}"
            )
        sign, before, name, after = match.groups()
        check_objectives([name])
        weight = float(before or after or 1.0)
        if not math.isfinite(weight):
            raise InvalidInput(f"the weight of an objective is finite. Received: {text!r}")
        if weight:
            terms.append((-weight if sign == "-" else weight, name))
        position = match.end()
    if not terms:
        raise InvalidInput(
            f"an objective has a name, such as cls, and a weight. Received: {text!r}"
        )
    return Loss(tuple(terms))
