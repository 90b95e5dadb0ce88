"""The Gaussian blobs of neos (arXiv:2203.05570)."""

from __future__ import annotations

from dnnlik.datasets.blobs import YIELDS, blobs
from dnnlik.differentiable.events import Events
from dnnlik.differentiable.problem import Problem

__all__ = ["blobs_problem"]

_MU = {"name": "mu", "type": "normfactor", "data": None}


def blobs_problem(seed: int = 0, events: int = 10_000) -> Problem:
    """The Gaussian blobs of neos (arXiv:2203.05570): one channel, one variation."""
    shape = {"hi_data": "background_up", "lo_data": "background_down"}
    return Problem(
        name="blobs",
        events={name: Events(x) for name, x in blobs(events, seed=seed).items()},
        yields=YIELDS,
        floor=1e-3,
        channels=[
            {
                "name": "blobs",
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
