"""Two normals, one of which may move (SANNT, CMS-MLG-23-005), with its controls."""

from __future__ import annotations

from dnnlik.datasets.normals import YIELDS, normals
from dnnlik.differentiable.events import Events
from dnnlik.differentiable.problem import Problem

__all__ = ["normals_problem"]

_MU = {"name": "mu", "type": "normfactor", "data": None}


def normals_problem(seed: int = 0, events: int = 100_000) -> Problem:
    """50 signal and 1000 background events are expected; the background's mean moves by ± 1 in
    the second feature."""
    shape = {"hi_data": "background_up", "lo_data": "background_down"}
    return Problem(
        name="normals",
        events={name: Events(x) for name, x in normals(events, seed=seed).items()},
        yields=YIELDS,
        floor=1e-3,
        channels=[
            {
                "name": "normals",
                "samples": [
                    {"name": "signal", "data": "signal", "modifiers": [_MU]},
                    {
                        "name": "background",
                        "data": "background",
                        "modifiers": [{"name": "shape", "type": "histosys", "data": shape}],
                    },
                ],
            }
        ],
    )
