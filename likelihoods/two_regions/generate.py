"""Write ``workspace.json``: a counting search in two regions, from one seed.

All numbers are our own. The observed counts are Poisson fluctuations of the
nominal expectation at the signal strength ``TRUE_MU``.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

SEED = 2
TRUE_MU = 1.0

# Expected events a bin: the signal region has 6 bins, the control region 3.
SIGNAL = {"SR": [1.0, 2.2, 3.7, 4.8, 3.9, 2.5], "CR": [0.3, 0.4, 0.3]}
TOP = {"SR": [62.0, 41.0, 26.5, 16.2, 9.4, 5.1], "CR": [310.0, 205.0, 118.0]}
DIBOSON = {"SR": [20.4, 15.8, 12.2, 9.3, 7.1, 5.3], "CR": [22.0, 17.5, 12.0]}
# Statistical uncertainty of the simulation, relative, of top alone in the signal region.
TOP_STATISTICS = {"SR": [0.020, 0.025, 0.031, 0.040, 0.052, 0.070]}
DIBOSON_STATISTICS = {"SR": [0.030, 0.035, 0.040, 0.047, 0.057, 0.068]}
# Relative uncertainty a bin of the diboson estimate in the control region.
DIBOSON_CONTROL = [0.15, 0.18, 0.22]


def workspace(seed: int = SEED) -> dict[str, Any]:
    """The workspace, in the JSON format of pyhf 1.0.0."""
    rng = np.random.default_rng(seed)
    return {
        "channels": [channel("SR"), channel("CR")],
        "observations": [
            {"name": region, "data": rng.poisson(expected(region)).tolist()} for region in SIGNAL
        ],
        "measurements": [measurement()],
        "version": "1.0.0",
    }


def expected(region: str) -> np.ndarray:
    """Nominal events a bin at the true signal strength."""
    signal, top, diboson = (np.array(sample[region]) for sample in (SIGNAL, TOP, DIBOSON))
    return TRUE_MU * signal + top + diboson


def channel(region: str) -> dict[str, Any]:
    return {"name": region, "samples": [signal(region), top(region), diboson(region)]}


def signal(region: str) -> dict[str, Any]:
    """The signal, with luminosity, theory and jet-energy-scale uncertainties."""
    modifiers = [
        factor("mu"),
        factor("lumi", "lumi"),
        normsys("signal_theory", 1.08, 0.93),
        normsys("jet_energy_scale", 1.03, 0.96),
    ]
    return {"name": "signal", "data": SIGNAL[region], "modifiers": modifiers}


def top(region: str) -> dict[str, Any]:
    """Top quarks, their normalisation free and measured in the control region."""
    tilt = np.linspace(-0.03, 0.05, 6) if region == "SR" else np.linspace(-0.02, 0.02, 3)
    modifiers = [
        factor("top_norm"),
        normsys("jet_energy_scale", 1.04, 0.955),
        histosys("jet_energy_resolution", TOP[region], tilt, -0.9 * tilt),
        normsys("b_tagging", 1.025, 0.975),
    ]
    return {
        "name": "top",
        "data": TOP[region],
        "modifiers": modifiers + staterror(region, TOP, TOP_STATISTICS),
    }


def diboson(region: str) -> dict[str, Any]:
    """Dibosons from simulation; in the control region with free errors bin by bin."""
    size = len(DIBOSON[region])
    tilt = np.linspace(0.02, 0.06, size)
    modifiers = [
        factor("lumi", "lumi"),
        normsys("diboson_cross_section", 1.06, 0.94),
        histosys("jet_energy_scale", DIBOSON[region], tilt, -0.85 * tilt),
        normsys("b_tagging", 0.985, 1.016),
    ]
    if region == "CR":
        errors = np.round(np.multiply(DIBOSON["CR"], DIBOSON_CONTROL), 3).tolist()
        modifiers.append({"name": "diboson_CR", "type": "shapesys", "data": errors})
    return {
        "name": "diboson",
        "data": DIBOSON[region],
        "modifiers": modifiers + staterror(region, DIBOSON, DIBOSON_STATISTICS),
    }


def factor(name: str, kind: str = "normfactor") -> dict[str, Any]:
    return {"name": name, "type": kind, "data": None}


def normsys(name: str, high: float, low: float) -> dict[str, Any]:
    return {"name": name, "type": "normsys", "data": {"hi": high, "lo": low}}


def histosys(name: str, nominal: list[float], up: np.ndarray, down: np.ndarray) -> dict[str, Any]:
    """A shape uncertainty from the relative changes of the bins."""
    data = {
        "hi_data": np.round(nominal * (1 + up), 4).tolist(),
        "lo_data": np.round(nominal * (1 + down), 4).tolist(),
    }
    return {"name": name, "type": "histosys", "data": data}


def staterror(
    region: str, nominal: dict[str, list[float]], relative: dict[str, list[float]]
) -> list[dict[str, Any]]:
    """The statistics of the simulation; negligible, so left out, in the control region."""
    if region not in relative:
        return []
    errors = np.round(np.multiply(nominal[region], relative[region]), 4).tolist()
    return [{"name": f"staterror_{region}", "type": "staterror", "data": errors}]


def measurement() -> dict[str, Any]:
    """The parameter of interest, and the two parameters whose defaults are too wide."""
    parameters = [
        {"name": "mu", "inits": [1.0], "bounds": [[-1.0, 5.0]]},
        {"name": "top_norm", "inits": [1.0], "bounds": [[0.5, 2.0]]},
        {
            "name": "lumi",
            "auxdata": [1.0],
            "sigmas": [0.02],
            "inits": [1.0],
            "bounds": [[0.8, 1.2]],
        },
    ]
    return {"name": "search", "config": {"poi": "mu", "parameters": parameters}}


def text(seed: int = SEED) -> str:
    return json.dumps(workspace(seed), indent=1) + "\n"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Write workspace.json beside this file.")
    parser.add_argument("--seed", type=int, default=SEED)
    Path(__file__).with_name("workspace.json").write_text(text(parser.parse_args().seed))
