"""Optimising an analysis: epochs of training, evaluation after each, the best one kept."""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from dnnlik.differentiable.events import Events
from dnnlik.differentiable.expression import Loss, parse_loss
from dnnlik.differentiable.low_statistics import warn_of_low_statistics
from dnnlik.differentiable.observables import Observable
from dnnlik.differentiable.problem import Problem
from dnnlik.differentiable.settings import Settings
from dnnlik.differentiable.training import Evaluation, Trainer
from dnnlik.differentiable.training_run import Record, Run, assign, values_of
from dnnlik.exceptions import NotConverged
from dnnlik.typing import Progress, no_progress

__all__ = ["Optimised", "optimise"]

_FIRST = 1000


@dataclass(frozen=True)
class Optimised:
    """The outcome of a training; the observable has the variables of the best epoch.

    Attributes:
        history: a record an epoch, those of the pretraining too, the first before any training:
            mean ``loss`` of its steps,
            ``skipped_steps`` (no finite gradient), all objectives on held-out events with
            hard bins, and what the observable describes itself by; with a constraint also its
            ``multiplier`` and ``cross_entropy_bound`` after the epoch.
        best_epoch: where the trained objective was lowest on held-out events; with a constraint
            of the epochs with a cross-entropy below the bound on those (that of its default: what
            the end of the pretraining has there, plus the tolerance), or the least above it.
        metrics: the record of that epoch.
        seconds: of training and evaluation, compiling included; of this call alone.
    """

    problem: Problem
    observable: Observable
    settings: Settings
    held_out: Mapping[str, Events]
    history: tuple[Record, ...]
    best_epoch: int
    seconds: float

    @property
    def metrics(self) -> Record:
        return self.history[self.best_epoch]


def optimise(
    problem: Problem,
    observable: Observable,
    settings: Settings | str = "cls",
    *,
    state: str | Path | None = None,
    progress: Progress = no_progress,
) -> Optimised:
    """Train an observable through the inference of a problem.

    Warns of variations with too few events (`LowStatisticsWarning`).

    Args:
        problem: events and the model made of them.
        observable: what is trained, in place; as it was, if the training does not end.
        settings: or an objective alone.
        state: a file to go on from, after the last whole epoch, if this is killed.
        progress: called after each epoch.

    Raises:
        InvalidInput: settings, or an objective the observable has no use for.
        NotConverged: the objective was not finite after any epoch.

    >>> from dnnlik.differentiable import Cut, CutObservable
    >>> from dnnlik.differentiable.problems import cut_problem
    >>> problem, observable = cut_problem(1), CutObservable([Cut(0, 2.0, slope=10.0)])
    >>> settings = Settings("asimov_significance", epochs=3, batch_size=50_000,
    ...                     tracked=("asimov_significance",))
    >>> result = optimise(problem, observable, settings)
    >>> [record["epoch"] for record in result.history], sorted(observable.describe())
    ([0.0, 1.0, 2.0, 3.0], ['cut_0'])
    """
    settings = _complete(settings, observable)
    loss = parse_loss(settings.objective)
    warn_of_low_statistics(problem)
    begun = time.monotonic()
    train, held_out = problem.split(settings.seed)
    phases = _phases(problem, train, observable, loss, settings)
    evaluation = Evaluation(problem, observable, held_out, _tracked(settings, loss))
    start = values_of(observable.variables)
    identity = _identity(problem, observable, _variables(phases), settings)
    run = Run.at(state, identity, _first_histogram(phases[-1]))
    if run.news:
        progress(run.news, len(run.history), len(phases))
    try:
        _train(run, phases, settings, evaluation, progress)
        assign(observable.variables, run.best)
    except BaseException:
        # The same call with the same observable goes on from the state.
        assign(observable.variables, start)
        raise
    seconds, history = time.monotonic() - begun, tuple(run.history)
    return Optimised(problem, observable, settings, held_out, history, run.best_epoch, seconds)


def _complete(settings: Settings | str, observable: Observable) -> Settings:
    if isinstance(settings, str):
        settings = Settings(settings)
    if settings.learning_rate is None:
        settings = replace(settings, learning_rate=observable.learning_rate)
    return settings


