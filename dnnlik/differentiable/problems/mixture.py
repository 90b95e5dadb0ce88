"""The mixture of INFERNO (arXiv:1806.04743, section 5.1) with one of its five benchmarks."""

from __future__ import annotations

from typing import Any

from dnnlik.datasets.mixture import BENCHMARKS, RATE, YIELDS, Benchmark, mixture
from dnnlik.differentiable.events import Events
from dnnlik.differentiable.problem import Problem
from dnnlik.differentiable.transforms import Scale, Shift, Transform, variation
from dnnlik.exceptions import InvalidInput

__all__ = ["mixture_problem"]

_MU = {"name": "mu", "type": "normfactor", "data": None}
_STEPS = {"shift": 0.2, "rate": 0.5}
# An exponential of rate λ is one of rate 3 times 3/λ.
_EFFECTS: dict[str, tuple[Transform, dict[str, float]]] = {
    "shift": (Shift(0), {"up": _STEPS["shift"], "down": -_STEPS["shift"]}),
    "rate": (
        Scale(2),
        {"up": RATE / (RATE + _STEPS["rate"]), "down": RATE / (RATE - _STEPS["rate"])},
    ),
}


def mixture_problem(seed: int = 0, benchmark: int = 2, events: int = 100_000) -> Problem:
    """Signal and background of ``YIELDS``, and what floats in the benchmark.

    The paper's uncertainty of the signal yield is 50 times σ_μ. Variations are those of its
    Table 1: r by ± 0.2, λ by ± 0.5, background events moved. Only their slopes matter to the
    information: inside ± 1 the templates are interpolated by code 4p instead of a parabola.

    Args:
        seed: of the events.
        benchmark: 0 to 4, see `dnnlik.datasets.mixture.BENCHMARKS`.
        events: of signal, and of background.
    """
    if benchmark not in range(len(BENCHMARKS)):
        raise InvalidInput(
            f"the mixture has benchmarks 0 to {len(BENCHMARKS) - 1}. Received: {benchmark}"
        )
    floats = BENCHMARKS[benchmark]
    samples = {name: Events(x) for name, x in mixture(events, seed=seed).items()}
    varied, modifiers, widths = _varied(samples["background"], floats)
    parameters: list[dict[str, Any]] = [{"name": "mu", "bounds": [[-10.0, 10.0]]}]
    if floats.background > 0:
        relative = floats.background / YIELDS["background"]
        modifiers.append({"name": "lumi", "type": "lumi", "data": None})
        parameters.append(
            {"name": "lumi", "auxdata": [1.0], "sigmas": [relative], "inits": [1.0],
             "bounds": [[0.0, 2.0]]}
        )  # fmt: skip
    return Problem(
        name=f"mixture, benchmark {benchmark}",
        events=samples | varied,
        yields={**YIELDS, **dict.fromkeys(varied, YIELDS["background"])},
        widths=widths,
        parameters=parameters,
        floor=1e-6,
        channels=[
            {
                "name": "mixture",
                "samples": [
                    {"name": "signal", "data": "signal", "modifiers": [_MU]},
                    {"name": "background", "data": "background", "modifiers": modifiers},
                ],
            }
        ],
    )


def _varied(
    background: Events, floats: Benchmark
) -> tuple[dict[str, Events], list[dict[str, Any]], dict[str, float]]:
    """What floats of the background's shape: samples, modifiers, and the widths of parameters."""
    samples: dict[str, Events] = {}
    modifiers: list[dict[str, Any]] = []
    widths: dict[str, float] = {}
    for name, width in (("shift", floats.shift), ("rate", floats.rate)):
        if width > 0:
            transform, values = _EFFECTS[name]
            up, down = variation(background, transform, **values)
            samples |= {f"{name}_up": up, f"{name}_down": down}
            data = {"hi_data": f"{name}_up", "lo_data": f"{name}_down"}
            modifiers.append({"name": name, "type": "histosys", "data": data})
            widths[name] = width / _STEPS[name]
    return samples, modifiers, widths
