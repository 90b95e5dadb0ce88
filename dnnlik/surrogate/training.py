"""Training a surrogate on samples; restartable after every epoch."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from dnnlik.environment import software_versions
from dnnlik.exceptions import NotConverged
from dnnlik.sampling.samples import Samples
from dnnlik.surrogate.checkpoint import Checkpoint
from dnnlik.surrogate.data import TrainingData, domain_of, quadratic_of, training_data
from dnnlik.surrogate.description import Network, SurrogateDescription
from dnnlik.surrogate.network import build_network, network_arrays
from dnnlik.surrogate.objective import VALUE_ERROR, trainer
from dnnlik.surrogate.schedule import Plateau
from dnnlik.surrogate.settings import TrainingSettings

__all__ = ["train"]

Progress = Callable[[str, int, int], None]


def train(
    samples: Samples,
    settings: TrainingSettings | None = None,
    *,
    checkpoint: str | Path | None = None,
    progress: Progress = lambda text, done, total: None,
) -> SurrogateDescription:
    """Train a network on samples and describe the surrogate.

    Args:
        samples: complete samples (see `dnnlik.sampling`).
        settings: see `TrainingSettings`.
        checkpoint: a file to go on from after a kill; written after every epoch.
        progress: called with (text, epoch, epochs at most).

    Raises:
        NotConverged: the loss is not finite.
    """
    settings = settings or TrainingSettings()
    quadratic = quadratic_of(samples) if settings.baseline == "quadratic" else None
    data = training_data(samples, quadratic, peak_weight=settings.peak_weight)
    start = Plateau(rate=settings.learning_rate)
    state = Checkpoint.at(checkpoint, _identity(samples, settings), start)
    state = _fit(data, settings, state, progress)
    weights, biases = network_arrays(state.best_weights)
    network = Network(
        weights=weights,
        biases=biases,
        input_mean=data.input_mean,
        input_scale=data.input_scale,
        output_mean=data.output_mean,
        output_scale=data.output_scale,
    )
    return SurrogateDescription(
        parameters=samples.parameters,
        adds_constraint=quadratic is not None,
        quadratic=quadratic,
        network=network,
        domain=domain_of(samples),
        settings=settings.to_json(),
        provenance={
            "samples": {
                **samples.provenance,
                "digest": samples.digest,
                "diagnostics": samples.diagnostics,
            },
            "points": {"training": len(data.inputs), "validation": len(data.validation_inputs)},
            "software": software_versions(),
        },
        history=tuple(state.history),
    )


def _identity(samples: Samples, settings: TrainingSettings) -> dict[str, Any]:
    return {"samples": samples.digest, "settings": settings.to_json()}


class _Batches(keras.utils.PyDataset):
    """Shuffled batches whose order depends on (seed, epoch) alone, so that a restarted
    training sees the same ones."""

    def __init__(
        self, data: TrainingData, targets: np.ndarray, settings: TrainingSettings, epoch: int
    ) -> None:
        super().__init__()
        self._data, self._targets = data, targets
        self._settings, self._epoch = settings, epoch
        self._shuffle()

    def _shuffle(self) -> None:
        rng = np.random.default_rng([self._settings.seed, 2, self._epoch])
        self._order = rng.permutation(len(self._data.inputs))

    def __len__(self) -> int:
        # Only whole batches: a shorter last one would compile the step again.
        return max(1, len(self._order) // self._settings.batch_size)

    def __getitem__(self, index: int) -> tuple[Any, Any, Any]:
        size = self._settings.batch_size
        rows = self._order[index * size : (index + 1) * size]
        return self._data.inputs[rows], self._targets[rows], self._data.weights[rows]

    def on_epoch_end(self) -> None:
        self._epoch += 1
        self._shuffle()


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
        schedule = self.state.schedule
        record = {"epoch": epoch + 1, "loss": loss, "validation_loss": validation}
        record |= {"rate": schedule.rate, "seconds": time.monotonic() - self._started}
        improved = validation < schedule.best
        self.state = self.state.after(
            schedule.after(validation, self._settings), self.model, record, improved=improved
        )
        self._started = time.monotonic()
        self.model.optimizer.learning_rate.assign(self.state.schedule.rate)
        # Standardised mean squared error → log-likelihood.
        rms = np.sqrt(self.state.schedule.best) * self._data.output_scale
        self._progress(
            f"training, best validation rms {rms:.4f}", epoch + 1, self._settings.max_epochs
        )
        if self.state.schedule.finished(self._settings):
            self.model.stop_training = True

    def _validation_loss(self) -> float:
        predicted = self.model.predict_on_batch(self._data.validation_inputs)[:, 0]
        square = (predicted - self._data.validation_targets) ** 2
        return float(np.average(square, weights=self._data.validation_weights))


def _fit(
    data: TrainingData, settings: TrainingSettings, state: Checkpoint, progress: Progress
) -> Checkpoint:
    """Run Keras' loop from where the checkpoint is to the end."""
    schedule = state.schedule
    if schedule.finished(settings):
        return state
    network = build_network(data.inputs.shape[1], settings.layers, seed=settings.seed)
    model, targets = trainer(network, data, settings.gradient_weight)
    model.compile(keras.optimizers.Adam(schedule.rate), loss="mse", jit_compile=True)
    state.restore(model)
    # The stored optimizer is that of the last epoch: the rate may have been cut after it.
    model.optimizer.learning_rate.assign(schedule.rate)
    after = _AfterEpoch(data, settings, state, progress)
    model.fit(
        _Batches(data, targets, settings, schedule.epochs),
        initial_epoch=schedule.epochs,
        epochs=settings.max_epochs,
        shuffle=False,
        verbose=0,
        callbacks=[after],
    )
    return after.state
