"""Training one network on samples; restartable after every epoch."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import keras
import numpy as np

from dnnlik.exceptions import NotConverged
from dnnlik.surrogate.checkpoint import Checkpoint
from dnnlik.surrogate.data import Points, TrainingData
from dnnlik.surrogate.description import Network
from dnnlik.surrogate.network import build_network, network_arrays
from dnnlik.surrogate.objective import VALUE_ERROR, trainer
from dnnlik.surrogate.optimizers import optimizer
from dnnlik.surrogate.schedule import Plateau
from dnnlik.surrogate.settings import TrainingSettings
from dnnlik.typing import Progress, no_progress

__all__ = ["History", "train_network"]

History = tuple[dict[str, float], ...]

_BLOCK = 8192  # validation points predicted at once


def train_network(
    data: TrainingData,
    settings: TrainingSettings,
    *,
    identity: dict[str, Any],
    checkpoint: Path | None = None,
    progress: Progress = no_progress,
) -> tuple[Network, History]:
    """Train a network on prepared data: the weights of the best epoch, and a record an epoch.

    Args:
        data: see `dnnlik.surrogate.data`.
        settings: see `TrainingSettings`; ``seed`` is that of this network.
        identity: JSON; a checkpoint is continued if it has the same.
        checkpoint: a file to go on from after a kill; written after every epoch.
        progress: called with (text, epoch, epochs at most).

    Raises:
        NotConverged: the loss is not finite.
    """
    state = Checkpoint.at(checkpoint, identity, Plateau(rate=settings.rate))
    state = _fit(data, settings, state, progress)
    weights, biases = network_arrays(state.best_weights)
    scaling = vars(data.scaling)
    network = Network(weights, biases, activation=settings.activation, bends=data.bends, **scaling)
    return network, tuple(state.history)


class _Batches(keras.utils.PyDataset):
    """Shuffled batches whose order depends on (seed, epoch) alone, so that a restarted
    training sees the same ones."""

    def __init__(
        self, points: Points, targets: np.ndarray, settings: TrainingSettings, epoch: int
    ) -> None:
        super().__init__()
        self._points, self._targets = points, targets
        self._settings, self._epoch = settings, epoch
        self._shuffle()

    def _shuffle(self) -> None:
        rng = np.random.default_rng([self._settings.seed, 2, self._epoch])
        self._order = rng.permutation(len(self._points))

    def __len__(self) -> int:
        return steps_an_epoch(len(self._points), self._settings)

    def __getitem__(self, index: int) -> tuple[Any, Any, Any]:
        size = self._settings.batch_size
        rows = self._order[index * size : (index + 1) * size]
        return self._points.inputs[rows], self._targets[rows], self._points.weights[rows]

    def on_epoch_end(self) -> None:
        self._epoch += 1
        self._shuffle()


def steps_an_epoch(points: int, settings: TrainingSettings) -> int:
    # Only whole batches: a shorter last one would compile the step again.
    return max(1, points // settings.batch_size)


class _AfterEpoch(keras.callbacks.Callback):
    """Schedule, checkpoint, early stop and progress: after every epoch, in this order."""

    def __init__(
        self,
        data: TrainingData,
        settings: TrainingSettings,
        state: Checkpoint,
        progress: Progress,
    ) -> None:
        super().__init__()
        self._data, self._settings, self.state, self._progress = data, settings, state, progress
        self._epochs = settings.epochs(len(data.training))
        self._started = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        reported = logs or {}
        loss = float(reported.get(VALUE_ERROR, reported.get("loss", np.nan)))
        validation = self._validation_loss()
        if not np.isfinite(loss) or not np.isfinite(validation):
            raise NotConverged(
                "the loss of the training is not finite; try a smaller --learning-rate. "
                f"Received: {loss} in epoch {epoch + 1}"
            )
        rate = self.state.schedule.rate
        if self._settings.schedule == "cosine":
            rate = float(self.model.optimizer.learning_rate)
        record = {"epoch": epoch + 1, "loss": loss, "validation_loss": validation}
        record |= {"rate": rate, "seconds": time.monotonic() - self._started}
        improved = validation < self.state.schedule.best
        schedule = self.state.schedule.after(validation, self._settings)
        self.state = self.state.after(schedule, self.model, record, improved=improved)
        self._started = time.monotonic()
        if self._settings.schedule == "plateau":
            self.model.optimizer.learning_rate.assign(schedule.rate)
        # Standardised mean squared error → log-likelihood.
        rms = np.sqrt(schedule.best) * self._data.scaling.output_scale
        self._progress(f"training, best validation rms {rms:.4f}", epoch + 1, self._epochs)
        if schedule.finished(self._settings, self._epochs):
            self.model.stop_training = True

    def _validation_loss(self) -> float:
        points, squares = self._data.validation, []
        for start in range(0, len(points), _BLOCK):
            block = slice(start, start + _BLOCK)
            predicted = self.model.predict_on_batch(points.inputs[block])[:, 0]
            squares.append(np.square(predicted - points.targets[block], dtype=np.float64))
        return float(np.average(np.concatenate(squares), weights=points.weights))


def _fit(
    data: TrainingData, settings: TrainingSettings, state: Checkpoint, progress: Progress
) -> Checkpoint:
    """Run Keras' loop from where the checkpoint is to the end."""
    schedule, points = state.schedule, data.training
    epochs = settings.epochs(len(points))
    if schedule.finished(settings, epochs):
        return state
    network = build_network(
        points.inputs.shape[1],
        settings.layers,
        activation=settings.activation,
        bends=data.scaled_bends,
        seed=settings.seed,
        dtype=settings.precision,
    )
    model, targets = trainer(network, points, settings.gradient_weight, settings.gradient_knee)
    steps = epochs * steps_an_epoch(len(points), settings)
    model.compile(optimizer(settings, steps), loss="mse", jit_compile=True)
    state.restore(model)
    if settings.schedule == "plateau":
        # The stored optimizer is that of the last epoch: the rate may have been cut after it.
        model.optimizer.learning_rate.assign(schedule.rate)
    after = _AfterEpoch(data, settings, state, progress)
    model.fit(
        _Batches(points, targets, settings, schedule.epochs),
        initial_epoch=schedule.epochs,
        epochs=epochs,
        shuffle=False,
        verbose=0,
        callbacks=[after],
    )
    return after.state
