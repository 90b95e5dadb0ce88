"""How a training stands, as plain state, so that a restart keeps it: the best loss, and the
rate and the early stopping of a plateau schedule."""

from __future__ import annotations

from dataclasses import dataclass, replace

from dnnlik.surrogate.settings import TrainingSettings

__all__ = ["Plateau"]


@dataclass(frozen=True)
class Plateau:
    """Where the schedule stands after some epochs.

    Attributes:
        rate: the learning rate of the next epoch, of a plateau schedule.
        best: lowest validation loss so far.
        reference: the loss that the next gain is measured from.
        waited: epochs since the last gain.
        since_cut: epochs since the last gain or cut of the rate.
        epochs: epochs done.
    """

    rate: float
    best: float = float("inf")
    reference: float = float("inf")
    waited: int = 0
    since_cut: int = 0
    epochs: int = 0

    def after(self, loss: float, settings: TrainingSettings) -> Plateau:
        """The state after one more epoch with this validation loss.

        >>> settings = TrainingSettings(schedule="plateau", rate_patience=1, rate_factor=0.5)
        >>> first = Plateau(rate=1.0).after(2.0, settings)
        >>> first.after(2.0, settings).rate
        0.5
        """
        gained = loss < self.reference * (1 - settings.gain)
        waited = 0 if gained else self.waited + 1
        since_cut = 0 if gained else self.since_cut + 1
        cut = settings.schedule == "plateau" and since_cut >= settings.rate_patience
        return replace(
            self,
            rate=self.rate * settings.rate_factor if cut else self.rate,
            best=min(self.best, loss),
            reference=loss if gained else self.reference,
            waited=waited,
            since_cut=0 if cut else since_cut,
            epochs=self.epochs + 1,
        )

    def finished(self, settings: TrainingSettings, epochs: int) -> bool:
        """Whether to stop: all epochs done, or (of a plateau schedule) too long without
        gain. A cosine ends when its rate is zero: what is best comes last."""
        impatient = settings.schedule == "plateau" and self.waited >= settings.stop_patience
        return impatient or self.epochs >= epochs
