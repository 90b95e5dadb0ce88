r"""A bound of the cross-entropy while something else is trained (SANNT, CMS-MLG-23-005).

The basic differential multiplier method of J. Platt and A. Barr (Constrained Differential
Optimization, NIPS 1987): each step goes down in the network and up in the multiplier ω of

.. math:: L = f + \omega\,\max(CE - CE_\mathrm{min},\,0), \qquad
          \omega \leftarrow \omega + \eta\,(CE - CE_\mathrm{min})

where f is the objective as training follows it, and ω begins at 0, to which it returns wherever
the cross-entropy is below the bound. An objective that has its optimum below it is trained as
if there were no constraint.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import tensorflow as tf

from dnnlik.exceptions import InvalidInput

__all__ = ["Constraint", "Multiplier"]


@dataclass(frozen=True)
class Constraint:
    """A bound of the cross-entropy (natural logarithm, all classes of equal weight).

    Attributes:
        bound: its largest value; by default the one at the end of the pretraining, of the events of
            the training, plus the tolerance.
        tolerance: see there; not added to a ``bound`` that is given.
        rate: η, by which the multiplier grows in a step for each unit of excess.

    Raises:
        InvalidInput: a bound or rate that is not positive, or a negative tolerance.

    >>> Constraint(tolerance=0.02)
    Constraint(bound=None, tolerance=0.02, rate=100.0)
    """

    bound: float | None = None
    tolerance: float = 0.01
    rate: float = 100.0

    def __post_init__(self) -> None:
        numbers = [self.rate, *([] if self.bound is None else [self.bound])]
        if not (all(0 < n < math.inf for n in numbers) and 0 <= self.tolerance < math.inf):
            raise InvalidInput(
                "a constraint has a positive bound and rate, and a tolerance that is not negative. "
                f"Received: bound={self.bound}, tolerance={self.tolerance}, rate={self.rate}"
            )


class Multiplier:
    """ω and the bound of a constraint during a training."""

    def __init__(self, constraint: Constraint) -> None:
        self.constraint = constraint
        bound = math.nan if constraint.bound is None else constraint.bound
        self._value = tf.Variable(0.0, dtype=tf.float64, trainable=False)
        self._bound = tf.Variable(bound, dtype=tf.float64, trainable=False)

    @property
    def variables(self) -> list[tf.Variable]:
        """What a training that goes on must know."""
        return [self._value, self._bound]

    @property
    def is_open(self) -> bool:
        """Whether the bound is still to be found."""
        return math.isnan(float(self._bound))

    def begin_at(self, entropy: float) -> None:
        """Find the bound: what the cross-entropy is now, plus the tolerance."""
        self._bound.assign(entropy + self.constraint.tolerance)

    def penalty(self, entropy: tf.Tensor) -> tf.Tensor:
        """ω max(CE - bound, 0), ()."""
        excess = entropy - self._bound
        # Not the other way round: NaN must stay NaN.
        return self._value * tf.where(excess < 0, tf.zeros_like(excess), excess)

    def ascend(self, entropy: tf.Tensor) -> None:
        """The step of ω that belongs to a step of the network."""
        excess = entropy - self._bound
        grown = self._value + self.constraint.rate * excess
        self._value.assign(tf.where(excess < 0, tf.zeros_like(grown), grown))

    def describe(self) -> dict[str, float]:
        """``multiplier`` and ``cross_entropy_bound``, which is NaN before it is known."""
        return {"multiplier": float(self._value), "cross_entropy_bound": float(self._bound)}
