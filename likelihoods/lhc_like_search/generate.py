"""Write ``data.json``: the numbers of the LHC-like search, from one seed.

The construction follows arXiv:1809.05548; every number here is our own. The
bins of a category have a coordinate x = 0 … 1 from the first to the last:

- background: falling exponentials, fluctuated by their MC statistics;
- signal: rises from zero, then falls, broader than the background;
- MC statistics: a relative uncertainty near 0.3/√b, a simulation of ten times the data;
- shapes (ISR, JES): tilts κ± = exp(±t(2x-1)), a little asymmetric;
- normalisations (ISR, JES, LV, CR): some per cent, both signs, a little asymmetric;
- observed: Poisson counts of the background alone, μ = 0.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

SEED = 95
CATEGORIES = ("two_jets", "three_jets", "four_jets")
BINS = 30
BACKGROUND_TOTALS = (1000.0, 250.0, 50.0)  # events
BACKGROUND_SLOPES = (4.4, 3.2, 1.6)  # per unit of x
SIGNAL_TOTALS = (58.0, 25.0, 17.0)  # events
SIGNAL_SLOPES = (2.8, 2.2, 1.8)  # per unit of x
TILTS = {"ISR": (0.08, -0.12, 0.09), "JES": (-0.06, 0.07, 0.05)}
NORMS = {
    "ISR": (-0.05, 0.05, 0.10),
    "JES": (0.05, -0.05, 0.10),
    "LV": (0.05, 0.08, 0.15),
    "CR": (0.02, 0.12, -0.20),
}


def document(seed: int = SEED) -> dict[str, Any]:
    """The whole search as plain numbers; lists run category after category."""
    rng = np.random.default_rng(seed)
    x = np.linspace(0, 1, BINS)
    smooth = spectrum(np.ones_like(x), x, BACKGROUND_SLOPES, BACKGROUND_TOTALS)
    epsilon = np.round(0.3 / np.sqrt(smooth) * rng.uniform(0.9, 1.1, smooth.shape), 5)
    background = np.round(smooth * np.exp(epsilon * rng.standard_normal(smooth.shape)), 2)
    signal = np.round(spectrum(x, x, SIGNAL_SLOPES, SIGNAL_TOTALS), 4)
    return {
        "title": "LHC-like search, 3 categories x 30 bins, 94 nuisance parameters "
        f"(construction of arXiv:1809.05548, numbers of generate.py --seed {seed})",
        "categories": list(CATEGORIES),
        "bins_per_category": BINS,
        "observed": rng.poisson(background).ravel().tolist(),
        "background": background.ravel().tolist(),
        "signal": signal.ravel().tolist(),
        "mc_stat_epsilon": epsilon.ravel().tolist(),
        "shape": {name: tilt(rng, x, tilts) for name, tilts in TILTS.items()},
        "norm": {name: norm(rng, sizes) for name, sizes in NORMS.items()},
        "poi": {"name": "mu", "prior": "uniform", "bounds": [-1, 5]},
    }


def spectrum(rise: np.ndarray, x: np.ndarray, slopes: tuple, totals: tuple) -> np.ndarray:
    """``rise`` · exp(-slope · x) with the given total a category, (C, B), events."""
    shape = rise * np.exp(-np.outer(slopes, x))
    return np.reshape(totals, (-1, 1)) * shape / shape.sum(axis=1, keepdims=True)


def tilt(rng: np.random.Generator, x: np.ndarray, sizes: tuple) -> dict[str, list[float]]:
    """κ⁺ and κ⁻ of one shape source, flat lists of C·B factors."""
    up = np.exp(np.outer(asymmetric(rng, sizes), 2 * x - 1))
    down = np.exp(-np.outer(asymmetric(rng, sizes), 2 * x - 1))
    return {"up": np.round(up, 6).ravel().tolist(), "down": np.round(down, 6).ravel().tolist()}


def norm(rng: np.random.Generator, sizes: tuple) -> dict[str, list[float]]:
    """K⁺ and K⁻ of one source, one number a category."""
    up, down = asymmetric(rng, sizes), -asymmetric(rng, sizes)
    return {"up": np.round(up, 6).tolist(), "down": np.round(down, 6).tolist()}


def asymmetric(rng: np.random.Generator, sizes: tuple) -> np.ndarray:
    """The sizes, each scaled by a random factor within 10 %."""
    return np.asarray(sizes) * rng.uniform(0.9, 1.1, len(sizes))


def text(seed: int = SEED) -> str:
    """The document as JSON, one key a line."""
    lines = (f" {json.dumps(key)}: {json.dumps(v)}" for key, v in document(seed).items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Write data.json beside this file.")
    parser.add_argument("--seed", type=int, default=SEED)
    Path(__file__).with_name("data.json").write_text(text(parser.parse_args().seed))
