"""Timing of things in turn, so that a machine that slows down slows all of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from statistics import median

__all__ = ["in_turn"]


def in_turn(
    functions: Mapping[str, Callable[[], object]], *, rounds: int = 7, seconds: float = 0.1
) -> dict[str, list[float]]:
    """Seconds a call of each function, one entry a round; all in turn in every round.

    Each is called once first (compilation), then as often as fits into ``seconds``.
    """
    calls = {}
    for name, function in functions.items():
        function()
        start = time.perf_counter()
        function()
        calls[name] = max(1, int(seconds / max(time.perf_counter() - start, 1e-7)))
    times: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            start = time.perf_counter()
            for _ in range(calls[name]):
                function()
            times[name].append((time.perf_counter() - start) / calls[name])
    return times


def ratio(times: Mapping[str, list[float]], slow: str, fast: str) -> float:
    """Median over the rounds of the ratio within a round."""
    return median(a / b for a, b in zip(times[slow], times[fast], strict=True))
