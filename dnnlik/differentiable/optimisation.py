"""Optimising an analysis: epochs of training, evaluation after each, the best one kept."""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from dnnlik.differentiable.expression import Loss, parse_loss
from dnnlik.differentiable.observables import Observable
from dnnlik.differentiable.problem import Events, Problem
from dnnlik.differentiable.training import Evaluation, Trainer
from dnnlik.exceptions import InvalidInput, NotConverged
from dnnlik.restart import RestartState
from dnnlik.typing import Progress, no_progress

__all__ = ["Optimised", "Settings", "optimise"]

Record = dict[str, float]
Arrays = list[NDArray[Any]]


@dataclass(frozen=True)
class Settings:
    """How to train.

    Attributes:
        objective: a name, or a weighted sum such as ``"cls + 0.5*p0"``.
        epochs: passes over the events.
        batch_size: events of each sample in a step; the histograms of a step are noisy, and
            the training biased, where it gives few events a bin.
        learning_rate: of Adam; it decays to zero as a cosine over all steps.
        seed: of the order of events and of which of them are held out.
    """

    objective: str = "cls"
    epochs: int = 60
    batch_size: int = 500
    learning_rate: float = 1e-3
    seed: int = 0

    def __post_init__(self) -> None:
        parse_loss(self.objective)
        if self.epochs < 1 or self.batch_size < 1:
            raise InvalidInput(
                "a training has at least one epoch and one event a batch. "
                f"Received: epochs={self.epochs}, batch_size={self.batch_size}"
            )
        if not 0 < self.learning_rate < math.inf:
            raise InvalidInput(f"a learning rate is positive. Received: {self.learning_rate}")


@dataclass(frozen=True)
class Optimised:
    """The outcome of a training; the observable has the variables of the best epoch.

    Attributes:
        history: a record an epoch, the first before any training: mean ``loss`` of its steps,
            ``skipped_steps`` (no finite gradient), all objectives on held-out events with
            hard bins, and what the observable describes itself by.
        best_epoch: where the trained objective was lowest on held-out events.
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

    Args:
        problem: events and the model made of them.
        observable: what is trained, in place.
        settings: or an objective alone.
        state: a file to go on from, after the last whole epoch, if this is killed.
        progress: called after each epoch.

    Raises:
        InvalidInput: settings, or an objective the observable has no use for.
        NotConverged: the objective was not finite after any epoch.
    """
    if isinstance(settings, str):
        settings = Settings(settings)
    loss = parse_loss(settings.objective)
    begun = time.monotonic()
    train, held_out = problem.split(settings.seed)
    trainer = _trainer(problem, train, observable, loss, settings)
    evaluation = Evaluation(problem, observable, held_out)
    run = _Run.at(state, _identity(problem, trainer, settings))
    if run.history:
        run.restore(trainer)
    else:
        start = {"epoch": 0.0, "loss": math.nan, "skipped_steps": 0.0}
        run.add({**start, **evaluation(), **observable.describe()}, trainer, loss)
    for epoch in range(len(run.history), settings.epochs + 1):
        outcome = trainer.epoch(epoch)
        record = {"epoch": float(epoch), **outcome, **evaluation(), **observable.describe()}
        run.add(record, trainer, loss)
        text = f"train for {settings.objective}, now {loss.of(record):.3g}"
        progress(text, epoch, settings.epochs)
    if not run.best:
        raise NotConverged(
            "the objective was not finite after any epoch: larger batches, fewer bins or a "
            f"floor may help. Received: {settings.objective} of {problem.name}"
        )
    for variable, value in zip(observable.trainable_variables, run.best, strict=True):
        variable.assign(value)
    return Optimised(
        problem,
        observable,
        settings,
        held_out,
        tuple(run.history),
        run.best_epoch,
        time.monotonic() - begun,
    )


def _trainer(
    problem: Problem,
    events: Mapping[str, Events],
    observable: Observable,
    loss: Loss,
    settings: Settings,
) -> Trainer:
    steps = Trainer.steps_of(problem, events, loss, settings.batch_size)
    rate = keras.optimizers.schedules.CosineDecay(settings.learning_rate, steps * settings.epochs)
    return Trainer(
        problem,
        events,
        observable,
        loss,
        batch_size=settings.batch_size,
        learning_rate=rate,
        seed=settings.seed,
    )


def _identity(problem: Problem, trainer: Trainer, settings: Settings) -> str:
    """What must be equal for a training to be continued: settings, events, starting point."""
    digest = hashlib.sha256()
    for name in problem.names:
        sample = problem.events[name]
        digest.update(name.encode() + sample.features.tobytes() + sample.weights.tobytes())
    for variable in trainer.variables:
        digest.update(np.asarray(variable).tobytes())
    model = [problem.channels, dict(problem.yields), problem.poi, list(problem.parameters)]
    return json.dumps([asdict(settings), digest.hexdigest(), model, problem.floor], default=list)


@dataclass
class _Run:
    """What a training remembers, mirrored in a file if there is one."""

    file: RestartState | None
    identity: str
    history: list[Record]
    variables: Arrays
    best: Arrays
    best_epoch: int = 0

    @classmethod
    def at(cls, path: str | Path | None, identity: str) -> _Run:
        empty = cls(RestartState(Path(path)) if path else None, identity, [], [], [])
        stored = empty.file.load() if empty.file else {}
        if str(stored.get("identity")) != identity:
            return empty
        return cls(
            empty.file,
            identity,
            json.loads(str(stored["history"])),
            _arrays(stored, "variable"),
            _arrays(stored, "best"),
            int(stored["best_epoch"]),
        )

    def restore(self, trainer: Trainer) -> None:
        for variable, value in zip(trainer.variables, self.variables, strict=True):
            variable.assign(value)

    def add(self, record: Record, trainer: Trainer, loss: Loss) -> None:
        """Remember an epoch."""
        self.history.append(record)
        self.variables = [np.array(variable) for variable in trainer.variables]
        value = loss.of(record)
        lowest = loss.of(self.history[self.best_epoch]) if self.best else math.inf
        if math.isfinite(value) and value < lowest:
            count = len(trainer.observable.trainable_variables)
            self.best, self.best_epoch = self.variables[:count], len(self.history) - 1
        if self.file is not None:
            content: dict[str, Any] = {
                "identity": self.identity,
                "history": json.dumps(self.history),
                "best_epoch": self.best_epoch,
            }
            for name, arrays in (("variable", self.variables), ("best", self.best)):
                content |= {f"{name}.{i:04d}": array for i, array in enumerate(arrays)}
            self.file.save(content)


def _arrays(stored: Mapping[str, Any], name: str) -> Arrays:
    return [stored[key] for key in sorted(stored) if key.startswith(f"{name}.")]
