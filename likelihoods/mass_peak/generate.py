"""Write ``events.json``: the masses of the unbinned example, from one seed.

Masses are drawn at the nominal nuisance parameters, with a Poisson number of
signal and of background events, by inverting the cumulative distribution on a
grid of 1 MeV, and rounded to 1 MeV.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import norm

SEED = 125
CONSTANTS = {
    "range": [100.0, 160.0],  # GeV
    "mass": 125.0,  # GeV, nominal position of the peak
    "mass_shift": 0.3,  # GeV for one standard deviation of the mass scale
    "width": 2.0,  # GeV, nominal width of the peak
    "width_effect": 0.10,  # relative, for one standard deviation of the resolution
    "signal_yield": 60.0,  # events in the range for mu = 1
    "efficiency_effect": 0.07,  # relative, for one standard deviation of the efficiency
}
TRUTH = {"mu": 1.0, "background_yield": 1500.0, "slope": 1.8, "curvature": 0.1}


def document(seed: int = SEED) -> dict[str, Any]:
    """The constants of the definition and the sorted masses in GeV."""
    rng = np.random.default_rng(seed)
    lower, upper = CONSTANTS["range"]
    masses = np.linspace(lower, upper, round(1000 * (upper - lower)) + 1)
    signal = norm.pdf(masses, CONSTANTS["mass"], CONSTANTS["width"])
    drawn = [
        draw(rng, masses, signal, TRUTH["mu"] * CONSTANTS["signal_yield"]),
        draw(rng, masses, background_shape(masses), TRUTH["background_yield"]),
    ]
    events = np.round(np.sort(np.concatenate(drawn)), 3)
    return {**CONSTANTS, "masses": events.tolist()}


def background_shape(masses: np.ndarray) -> np.ndarray:
    """The background at the truth, not normalised: exp(-λx)(1 + c(6x²-6x+1))."""
    lower, upper = CONSTANTS["range"]
    x = (masses - lower) / (upper - lower)
    return np.exp(-TRUTH["slope"] * x) * (1 + TRUTH["curvature"] * (6 * x * x - 6 * x + 1))


def draw(
    rng: np.random.Generator, masses: np.ndarray, density: np.ndarray, expected: float
) -> np.ndarray:
    """Poisson(``expected``) masses that follow a density given on a grid."""
    steps = 0.5 * (density[1:] + density[:-1])
    cumulative = np.concatenate([[0.0], np.cumsum(steps)])
    return np.interp(rng.uniform(0, cumulative[-1], rng.poisson(expected)), cumulative, masses)


def text(seed: int = SEED) -> str:
    """The document as JSON, one key a line."""
    lines = (f" {json.dumps(key)}: {json.dumps(v)}" for key, v in document(seed).items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Write events.json beside this file.")
    parser.add_argument("--seed", type=int, default=SEED)
    Path(__file__).with_name("events.json").write_text(text(parser.parse_args().seed))
