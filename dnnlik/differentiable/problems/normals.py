"""Two normals, one of which may move (SANNT, CMS-MLG-23-005), with its controls."""

from __future__ import annotations

from dnnlik.datasets.normals import YIELDS, normals
from dnnlik.differentiable.events import Events
from dnnlik.differentiable.problem import Problem
from dnnlik.exceptions import InvalidInput

__all__ = ["CONTROLS", "normals_problem"]

_MU = {"name": "mu", "type": "normfactor", "data": None}


CONTROLS = ("normalisation", "low_statistics")


def normals_problem(seed: int = 0, events: int = 100_000, control: str | None = None) -> Problem:
    """50 signal and 1000 background events are expected; the background's mean moves by ± 1 in
    the second feature.

    Args:
        seed: of the events.
        events: of each sample.
        control: ``"normalisation"``: the variation changes the yield of the background by
            ± 5 % and nothing else, so that there is nothing to gain; ``"low_statistics"``: the
            same, with one in a hundred of the events, so that a training finds a shape in their
            fluctuations.
    """
    if control not in (None, *CONTROLS):
        raise InvalidInput(f"controls are {', '.join(CONTROLS)}. Received: {control!r}")
    shape = {"hi_data": "background_up", "lo_data": "background_down"}
    samples = {name: Events(x) for name, x in normals(events, seed=seed).items()}
    yields = dict(YIELDS)
    if control is not None:
        background = samples["background"]
        part = background if control == "normalisation" else background[: max(2, events // 100)]
        samples |= dict.fromkeys(shape.values(), part)
        yields |= {"background_up": 1050.0, "background_down": 950.0}
    return Problem(
        name="normals" if control is None else f"normals, control {control}",
        events=samples,
        yields=yields,
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
