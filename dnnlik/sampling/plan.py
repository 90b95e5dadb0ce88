"""Which chains make up a sample."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from dnnlik.exceptions import InvalidInput
from dnnlik.sampling.samplers import POSTERIOR_SAMPLERS, SAMPLERS, Sampler
from dnnlik.sampling.task import Task

__all__ = ["KINDS", "STRATEGY_MIXES", "mix_of", "plan"]

KINDS = ("unbiased", "profiled", "tempered", "boundary")
"""The kinds of rows that can be asked for, in the order in which they are made."""

STRATEGY_MIXES: dict[str, dict[str, float]] = {
    "unbiased": {"unbiased": 1.0},
    "wide": {"unbiased": 0.6, "profiled": 0.2, "tempered": 0.15, "boundary": 0.05},
    "mixed": {"unbiased": 0.7, "profiled": 0.3},
    "profiled": {"profiled": 1.0},
}
"""The shares of the strategies that have a name.
"mixed" is sample S3 of arXiv:1911.03305. "wide" also has points where neither the posterior nor
its profiles go: a network that never saw them may rise there (`docs/surrogates.md`)."""


def mix_of(strategy: str | Mapping[str, float]) -> dict[str, float]:
    """The share of each kind of rows: of a name, or of shares that add up to 1.

    Raises:
        InvalidInput: an unknown name or kind, a share that is not positive, another sum.

    >>> mix_of("mixed")
    {'unbiased': 0.7, 'profiled': 0.3}
    >>> mix_of({"tempered": 0.25, "unbiased": 0.75})
    {'unbiased': 0.75, 'tempered': 0.25}
    """
    if isinstance(strategy, str):
        if strategy not in STRATEGY_MIXES:
            raise InvalidInput(
                f"the strategy must be one of {', '.join(STRATEGY_MIXES)}. Received: {strategy!r}"
            )
        return dict(STRATEGY_MIXES[strategy])
    unknown = [kind for kind in strategy if kind not in KINDS]
    if unknown:
        raise InvalidInput(
            f"the kinds of rows of a mix are {', '.join(KINDS)}. Received: {unknown[0]!r}"
        )
    shares = [float(share) for share in strategy.values()]
    if not all(share > 0 for share in shares) or abs(sum(shares) - 1) > 1e-6:
        raise InvalidInput(
            f"the shares of a mix must be positive and add up to 1. Received: {dict(strategy)}"
        )
    return {kind: float(strategy[kind]) for kind in KINDS if kind in strategy}


def plan(
    width: int,
    *,
    strategy: str | Mapping[str, float],
    points: int,
    seed: int,
    sampler: str = "emcee",
    thin: int = 1,
) -> list[Task]:
    """The chains of a sample: those of the posterior first, then one of each other kind.

    >>> [(t.strategy, t.steps, t.walkers) for t in plan(3, strategy="mixed", points=10_000, seed=0)]
    [('unbiased', 54, 64), ('unbiased', 54, 64), ('profiled', 93, 32)]
    """
    mix = mix_of(strategy)
    _check(width, mix, strategy=strategy, points=points, seed=seed, sampler=sampler)
    if thin < 1:
        raise InvalidInput(f"thin counts steps, at least 1. Received: {thin}")
    tasks: list[Task] = []
    for kind, name, chains, share in _parts(mix, sampler):
        # 0.7 times a number may be a little less than a whole one.
        rows = (share * points + 1e-6) / chains
        walkers = SAMPLERS[name].walkers(width, rows)
        for _ in range(chains):
            first = sum(task.rows for task in tasks)
            steps = int(rows) // walkers
            tasks.append(Task(kind, name, len(tasks), first, steps, walkers, seed, thin))
    return tasks


def _parts(mix: Mapping[str, float], sampler: str) -> Iterator[tuple[str, str, int, float]]:
    """Kind, name of its sampler, number of chains and share."""
    for kind, share in mix.items():
        name = sampler if kind in ("unbiased", "tempered") else kind
        # Nobody asks whether tempered chains agree.
        yield kind, name, SAMPLERS[name].chains if kind == "unbiased" else 1, share


def _check(
    width: int,
    mix: Mapping[str, float],
    *,
    strategy: str | Mapping[str, float],
    points: int,
    seed: int,
    sampler: str,
) -> None:
    if sampler not in POSTERIOR_SAMPLERS:
        raise InvalidInput(
            f"the sampler must be one of {', '.join(POSTERIOR_SAMPLERS)}. Received: {sampler!r}"
        )
    if seed < 0:
        raise InvalidInput(f"the seed must not be negative. Received: {seed}")
    fewest = max(
        math.ceil(_fewest_rows(width, SAMPLERS[name], chains) / share)
        for _, name, chains, share in _parts(mix, sampler)
    )
    if points < fewest:
        raise InvalidInput(
            f"{width} parameters need at least {fewest} points with strategy {strategy!r}. "
            f"Received: {points}"
        )


def _fewest_rows(width: int, sampler: Sampler, chains: int) -> int:
    """The fewest walkers and stored steps of every chain."""
    return chains * sampler.fewest_steps * sampler.walkers(width, 0)
