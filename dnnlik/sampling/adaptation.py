"""Choosing the step of a sampler while it warms up."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["DualAveraging"]


@dataclass
class DualAveraging:
    r"""The logarithm of a step, driven to a wanted acceptance (arXiv:1111.4246, eq. 6).

    After t updates with acceptances :math:`\alpha_i` the step to try is
    :math:`\ln\epsilon=\mu+\frac{\sqrt t}{\gamma(t+t_0)}\sum_i(\alpha_i-\delta)`, and the
    one to keep its average with weights :math:`t^{-\kappa}`. Here μ is the first step: it
    comes from a formula or from an earlier round, and needs no large first guess. Steps
    stay at or below ``largest``.

    >>> step = DualAveraging(1.0, wanted=0.8)
    >>> for _ in range(300):
    ...     step.update(math.exp(-step.tried))    # 0.8 is reached at -ln 0.8
    >>> round(step.kept, 1)
    0.2
    """

    first: float
    wanted: float
    largest: float = math.inf
    gamma: float = 0.05
    delay: float = 10.0
    kappa: float = 0.75
    updates: int = 0
    surplus: float = 0.0
    log_kept: float = 0.0
    frozen: bool = False

    @property
    def tried(self) -> float:
        """The step for the next trajectories."""
        if self.frozen:
            return self.kept
        t = self.updates
        shift = math.sqrt(t) / (self.gamma * (t + self.delay)) * self.surplus
        return min(self.first * math.exp(min(max(shift, -50.0), 50.0)), self.largest)

    @property
    def kept(self) -> float:
        """The step to go on with; the first one before any update."""
        return math.exp(self.log_kept) if self.updates else self.first

    def freeze(self) -> None:
        """Try what is kept from now on."""
        self.frozen = True

    def update(self, acceptance: float) -> None:
        """Learn from the mean acceptance of the trajectories with the tried step."""
        self.updates += 1
        self.surplus += acceptance - self.wanted
        weight = self.updates**-self.kappa
        self.log_kept = weight * math.log(self.tried) + (1 - weight) * self.log_kept
