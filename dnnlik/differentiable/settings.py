"""How an analysis is trained: settings, checked when they are made."""

from __future__ import annotations

import math
from dataclasses import dataclass
from operator import index

from dnnlik.differentiable.constraint import Constraint
from dnnlik.differentiable.expression import parse_loss
from dnnlik.differentiable.objectives import check_objectives
from dnnlik.exceptions import InvalidInput

__all__ = ["Settings"]


@dataclass(frozen=True)
class Settings:
    """How to train.

    Attributes:
        objective: a name, or a weighted sum such as ``"cls + 0.5*p0"``.
        epochs: passes over the events.
        batch_size: events of each sample in a step; the histograms of a step are noisy, and
            the training biased, where it gives few events a bin.
        learning_rate: of Adam; it decays to zero as a cosine over all steps. By default what
            the observable suggests: 0.001 for networks, 0.05 for cuts.
        seed: of the order of events and of which of them are held out.
        pretraining: epochs of cross-entropy before, at a constant learning rate, so that the
            objective begins with a network that separates.
        constraint: a bound of the cross-entropy, after the pretraining.
        tracked: objectives that are computed after each epoch beside the trained one; all, if
            none are named, which costs some seconds to compile.

    Raises:
        InvalidInput: an unknown objective, or a number out of its range.

    >>> Settings("cls + 0.5*p0", epochs=20).learning_rate is None
    True
    """

    objective: str = "cls"
    epochs: int = 60
    batch_size: int = 500
    learning_rate: float | None = None
    seed: int = 0
    pretraining: int = 0
    tracked: tuple[str, ...] = ()
    constraint: Constraint | None = None

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "seed", "pretraining"):
            # Plain numbers, for files.
            object.__setattr__(self, name, index(getattr(self, name)))
        if self.learning_rate is not None:
            object.__setattr__(self, "learning_rate", float(self.learning_rate))
        parse_loss(self.objective)
        check_objectives(self.tracked)
        if self.epochs < 1 or self.batch_size < 1:
            raise InvalidInput(
                "a training has at least one epoch and one event a batch. "
                f"Received: epochs={self.epochs}, batch_size={self.batch_size}"
            )
        if self.learning_rate is not None and not 0 < self.learning_rate < math.inf:
            raise InvalidInput(f"a learning rate is positive. Received: {self.learning_rate}")
        if min(self.seed, self.pretraining) < 0:
            raise InvalidInput(
                "a seed and a number of epochs are not negative. "
                f"Received: seed={self.seed}, pretraining={self.pretraining}"
            )
        if self.constraint and self.constraint.bound is None and not self.pretraining:
            raise InvalidInput(
                "a constraint has a bound, or a pretraining (an option) whose end is one. "
                f"Received: {self.constraint} and no pretraining"
            )
