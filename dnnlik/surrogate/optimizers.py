"""Optimizers and their rates: Keras' own, put together for small dense networks."""

from __future__ import annotations

import keras

from dnnlik.surrogate.network import OUTPUT
from dnnlik.surrogate.settings import TrainingSettings

__all__ = ["optimizer"]

_ADAM_RATIO = 0.2  # Adam's rate over Muon's: 0.001 over 0.005
_WARM_UP = 0.01  # of all steps
_LAST = 1e-3  # of the rate, at the end


def optimizer(settings: TrainingSettings, steps: int) -> keras.Optimizer:
    """The optimizer of the settings, with its rate over a training of so many steps.

    Muon orthogonalises the momentum of each matrix of hidden layers: every direction moves
    equally far, also those of small gradients. Output and biases are left to Adam. No
    weight decay: the target is noiseless.

    The rate of a cosine schedule is a function of the step; that of a plateau schedule is a
    number that whoever watches the validation loss assigns.
    """
    rate = _cosine(settings.rate, steps) if settings.schedule == "cosine" else settings.rate
    if settings.optimizer == "adam":
        return keras.optimizers.Adam(rate)
    return keras.optimizers.Muon(
        rate,
        exclude_layers=[OUTPUT],
        adam_lr_ratio=_ADAM_RATIO,
        weight_decay=None,
        adam_weight_decay=None,
    )


def _cosine(rate: float, steps: int) -> keras.optimizers.schedules.LearningRateSchedule:
    warm = max(1, round(_WARM_UP * steps))
    return keras.optimizers.schedules.CosineDecay(
        0.01 * rate, max(1, steps - warm), alpha=_LAST, warmup_target=rate, warmup_steps=warm
    )
