"""What a refinement does by default: all of its numbers."""

from __future__ import annotations

from dataclasses import dataclass

from dnnlik.exceptions import InvalidInput
from dnnlik.surrogate.settings import TrainingSettings

__all__ = ["RefinementSettings", "small_data_settings"]


@dataclass(frozen=True)
class RefinementSettings:
    """How the calls are shared out; `docs/decisions.md` says which of the defaults
    were measured and which are first guesses.

    Attributes:
        rounds: how often points are chosen by what was learned so far.
        first: share of the calls (without maximum and test) that the first round has,
            which knows the curvature at the maximum alone.
        power: points are drawn in proportion to the surrogate's uncertainty to this power; 0
            takes them as its posterior gives them.
        held_out: share of all calls for draws that are never trained on.
        candidates: how many points there are to choose one from.
        scan_points: values of each parameter of interest at which t is checked.
    """

    rounds: int = 3
    first: float = 0.4
    power: float = 1.0
    held_out: float = 0.1
    candidates: int = 5
    scan_points: int = 7

    def __post_init__(self) -> None:
        for name in ("rounds", "candidates", "scan_points"):
            if not getattr(self, name) >= 1:
                raise InvalidInput(f"{name} must be at least 1. Received: {getattr(self, name)}")
        for name in ("first", "held_out"):
            if not 0 < getattr(self, name) < 1:
                raise InvalidInput(
                    f"{name} must be between 0 and 1. Received: {getattr(self, name)}"
                )
        if not self.power >= 0:
            raise InvalidInput(f"power must not be negative. Received: {self.power}")


def small_data_settings(calls: int, *, members: int = 2, seed: int = 0) -> TrainingSettings:
    """Training settings for some hundred to some ten thousand points.

    The batches are smaller, so that an epoch has some steps. The baseline is the expansion
    at the maximum: validation points of a refinement are not draws of the posterior, and
    the quadratic that fits them better is worse there (`docs/decisions.md`).

    >>> small_data_settings(10_000).batch_size
    128
    """
    return TrainingSettings(
        layers=(128, 128, 128),
        baseline="hessian",
        batch_size=128 if calls < 20_000 else 512,
        steps=4000,
        members=members,
        seed=seed,
    )
