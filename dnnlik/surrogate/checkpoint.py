"""What a killed training needs to go on as if nothing had happened."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnlik.restart import RestartState
from dnnlik.surrogate.schedule import Plateau

__all__ = ["Checkpoint"]

Arrays = tuple[NDArray[np.floating], ...]


@dataclass(frozen=True)
class Checkpoint:
    """The state of a training after an epoch, mirrored in a file (if there is one).

    Attributes:
        path: the file, or None.
        identity: what must be equal for the file to be continued.
        schedule: where rate and patience stand.
        weights, optimizer: present weights and optimizer variables.
        best_weights: those of the lowest validation loss.
        history: a record an epoch.
    """

    path: Path | None
    identity: str
    schedule: Plateau
    weights: Arrays = ()
    optimizer: Arrays = ()
    best_weights: Arrays = ()
    history: list[dict[str, float]] = field(default_factory=list)

    @classmethod
    def at(cls, path: str | Path | None, identity: dict[str, Any], start: Plateau) -> Checkpoint:
        """The checkpoint in a file, if it is one of this training; else one at the start."""
        empty = cls(Path(path) if path else None, json.dumps(identity, sort_keys=True), start)
        if empty.path is None or not empty.path.is_file():
            return empty
        stored = RestartState(empty.path).load()
        try:
            if not stored or str(stored["identity"]) != empty.identity:
                return empty
            return replace(
                empty,
                schedule=Plateau(**json.loads(str(stored["schedule"]))),
                weights=_arrays(stored, "weights"),
                optimizer=_arrays(stored, "optimizer"),
                best_weights=_arrays(stored, "best_weights"),
                history=json.loads(str(stored["history"])),
            )
        except (ValueError, TypeError, KeyError):
            # It was replaced atomically, so it is damaged from outside: start afresh.
            return empty

    def after(
        self, schedule: Plateau, model: Any, record: dict[str, float], *, improved: bool
    ) -> Checkpoint:
        """The checkpoint one epoch later, written to its file."""
        # Copies: what Keras hands out may be the very memory that training goes on to change.
        weights = tuple(np.array(weight) for weight in model.get_weights())
        later = replace(
            self,
            schedule=schedule,
            weights=weights,
            optimizer=tuple(np.array(v.numpy()) for v in model.optimizer.variables),
            best_weights=weights if improved else self.best_weights,
            history=[*self.history, record],
        )
        later._write()
        return later

    def restore(self, model: Any) -> None:
        """Give a compiled model the stored weights and optimizer variables."""
        if not self.weights:
            return
        model.set_weights(list(self.weights))
        model.optimizer.build(model.trainable_variables)
        for variable, value in zip(model.optimizer.variables, self.optimizer, strict=True):
            variable.assign(value)

    def _write(self) -> None:
        if self.path is None:
            return
        content: dict[str, Any] = {
            "identity": self.identity,
            "schedule": json.dumps(asdict(self.schedule)),
            "history": json.dumps(self.history),
        }
        for name in ("weights", "optimizer", "best_weights"):
            content |= {f"{name}.{i:03d}": a for i, a in enumerate(getattr(self, name))}
        RestartState(self.path).save(content)


def _arrays(stored: Mapping[str, Any], name: str) -> Arrays:
    return tuple(stored[key] for key in sorted(stored) if key.startswith(f"{name}."))
