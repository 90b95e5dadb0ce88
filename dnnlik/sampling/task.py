"""One piece of sampling work: a chain of one strategy with rows of its own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Task", "spacing"]


def spacing(thin: int) -> str:
    """How a chain is thinned, to go on in a text.

    >>> [spacing(thin) for thin in (1, 2, 3, 12, 101)]
    ['', ', every 2nd step', ', every 3rd step', ', every 12th step', ', every 101st step']
    """
    if thin == 1:
        return ""
    ending = "th" if thin // 10 % 10 == 1 else {1: "st", 2: "nd", 3: "rd"}.get(thin % 10, "th")
    return f", every {thin}{ending} step"


@dataclass(frozen=True)
class Task:
    """Rows ``first:first+steps*walkers`` of a sample file, one chain.

    Attributes:
        strategy: what its rows follow, a name in `dnnlik.sampling.samples.STRATEGIES`.
        sampler: who fills them, a name in `dnnlik.sampling.samplers.SAMPLERS`.
        chain: number of the chain, unique in the file.
        first: its first row.
        steps: stored steps.
        walkers: walkers, each one row a stored step.
        seed: of the whole file; each chain draws its own stream from it.
        thin: the fewest steps of a sampler of the posterior from one stored step to the next.
    """

    strategy: str
    sampler: str
    chain: int
    first: int
    steps: int
    walkers: int
    seed: int
    thin: int = 1

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
