"""A search for a resonance: five processes, a control region, twelve systematics."""

from __future__ import annotations

from typing import Any

from dnnlik.datasets.resonance_search import VARIED, resonance_search
from dnnlik.differentiable.events import Events
from dnnlik.differentiable.problem import Problem
from dnnlik.typing import JSON

__all__ = ["resonance_problem"]

_RATES = {"wjets": (1.25, 0.85), "single_top": (1.1, 0.9), "multijet": (1.5, 0.5)}
_CONTROL = {"ttbar": 4800.0, "wjets": 300.0, "single_top": 400.0}
_CONTROL_VARIED = {"jes": (1.03, 0.97), "btag": (1.06, 0.94)}
_PARAMETERS = [
    {"name": "mu", "inits": [1.0], "bounds": [[0.0, 10.0]]},
    {"name": "k_ttbar", "inits": [1.0], "bounds": [[0.2, 3.0]]},
    {
        "name": "lumi",
        "auxdata": [1.0],
        "sigmas": [0.017],
        "inits": [1.0],
        "bounds": [[0.9, 1.1]],
    },
]


def resonance_problem(seed: int = 0, events: int = 20_000) -> Problem:
    """The search of `dnnlik.datasets.resonance_search`: the signal region is made of events, and a
    control region of numbers, which mostly has ttbar and measures its rate.

    Twelve parameters are constrained: five variations of all processes but multijet (``jes``,
    ``jer``, ``soft``, ``btag``, ``pileup``), ``mistag`` of ttbar and wjets, ``scale`` of wjets and
    ``generator`` of ttbar (one-sided: down is nominal), the rates of three backgrounds, of which
    that of wjets is asymmetric, and ``lumi``. ``k_ttbar`` is free, and the control region measures
    it. ``mc_stat`` is of each bin, of all backgrounds.

    Args:
        seed: of the events.
        events: simulated events of a process, of multijet a twenty-fifth.
    """
    samples = resonance_search(events, seed=seed)
    return Problem(
        name="resonance",
        events={name: Events(rows, weights) for name, (rows, weights) in samples.items()},
        parameters=_PARAMETERS,
        floor=0.01,
        channels=[
            {"name": "signal_region", "samples": [_sample(process) for process in VARIED]},
            {"name": "control_region", "samples": [_control(process) for process in _CONTROL]},
        ],
    )


def _sample(process: str) -> JSON:
    """A process in the signal region: its events, and all that moves them."""
    found = [_histosys(process, name) for name in VARIED[process]]
    if process == "ttbar":
        data = {"hi_data": "ttbar/generator_up", "lo_data": "ttbar"}
        found.append({"name": "generator", "type": "histosys", "data": data})
    if process != "signal":
        found.append({"name": "mc_stat", "type": "staterror", "data": process})
    return {"name": process, "data": process, "modifiers": [*found, *_rates(process)]}


def _control(process: str) -> JSON:
    """A process in the control region, one bin of numbers."""
    varied = [_normsys(name, *step) for name, step in _CONTROL_VARIED.items()]
    modifiers = [*varied, *_rates(process)]
    return {"name": process, "data": [_CONTROL[process]], "modifiers": modifiers}


def _rates(process: str) -> list[JSON]:
    """What scales a process as a whole, in every region."""
    found: list[dict[str, Any]] = []
    if process in ("signal", "ttbar"):
        name = "mu" if process == "signal" else "k_ttbar"
        found.append({"name": name, "type": "normfactor", "data": None})
    if process in _RATES:
        found.append(_normsys(f"{process}_rate", *_RATES[process]))
    if process != "multijet":
        found.append({"name": "lumi", "type": "lumi", "data": None})
    return found


def _histosys(process: str, name: str) -> JSON:
    data = {"hi_data": f"{process}/{name}_up", "lo_data": f"{process}/{name}_down"}
    return {"name": name, "type": "histosys", "data": data}


def _normsys(name: str, up: float, down: float) -> JSON:
    return {"name": name, "type": "normsys", "data": {"hi": up, "lo": down}}
