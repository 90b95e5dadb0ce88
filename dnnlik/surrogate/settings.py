"""The settings of a training."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from dnnlik.exceptions import InvalidInput
from dnnlik.typing import JSON

__all__ = ["BASELINES", "TrainingSettings"]

BASELINES = ("quadratic", "none")


@dataclass(frozen=True)
class TrainingSettings:
    """How a surrogate is trained; the defaults are the result of `docs/decisions.md`.

    Attributes:
        layers: units of the hidden layers (SELU, lecun_normal).
        baseline: "quadratic": closed-form constraints, plus the expansion of
            ``log_main`` at the maximum, plus the network on the rest. "none": the
            network learns the whole log-likelihood, as in arXiv:1911.03305.
        peak_weight: extra weight in the loss of points at the maximum; it falls as
            exp(-Δ/5) with the drop Δ of the log-likelihood. The few points near the
            profile are what t_μ depends on; 0 gives every point the same weight.
        gradient_weight: weight in the loss of the gradient's error, relative to the mean
            square of the gradient; used where the samples have gradients.
        batch_size: points a gradient step.
        learning_rate: of Adam, at the start.
        rate_factor, rate_patience: the rate is multiplied by the factor after this
            many epochs without a gain of ``gain`` (relative) in the validation loss.
        stop_patience: training stops after this many epochs without gain.
        max_epochs: and in any case after this many.
        seed: of the initial weights and of the order of the points.
    """

    layers: tuple[int, ...] = (200, 200, 200)
    baseline: str = "quadratic"
    peak_weight: float = 50.0
    gradient_weight: float = 4.0
    batch_size: int = 256
    learning_rate: float = 1e-3
    rate_factor: float = 0.5
    rate_patience: int = 4
    stop_patience: int = 15
    gain: float = 1e-3
    max_epochs: int = 80
    seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", tuple(int(units) for units in self.layers))
        if self.baseline not in BASELINES:
            raise InvalidInput(
                f"the baseline must be one of {', '.join(BASELINES)}. Received: {self.baseline!r}"
            )
        if not self.layers or min(self.layers) < 1:
            raise InvalidInput(f"a network needs hidden layers of units. Received: {self.layers}")
        if not self.peak_weight >= 0:
            raise InvalidInput(f"peak_weight must not be negative. Received: {self.peak_weight}")
        if not self.gradient_weight >= 0:
            raise InvalidInput(
                f"gradient_weight must not be negative. Received: {self.gradient_weight}"
            )
        if self.seed < 0:
            raise InvalidInput(f"the seed must not be negative. Received: {self.seed}")
        positive = ("batch_size", "learning_rate", "rate_patience", "stop_patience", "max_epochs")
        for name in positive:
            if not getattr(self, name) > 0:
                raise InvalidInput(f"{name} must be positive. Received: {getattr(self, name)}")

    def to_json(self) -> JSON:
        """A JSON object of all settings."""
        return {**asdict(self), "layers": list(self.layers)}
