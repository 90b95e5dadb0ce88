"""Two signals, two parameters of interest: a problem of three classes (SANNT, CMS-MLG-23-005)."""

from __future__ import annotations

from typing import Any

from dnnlik.datasets.two_signals import CLASSES, YIELDS, two_signals
from dnnlik.differentiable.events import Events
from dnnlik.differentiable.problem import Problem

__all__ = ["two_signals_problem"]


def two_signals_problem(seed: int = 0, events: int = 50_000) -> Problem:
    """50 events of each signal and 1000 of the background are expected; ``mu_left`` and
    ``mu_right`` scale the signals, the background and the right signal move sideways."""
    return Problem(
        name="two signals",
        events={name: Events(x) for name, x in two_signals(events, seed=seed).items()},
        yields=YIELDS,
        poi=("mu_left", "mu_right"),
        floor=1e-3,
        channels=[{"name": "two_signals", "samples": [_sample(name) for name in CLASSES]}],
    )


def _sample(name: str) -> dict[str, Any]:
    modifiers: list[dict[str, Any]] = []
    if name != "background":
        modifiers.append({"name": f"mu_{name}", "type": "normfactor", "data": None})
    if f"{name}_up" in YIELDS:
        shape = {"hi_data": f"{name}_up", "lo_data": f"{name}_down"}
        modifiers.append({"name": f"{name}_shape", "type": "histosys", "data": shape})
    return {"name": name, "data": name, "modifiers": modifiers}
