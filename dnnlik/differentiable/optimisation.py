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

from dnnlik.differentiable.constraint import Constraint
from dnnlik.differentiable.events import Events
from dnnlik.differentiable.expression import Loss, parse_loss
from dnnlik.differentiable.low_statistics import warn_of_low_statistics
from dnnlik.differentiable.objectives import check_objectives
from dnnlik.differentiable.observables import Observable
from dnnlik.differentiable.problem import Problem
from dnnlik.differentiable.training import Evaluation, Trainer
from dnnlik.exceptions import InvalidInput, NotConverged
from dnnlik.restart import RestartState
from dnnlik.typing import Progress, no_progress

__all__ = ["Optimised", "Settings", "optimise"]

Record = dict[str, float]
Arrays = list[NDArray[Any]]

_FIRST = 1000
_ENTRIES = {"identity", "first", "history", "best_epoch"}


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
                "a constraint has a bound, or a pretraining whose end is one. "
                f"Received: {self.constraint} and no pretraining"
            )


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
    """
    if isinstance(settings, str):
        settings = Settings(settings)
    if settings.learning_rate is None:
        settings = replace(settings, learning_rate=observable.learning_rate)
    loss = parse_loss(settings.objective)
    warn_of_low_statistics(problem)
    begun = time.monotonic()
    train, held_out = problem.split(settings.seed)
    phases = _phases(problem, train, observable, loss, settings)
    evaluation = Evaluation(problem, observable, held_out, _tracked(settings, loss))
    start = _values(observable.variables)
    identity = _identity(problem, observable, _variables(phases), settings)
    run = _Run.at(state, identity, _first_histogram(phases[-1]))
    if run.news:
        progress(run.news, len(run.history), len(phases))
    try:
        _train(run, phases, settings, evaluation, progress)
        _assign(observable.variables, run.best)
    except BaseException:
        # The same call with the same observable goes on from the state.
        _assign(observable.variables, start)
        raise
    return Optimised(
        problem,
        observable,
        settings,
        held_out,
        tuple(run.history),
        run.best_epoch,
        time.monotonic() - begun,
    )


def _train(
    run: _Run,
    phases: Sequence[Trainer],
    settings: Settings,
    evaluation: Evaluation,
    progress: Progress,
) -> None:
    """The epochs that are left; ``phases`` has the trainer of each epoch."""
    observable, variables = phases[-1].observable, _variables(phases)
    if run.history:
        _assign(variables, run.variables)
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


def _values(variables: Sequence[Any]) -> Arrays:
    """Copies; NumPy warns of its own way to make them from Keras' variables."""
    return [np.array(variable.numpy()) for variable in variables]


def _assign(variables: Sequence[Any], values: Arrays) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


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


@dataclass
class _Run:
    """What a training remembers, mirrored in a file if there is one."""

    file: RestartState | None
    identity: str
    first: NDArray[Any]
    history: list[Record]
    variables: Arrays
    best: Arrays
    best_epoch: int = 0
    news: str = ""  # for who repeats a command

    @classmethod
    def at(cls, path: str | Path | None, identity: str, first: NDArray[Any]) -> _Run:
        empty = cls(RestartState(Path(path)) if path else None, identity, first, [], [], [])
        stored = empty.file.load() if empty.file else {}
        if not stored:
            return empty
        if (
            not set(stored) >= _ENTRIES
            or str(stored["identity"]) != identity
            or not np.allclose(stored["first"], first, rtol=1e-5, atol=0, equal_nan=True)
        ):
            empty.news = "not the training that was here before: it starts again"
            return empty
        history = json.loads(str(stored["history"]))
        return cls(
            empty.file,
            identity,
            first,
            history,
            _arrays(stored, "variable"),
            _arrays(stored, "best"),
            int(stored["best_epoch"]),
            f"going on after epoch {len(history) - 1}",
        )

    def add(
        self, record: Record, settings: Settings, observable: Observable, variables: Sequence[Any]
    ) -> None:
        """Remember an epoch."""
        self.history.append(record)
        self.variables = _values(variables)
        rank = _rank(record, self.history, settings)
        best = self.history[self.best_epoch]
        if math.isfinite(rank[-1]) and (
            not self.best or rank < _rank(best, self.history, settings)
        ):
            count = len(observable.variables)
            self.best, self.best_epoch = self.variables[:count], len(self.history) - 1
        if self.file is not None:
            content: dict[str, Any] = {
                "identity": self.identity,
                "first": self.first,
                "history": json.dumps(self.history),
                "best_epoch": self.best_epoch,
            }
            for name, arrays in (("variable", self.variables), ("best", self.best)):
                content |= {f"{name}.{i:04d}": array for i, array in enumerate(arrays)}
            self.file.save(content)


def _rank(record: Record, history: Sequence[Record], settings: Settings) -> tuple[float, ...]:
    """What is lowest where an epoch is best: how far the cross-entropy is above what it may be
    on held-out events, then the objective."""
    value = parse_loss(settings.objective).order(record)
    if settings.constraint is None:
        return (value,)
    allowed = settings.constraint.bound
    if allowed is None and len(history) > settings.pretraining:
        allowed = history[settings.pretraining]["cross_entropy"] + settings.constraint.tolerance
    excess = math.inf if allowed is None else record["cross_entropy"] - allowed
    return (math.inf if math.isnan(excess) else max(excess, 0.0), value)


def _arrays(stored: Mapping[str, Any], name: str) -> Arrays:
    return [stored[key] for key in sorted(stored) if key.startswith(f"{name}.")]
