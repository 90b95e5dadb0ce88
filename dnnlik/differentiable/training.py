"""Training steps and evaluations, each one compiled function.

Nothing in a step pins a device or leaves the graph: gathering the batch, the observable, the
histograms, the fits and the update are one XLA program.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import chain
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dnnlik.differentiable.analysis import analysed, batches, drawn_rows, gathered, has_scores
from dnnlik.differentiable.constraint import Constraint, Multiplier
from dnnlik.differentiable.events import Events
from dnnlik.differentiable.expression import Loss
from dnnlik.differentiable.objectives import OBJECTIVES, check_objectives, cross_entropy
from dnnlik.differentiable.observables import Classifier, Observable
from dnnlik.differentiable.problem import Problem
from dnnlik.exceptions import InvalidInput

__all__ = ["Evaluation", "Trainer", "evaluate"]


class Trainer:
    """A problem, an observable and a loss, ready to be stepped.

    Args:
        problem: with its events.
        events: those to train on, by name.
        observable: whose variables are changed.
        loss: see `dnnlik.differentiable.expression`.
        batch_size: events of each sample in a step; all of a smaller sample.
        learning_rate: of Adam, a number or a Keras schedule.
        seed: of the order of events.
        constraint: of the cross-entropy.

    Attributes:
        samples: the events of each sample, normalised.
        multiplier: of the constraint, if there is one.
    """

    def __init__(
        self,
        problem: Problem,
        events: Mapping[str, Events],
        observable: Observable,
        loss: Loss,
        *,
        batch_size: int,
        learning_rate: Any = 1e-3,
        seed: int = 0,
        constraint: Constraint | None = None,
    ) -> None:
        if not observable.trainable_variables:
            raise InvalidInput(
                "this observable has nothing to train: no network that changes, no cut, no free "
                f"edge. Received: a {type(observable).__name__}"
            )
        if batch_size < 1:
            raise InvalidInput(f"a batch has at least one event. Received: {batch_size}")
        if loss.needs_scores or constraint is not None:
            _check_scores(problem, observable, loss if loss.needs_scores else constraint)
        self.problem, self.observable, self.loss = problem, observable, loss
        self.batch_size, self.seed = batch_size, seed
        names = _names(problem, loss)
        self.samples = batches(problem, events, names)
        self._sizes = [len(events[name]) for name in names]
        self.steps = self.steps_of(problem, events, loss, batch_size)
        self.optimizer = keras.optimizers.Adam(learning_rate)
        self.optimizer.build(observable.trainable_variables)
        self.multiplier = None if constraint is None else Multiplier(constraint)
        self._compiled = tf.function(self._step, jit_compile=True, autograph=False)

    @staticmethod
    def steps_of(
        problem: Problem, events: Mapping[str, Events], loss: Loss, batch_size: int
    ) -> int:
        """Steps of an epoch: every event is seen, those of smaller samples more than once."""
        largest = max(len(events[name]) for name in _names(problem, loss))
        return -(-largest // batch_size)

    @property
    def variables(self) -> list[Any]:
        """All that changes in training: of the observable, and its own."""
        return [*self.observable.variables, *self.own_variables]

    @property
    def own_variables(self) -> list[Any]:
        """Of the optimizer, and of the constraint."""
        multiplier = [] if self.multiplier is None else self.multiplier.variables
        return [*self.optimizer.variables, *multiplier]

    def begin(self) -> None:
        """Find the bound of the constraint, where that is the cross-entropy of the start."""
        if self.multiplier is None or not self.multiplier.is_open:
            return
        names = chain.from_iterable(self.problem.classes(variations=False))
        samples = {name: self.samples[name] for name in names}
        trained = analysed(self.problem, self.observable, samples, hard=True, with_model=False)
        self.multiplier.begin_at(float(cross_entropy(trained)))

    def describe(self) -> dict[str, float]:
        """Numbers of the constraint worth following, by name."""
        return {} if self.multiplier is None else self.multiplier.describe()

    def epoch(self, number: int) -> dict[str, float]:
        """One pass over the events: mean loss, and how many steps had no finite gradient."""
        rows = drawn_rows(self._sizes, self.batch_size, self.steps, [self.seed, number])
        outcomes = [
            self._compiled([tf.constant(sample[step]) for sample in rows])
            for step in range(self.steps)
        ]
        losses = np.array([float(loss) for loss, _ in outcomes])
        used = np.array([bool(finite) for _, finite in outcomes])
        mean = float(losses[used].mean()) if used.any() else float("nan")
        return {"loss": mean, "skipped_steps": float((~used).sum())}

    def _step(self, rows: list[tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
        """One update; without a finite gradient nothing changes."""
        names = list(self.samples)
        drawn = {
            name: gathered(self.samples[name], part) for name, part in zip(names, rows, strict=True)
        }
        variables = self.observable.trainable_variables
        before = [tf.identity(_tensor_variable(v)) for v in self.variables]
        with tf.GradientTape() as tape:
            trained = analysed(
                self.problem,
                self.observable,
                drawn,
                hard=False,
                training=True,
                with_model=_needs_model(self.loss),
            )
            loss = self.loss.loss(trained)
            if self.multiplier is not None:
                loss += self.multiplier.penalty(cross_entropy(trained))
        # Zero where a loss does not depend on a variable: cross-entropy has no bins.
        zero = tf.UnconnectedGradients.ZERO
        sources = [_tensor_variable(v) for v in variables]
        gradients = tape.gradient(loss, sources, unconnected_gradients=zero)
        finite = tf.math.is_finite(loss)
        for gradient in gradients:
            finite &= tf.reduce_all(tf.math.is_finite(gradient))
        self.optimizer.apply(gradients, variables)
        if self.multiplier is not None:
            self.multiplier.ascend(cross_entropy(trained))
        for variable, value in zip(self.variables, before, strict=True):
            variable.assign(tf.where(finite, tf.convert_to_tensor(variable), value))
        return loss, finite


def evaluate(
    problem: Problem,
    observable: Observable,
    events: Mapping[str, Events],
    objectives: Collection[str] | None = None,
) -> dict[str, float]:
    """Objectives by name with hard bins, all by default; NaN where one is not defined.

    Args:
        problem: the model, and the expected events of each sample.
        observable: what counts events in bins.
        events: of every sample of the problem, by name; they need not be its own.
        objectives: names of `dnnlik.differentiable.OBJECTIVES`.

    Raises:
        InvalidInput: an objective that is unknown, a sample that is missing, other features.

    >>> from dnnlik.differentiable import Cut, CutObservable
    >>> from dnnlik.differentiable.problems import cut_problem
    >>> problem, observable = cut_problem(1), CutObservable([Cut(0, 2.0, slope=10.0)])
    >>> found = evaluate(problem, observable, problem.events, ["asimov_significance"])
    >>> 4 < found["asimov_significance"] < 5.4
    True
    """
    check_objectives(objectives or ())
    return Evaluation(problem, observable, events, objectives)()


class Evaluation:
    """Objectives of an observable on given events with hard bins, compiled once: all that it
    can have, or those of them that are named."""

    def __init__(
        self,
        problem: Problem,
        observable: Observable,
        events: Mapping[str, Events],
        objectives: Collection[str] | None = None,
    ) -> None:
        self._problem, self._observable = problem, observable
        self._samples = batches(problem, events)
        scores = has_scores(problem, observable)
        possible = [name for name, o in OBJECTIVES.items() if scores or not o.needs_scores]
        self._names = [name for name in possible if objectives is None or name in objectives]
        self._compiled = tf.function(self._metrics, autograph=False)

    def _metrics(self) -> list[tf.Tensor]:
        trained = analysed(self._problem, self._observable, self._samples, hard=True)
        return [tf.cast(OBJECTIVES[name].function(trained), tf.float64) for name in self._names]

    def __call__(self) -> dict[str, float]:
        """Each objective by name, with the present values of the variables."""
        return dict(zip(self._names, (float(v) for v in self._compiled()), strict=True))


def _check_scores(problem: Problem, observable: Observable, what: object) -> None:
    """Whether a cross-entropy is there for what needs it."""
    if not isinstance(observable, Classifier):
        raise InvalidInput(
            "cross-entropy needs the output of a network. "
            f"Received: {what} for a {type(observable).__name__}"
        )
    classes = problem.classes(variations=False)
    if observable.classes != len(classes):
        raise InvalidInput(
            f"cross-entropy needs a network that tells {len(classes)} classes apart: background, "
            f"and the signal of each of {', '.join(problem.pois)}. Received: {what} for a "
            f"{type(observable).__name__} of {observable.classes}"
        )
    if not has_scores(problem, observable):
        raise InvalidInput(
            "cross-entropy needs events of samples that the parameter of interest scales, and "
            f"of others. Received: the poi {problem.poi!r}, events {', '.join(problem.names)}"
        )


def _names(problem: Problem, loss: Loss) -> tuple[str, ...]:
    """The events that a loss needs."""
    if _needs_model(loss) or "cross_entropy_varied" in loss.names:
        return problem.names
    return tuple(dict.fromkeys(chain.from_iterable(problem.classes(variations=False))))


def _needs_model(loss: Loss) -> bool:
    return not all(OBJECTIVES[name].needs_scores for name in loss.names)


def _tensor_variable(variable: Any) -> Any:
    """The TensorFlow variable inside of a Keras one."""
    return variable.value if isinstance(variable, keras.Variable) else variable
