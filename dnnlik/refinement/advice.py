"""What to say before a sampling that would take long."""

from __future__ import annotations

import time

import numpy as np

from dnnlik.typing import DifferentiableLogDensity, LogDensity, Points

__all__ = ["LONG", "advice", "expected_calls", "seconds_a_call"]

LONG = 600.0
"""Seconds from which on a sampling is worth a word."""

_TYPICAL_CALLS = 20_000
_TIMED = 4
_COMPILING = 5.0  # seconds that the first call may take for it


def expected_calls(points: int, sampler: str) -> int:
    """Roughly how often a sampling of so many points calls a likelihood.

    Hamiltonian trajectories have two to five gradients, emcee's chains are thinned and
    warmed up; fits of the profile come on top.
    """
    return {"hamiltonian": 4, "emcee": 3}[sampler] * points


def seconds_a_call(density: LogDensity) -> float:
    """Seconds a point, measured on a few near the start, twice and after one, because a program
    may be compiled for each size; a call that takes longer than any compiling is timed once."""
    p = density.parameters
    moved = p.inits + 1e-3 * p.scales * np.arange(_TIMED)[:, None]
    points = np.clip(moved, p.lower, p.upper)
    first = _timed(density, points[:1])
    return first if first > _COMPILING else min(_timed(density, points) for _ in range(2))


def _timed(density: LogDensity, points: Points) -> float:
    begin = time.perf_counter()
    density.log_likelihood(points)
    return (time.perf_counter() - begin) / len(points)


def is_differentiable(density: LogDensity) -> bool:
    """Whether Hamiltonian Monte Carlo is possible."""
    return isinstance(density, DifferentiableLogDensity)


def advice(
    seconds_a_call: float, differentiable: bool, points: int, *, sampler: str = "emcee"
) -> tuple[str, ...]:
    """Lines for a user whose request would take long; none if it would not.

    >>> advice(1e-5, True, 100_000)
    ()
    >>> for line in advice(0.05, False, 100_000): print(line)
    A call of this likelihood takes 50 ms: 100000 points need about 300000 calls, 4.2 hours.
    With --calls 20000 it is learned from at most so many, chosen as it learns: about 17 minutes, \
and the training. Written in TensorFlow it would be compiled and have gradients.
    """
    calls = expected_calls(points, sampler)
    if not calls * seconds_a_call > LONG:
        return ()
    cost = (
        f"A call of this likelihood takes {_duration(seconds_a_call)}: {points} points need "
        f"about {calls} calls, {_duration(calls * seconds_a_call)}."
    )
    budget = min(_TYPICAL_CALLS, calls // 2)
    remedy = (
        f"With --calls {budget} it is learned from at most so many, chosen as it learns: about "
        f"{_duration(budget * seconds_a_call)}, and the training."
    )
    if not differentiable:
        remedy += " Written in TensorFlow it would be compiled and have gradients."
    elif sampler != "hamiltonian":
        remedy += " It has gradients: --sampler hamiltonian gives more for each call."
    return cost, remedy


def _duration(seconds: float) -> str:
    """In the largest unit of which there is one.

    >>> [_duration(s) for s in (2e-5, 0.05, 3, 300, 7200, 2e5)]
    ['0.02 ms', '50 ms', '3 s', '5 minutes', '2 hours', '2.3 days']
    """
    for size, unit in ((86400, " days"), (3600, " hours"), (60, " minutes"), (1, " s")):
        if seconds >= 1.5 * size or (size == 1 and seconds >= 1):
            return f"{seconds / size:.2g}{unit}"
    return f"{1000 * seconds:.2g} ms"
