"""One cut on one feature."""

from __future__ import annotations

from dnnlik.datasets.cut import cut_events
from dnnlik.differentiable.events import Events
from dnnlik.differentiable.problem import Problem

__all__ = ["cut_problem"]

_MU = {"name": "mu", "type": "normfactor", "data": None}


def cut_problem(seed: int = 0, scale: int = 100) -> Problem:
    """One cut on one feature, no uncertainties: 100 signal and 1000 background events are
    expected, ``scale`` times as many simulated."""
    events = cut_events(seed=seed, scale=scale)
    return Problem(
        name="cut",
        events={name: Events(x[:, None]) for name, x in events.items()},
        yields={"signal": 100.0, "background": 1000.0},
        channels=[
            {
                "name": "above",
                "samples": [
                    {"name": "signal", "data": "signal", "modifiers": [_MU]},
                    {"name": "background", "data": "background", "modifiers": []},
                ],
            }
        ],
    )
