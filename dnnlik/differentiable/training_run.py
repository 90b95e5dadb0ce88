"""What a training remembers: its epochs, the best of them, and a file to go on from."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnlik.differentiable.expression import parse_loss
from dnnlik.differentiable.observables import Observable
from dnnlik.differentiable.settings import Settings
from dnnlik.restart import RestartState

__all__ = ["Record", "Run", "assign", "values_of"]

Record = dict[str, float]
Arrays = list[NDArray[Any]]

_ENTRIES = {"identity", "first", "history", "best_epoch"}


def values_of(variables: Sequence[Any]) -> Arrays:
    """Copies; NumPy warns of its own way to make them from Keras' variables."""
    return [np.array(variable.numpy()) for variable in variables]


def assign(variables: Sequence[Any], values: Arrays) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


@dataclass
class Run:
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
    def at(cls, path: str | Path | None, identity: str, first: NDArray[Any]) -> Run:
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
        self.variables = values_of(variables)
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