def _train(
    run: Run,
    phases: Sequence[Trainer],
    settings: Settings,
    evaluation: Evaluation,
    progress: Progress,
) -> None:
    """The epochs that are left; ``phases`` has the trainer of each epoch."""
    observable, variables = phases[-1].observable, _variables(phases)
    if run.history:
        assign(variables, run.variables)
    else:
        start = {"epoch": 0.0, "loss": math.nan, "skipped_steps": 0.0}
        run.add({**start, **_numbers(phases, evaluation)}, settings, observable, variables)
    for epoch in range(len(run.history), len(phases) + 1):
        trainer = phases[epoch - 1]
        outcome = trainer.epoch(epoch)
        phases[min(epoch, len(phases) - 1)].begin()  # the next one
        record = {"epoch": float(epoch), **outcome, **_numbers(phases, evaluation)}
        run.add(record, settings, observable, variables)
        text = f"train for {trainer.loss}, now {trainer.loss.of(record):.3g}"
        progress(text, epoch, len(phases))
    if not run.best:
        raise NotConverged(
            "the objective was not finite after any epoch: larger batches, fewer bins or a "
            f"floor may help. Received: {settings.objective} of {phases[-1].problem.name}"
        )


def _numbers(phases: Sequence[Trainer], evaluation: Evaluation) -> Record:
    """What there is to know of an observable as it is now."""
    last = phases[-1]
    return {**evaluation(), **last.observable.describe(), **last.describe()}


def _tracked(settings: Settings, loss: Loss) -> set[str] | None:
    """What is computed after each epoch; None: everything."""
    if not settings.tracked:
        return None
    followed = ("cross_entropy", *loss.names)
    return {*settings.tracked, *followed, *(f"log_{name}" for name in followed)}


def _phases(
    problem: Problem,
    events: Mapping[str, Events],
    observable: Observable,
    loss: Loss,
    settings: Settings,
) -> list[Trainer]:
    """The trainer of each epoch: of cross-entropy first, where there is a pretraining."""
    common: dict[str, Any] = {"batch_size": settings.batch_size, "seed": settings.seed}
    rate = settings.learning_rate
    before: list[Trainer] = []
    if settings.pretraining:
        entropy = parse_loss("cross_entropy")
        first = Trainer(problem, events, observable, entropy, learning_rate=rate, **common)
        before = [first] * settings.pretraining
    steps = Trainer.steps_of(problem, events, loss, settings.batch_size) * settings.epochs
    falling = keras.optimizers.schedules.CosineDecay(rate, steps)
    trainer = Trainer(
        problem, events, observable, loss, learning_rate=falling,
        constraint=settings.constraint, **common,
    )  # fmt: skip
    return [*before, *[trainer] * settings.epochs]


def _variables(phases: Sequence[Trainer]) -> list[Any]:
    """All that changes in training: of the observable, then of each trainer."""
    own = [variable for trainer in dict.fromkeys(phases) for variable in trainer.own_variables]
    return [*phases[-1].observable.variables, *own]


def _identity(
    problem: Problem, observable: Observable, variables: Sequence[Any], settings: Settings
) -> str:
    """What must be equal for a training to be continued: settings, events, model, bins,
    starting point."""
    digest = hashlib.sha256()
    samples = [problem.events, problem.held_out or {}]
    for name, sample in ((n, part[n]) for part in samples for n in problem.names if n in part):
        digest.update(name.encode() + sample.features.tobytes() + sample.weights.tobytes())
    for variable in variables:
        digest.update(variable.numpy().tobytes())
    model = [problem.channels, dict(problem.yields), problem.pois, list(problem.parameters)]
    numbers = [problem.floor, dict(problem.widths), observable.to_json()]
    return json.dumps([asdict(settings), digest.hexdigest(), model, *numbers])


def _first_histogram(trainer: Trainer) -> NDArray[Any]:
    """What the observable makes of some events before any training: an observable of another
    bandwidth or architecture may have the same variables. Equal up to rounding."""
    sample = next(iter(trainer.samples.values()))
    summary = trainer.observable.summary(sample.features[:_FIRST])
    return np.asarray(trainer.observable.smooth(summary, sample.weights[:_FIRST]))
