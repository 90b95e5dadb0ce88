"""One piece of sampling work: a chain of one strategy with rows of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

__all__ = ["Progress", "Task", "no_progress"]

Progress = Callable[[str, int, int], None]
"""Called with (what is done, steps so far, steps in all)."""


def no_progress(text: str, done: int, total: int) -> None:
    """Report nothing."""


@dataclass(frozen=True)
class Task:
    """Rows ``first:first+steps*walkers`` of a sample file, one chain.

    Attributes:
        strategy: "unbiased" or "profiled".
        chain: number of the chain, unique in the file.
        first: its first row.
        steps: stored steps.
        walkers: walkers, each one row a stored step.
        seed: of the whole file; each chain draws its own stream from it.
    """

    strategy: str
    chain: int
    first: int
    steps: int
    walkers: int
    seed: int

    @property
    def rows(self) -> int:
        return self.steps * self.walkers

    def rng(self, *use: int) -> np.random.Generator:
        """A generator for one use of this chain."""
        return np.random.default_rng([self.seed, self.chain, *use])

    def legacy_rng_state(self) -> tuple[object, ...]:
        """A state for emcee, which takes NumPy's legacy generator."""
        seed = int(self.rng(0).integers(2**32))
        state = np.random.RandomState(seed).get_state(legacy=True)
        return tuple(state)
