"""Which chains make up a sample."""

from __future__ import annotations

import math

from dnnlik.exceptions import InvalidInput
from dnnlik.sampling.samplers import POSTERIOR_SAMPLERS, SAMPLERS, Sampler
from dnnlik.sampling.task import Task

__all__ = ["STRATEGY_FRACTIONS", "plan"]

STRATEGY_FRACTIONS = {"unbiased": 1.0, "mixed": 0.7, "profiled": 0.0}
"""The unbiased fraction of each strategy; the rest starts from the profile.
70 % and 30 % are those of sample S3 of arXiv:1911.03305."""

_FEWEST_PROFILED = 1000


def plan(
    width: int, *, strategy: str, points: int, seed: int, sampler: str = "emcee"
) -> list[Task]:
    """The chains of a sample: those of the posterior first, then one of the profile.

    >>> [(t.strategy, t.steps, t.walkers) for t in plan(3, strategy="mixed", points=10_000, seed=0)]
    [('unbiased', 54, 64), ('unbiased', 54, 64), ('profiled', 93, 32)]
    """
    _check(width, strategy=strategy, points=points, seed=seed, sampler=sampler)
    tasks: list[Task] = []
    unbiased = STRATEGY_FRACTIONS[strategy] * points
    for name, share in ((sampler, unbiased), ("profiled", points - unbiased)):
        chosen = SAMPLERS[name]
        rows = share / chosen.chains
        walkers = chosen.walkers(width, rows)
        for _ in range(chosen.chains if share else 0):
            first = sum(task.rows for task in tasks)
            steps = int(rows) // walkers
            tasks.append(Task(chosen.follows, name, len(tasks), first, steps, walkers, seed))
    return tasks


def _check(width: int, *, strategy: str, points: int, seed: int, sampler: str) -> None:
    if strategy not in STRATEGY_FRACTIONS:
        raise InvalidInput(
            f"the strategy must be one of {', '.join(STRATEGY_FRACTIONS)}. Received: {strategy!r}"
        )
    if sampler not in POSTERIOR_SAMPLERS:
        raise InvalidInput(
            f"the sampler must be one of {', '.join(POSTERIOR_SAMPLERS)}. Received: {sampler!r}"
        )
    if seed < 0:
        raise InvalidInput(f"the seed must not be negative. Received: {seed}")
    fewest = _fewest_points(width, strategy, SAMPLERS[sampler])
    if points < fewest:
        raise InvalidInput(
            f"{width} parameters need at least {fewest} points with strategy {strategy!r}. "
            f"Received: {points}"
        )


def _fewest_points(width: int, strategy: str, sampler: Sampler) -> int:
    """The fewest walkers and stored steps of every chain."""
    fraction = STRATEGY_FRACTIONS[strategy]
    needed = sampler.chains * sampler.fewest_steps * sampler.walkers(width, 0)
    return math.ceil(needed / fraction) if fraction else _FEWEST_PROFILED
