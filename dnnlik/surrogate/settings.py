"""The settings of a training, and the recipes that have a name."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from dnnlik.exceptions import InvalidInput
from dnnlik.surrogate.description import ACTIVATIONS
from dnnlik.typing import JSON

__all__ = ["CHOICES", "RECIPES", "TrainingSettings", "recipe"]

CHOICES = {
    "activation": ACTIVATIONS,
    "baseline": ("best", "regression", "hessian", "none"),
    "optimizer": ("muon", "adam"),
    "schedule": ("cosine", "plateau"),
    "precision": ("float32", "float64"),
}
"""What the settings that are words may be."""

_RATES = {"muon": 5e-3, "adam": 1e-3}
_WHOLE = ("batch_size", "steps", "max_epochs", "rate_patience", "stop_patience", "members")
_NOT_NEGATIVE = ("peak_weight", "gradient_weight", "gain")


@dataclass(frozen=True)
class TrainingSettings:
    """How a surrogate is trained; the defaults were chosen by measurement
    (`docs/surrogates.md`).

    Attributes:
        layers: units of the hidden layers.
        activation: "silu", smooth; "selu", that of arXiv:1911.03305; "tanh".
        baseline: the quadratic that stands beside closed-form constraints and network.
            "hessian": the expansion of ``log_main`` at the maximum. "regression": the one
            that fits the training points best. "best": of the two the one with the
            smaller error on validation points. "none": the network learns the whole
            log-likelihood, constraints included, as in arXiv:1911.03305.
        standardise: whether inputs are standardised.
        bends: whether normally constrained parameters have a second input that bends as
            HistFactory's interpolations do, see `dnnlik.surrogate.description.Bends`.
        peak_weight: extra weight in the loss of points at the maximum; it falls as
            exp(-Δ/5) with the drop Δ of the log-likelihood. The few points near the
            profile are what t_μ depends on; 0 gives every point the same weight.
        gradient_weight: weight in the loss of the gradient's error, relative to the mean
            square of the gradient; used where the samples have gradients.
        gradient_knee: length of a gradient, over the median one, beyond which its error
            counts relative to it; None: errors count alike everywhere.
        optimizer: "muon", steps of orthogonalised momentum for the hidden layers (as
            `keras.optimizers.Muon`) and of Adam for the rest; "adam".
        learning_rate: at the start; None: 0.005 of muon, 0.001 of adam.
        schedule: "cosine": the rate rises for a hundredth of the steps and falls to zero
            along a cosine. "plateau": it is multiplied by ``rate_factor`` after
            ``rate_patience`` epochs without a gain of ``gain`` (relative) in the validation
            loss, and training stops after ``stop_patience`` such epochs.
        batch_size: points a step.
        steps: steps of the optimizer in all (of a plateau schedule: at most), in whole
            epochs, unless ``max_epochs`` says how many epochs.
        max_epochs: epochs; None for as many as make ``steps``.
        precision: of the training, "float32" or "float64".
        members: networks that are trained, each from other initial weights on another
            draw of the training walkers; the surrogate is their mean.
        draw: the fraction of the training walkers that each of several members sees.
        seed: of the initial weights, of the draws and of the order of the points.

    Raises:
        InvalidInput: a setting that means nothing.
    """

    layers: tuple[int, ...] = (200, 200, 200)
    activation: str = "silu"
    baseline: str = "best"
    standardise: bool = True
    bends: bool = True
    peak_weight: float = 30.0
    gradient_weight: float = 4.0
    gradient_knee: float | None = 0.5
    optimizer: str = "muon"
    learning_rate: float | None = None
    schedule: str = "cosine"
    rate_factor: float = 0.5
    rate_patience: int = 4
    stop_patience: int = 15
    gain: float = 1e-3
    batch_size: int = 1024
    steps: int = 10_000
    max_epochs: int | None = None
    precision: str = "float32"
    members: int = 1
    draw: float = 0.9
    seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", tuple(self.layers))
        for name, known in CHOICES.items():
            if getattr(self, name) not in known:
                raise InvalidInput(
                    f"{name} must be one of {', '.join(known)}. Received: {getattr(self, name)!r}"
                )
        if not self.layers or not all(_is_whole(units) and units > 0 for units in self.layers):
            raise InvalidInput(f"a network needs hidden layers of units. Received: {self.layers}")
        self._check_numbers()

    def _check_numbers(self) -> None:
        for name in _WHOLE:
            value = getattr(self, name)
            if not ((value is None and name == "max_epochs") or (_is_whole(value) and value > 0)):
                raise InvalidInput(f"{name} must be positive, whole. Received: {value}")
        if not (_is_whole(self.seed) and self.seed >= 0):
            raise InvalidInput(f"the seed must not be negative, and whole. Received: {self.seed}")
        for name in _NOT_NEGATIVE:
            if not 0 <= getattr(self, name) < math.inf:
                raise InvalidInput(
                    f"{name} must not be negative, and finite. Received: {getattr(self, name)}"
                )
        if self.gradient_knee is not None and not 0 < self.gradient_knee < math.inf:
            raise InvalidInput(f"gradient_knee is positive. Received: {self.gradient_knee}")
        if not 0 < self.rate < math.inf:
            raise InvalidInput(f"learning_rate must be positive. Received: {self.learning_rate}")
        for name in ("draw", "rate_factor"):
            if not 0 < getattr(self, name) <= 1:
                raise InvalidInput(
                    f"{name} is a fraction above 0, at most 1. Received: {getattr(self, name)}"
                )

    @property
    def rate(self) -> float:
        """The learning rate at the start."""
        return _RATES[self.optimizer] if self.learning_rate is None else self.learning_rate

    def epochs(self, points: int) -> int:
        """How many epochs (at most) a training on so many points has.

        >>> TrainingSettings(steps=1000, batch_size=100).epochs(5000)
        20
        """
        if self.max_epochs is not None:
            return self.max_epochs
        return max(1, round(self.steps / max(1, points // self.batch_size)))

    def to_json(self) -> JSON:
        """A JSON object of all settings."""
        return {**asdict(self), "layers": list(self.layers)}


def _is_whole(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


RECIPES = {
    "default": TrainingSettings(),
    # arXiv:1911.03305, section 4.2: log-likelihood and prior are learned as a whole, from
    # values, inputs as they are. The batch is that of 10⁵ points.
    "paper": TrainingSettings(
        layers=(5000, 5000),
        activation="selu",
        baseline="none",
        standardise=False,
        bends=False,
        peak_weight=0.0,
        gradient_weight=0.0,
        optimizer="adam",
        schedule="plateau",
        rate_factor=0.2,
        rate_patience=40,
        stop_patience=48,
        gain=1e-5,
        batch_size=512,
        max_epochs=1000,
        precision="float64",
    ),
}
"""Settings by name. "paper" is that of arXiv:1911.03305: with `strategy="unbiased"` its
networks B, with "mixed" its networks F. Its gain, 1/N, is that of 10⁵ points. It used
batches of 1024 and 2048 for 2 and 5·10⁵ points, half as many points again for each validation
and test, and the best of five."""


def recipe(name: str, **changes: Any) -> TrainingSettings:
    """A recipe with some settings of one's own.

    >>> recipe("paper", layers=(500, 500)).baseline
    'none'

    Raises:
        InvalidInput: no such recipe, or settings that mean nothing.
    """
    if name not in RECIPES:
        raise InvalidInput(f"the recipe must be one of {', '.join(RECIPES)}. Received: {name!r}")
    return replace(RECIPES[name], **changes)
