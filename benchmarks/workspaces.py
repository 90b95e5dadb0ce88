"""The workspaces that benchmarks run on: real ones from a folder, and generated ones.

The folder is not part of the project: the environment variable ``DNNLIK_DATA`` names
it, by default ``shared/data`` beside the project's folder.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pyhf

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("DNNLIK_DATA", ROOT.parent / "shared" / "data"))

REAL = ("three_regions_13p", "sbottom_66p", "3L", "stau_120p")


def real(name: str) -> dict[str, Any]:
    """A workspace of the folder by its short name; the 3L one with its first patch."""
    if name != "3L":
        return json.loads((DATA / f"{name}.json").read_text())
    patches = pyhf.PatchSet(json.loads((DATA / "3L_patchset.json").read_text()))
    background = json.loads((DATA / "3L_background_only.json").read_text())
    return patches["ERJR_300p0_100p0"].apply(background)


def generated(parameters: int, bins: int, *, channels: int = 4, seed: int = 0) -> dict[str, Any]:
    """A search with as many parameters and bins (a multiple of ``channels``).

    Five samples in each channel. One parameter of interest, the luminosity, one
    staterror a bin, and for the rest systematics that are a normsys on half of the
    samples and a histosys on the others.
    """
    rng = np.random.default_rng(seed)
    per_channel = bins // channels
    systematics = parameters - 2 - bins
    return {
        "version": "1.0.0",
        "channels": [
            {"name": f"channel_{c}", "samples": [_sample(rng, c, s, per_channel, systematics)
                                                  for s in range(5)]}
            for c in range(channels)
        ],
        "observations": [
            {"name": f"channel_{c}", "data": rng.poisson(400, per_channel).tolist()}
            for c in range(channels)
        ],
        "measurements": [{"name": "search", "config": {"poi": "mu", "parameters": [
            {"name": "lumi", "auxdata": [1.0], "sigmas": [0.02], "bounds": [[0.5, 1.5]],
             "inits": [1.0]}]}}],
    }  # fmt: skip


def _sample(
    rng: np.random.Generator, channel: int, sample: int, bins: int, systematics: int
) -> dict[str, Any]:
    nominal = rng.uniform(5, 20, bins) if sample == 0 else rng.uniform(50, 150, bins)
    modifiers: list[dict[str, Any]] = [{"name": "lumi", "type": "lumi", "data": None}]
    if sample == 0:
        modifiers.append({"name": "mu", "type": "normfactor", "data": None})
    else:
        data = (0.02 * nominal).tolist()
        modifiers.append({"name": f"stat_{channel}", "type": "staterror", "data": data})
    modifiers += [_systematic(rng, nominal, k, (k + sample) % 2 == 0) for k in range(systematics)]
    return {"name": f"sample_{sample}", "data": nominal.tolist(), "modifiers": modifiers}


def _systematic(
    rng: np.random.Generator, nominal: np.ndarray, number: int, normalisation: bool
) -> dict[str, Any]:
    name, size = f"syst_{number:03d}", rng.uniform(0.002, 0.03)
    if normalisation:
        return {"name": name, "type": "normsys", "data": {"hi": 1 + size, "lo": 1 - 0.9 * size}}
    shape = size * rng.normal(size=nominal.size)
    up, down = nominal * (1 + shape), nominal * (1 - 0.8 * shape)
    return {"name": name, "type": "histosys",
            "data": {"hi_data": up.tolist(), "lo_data": down.tolist()}}  # fmt: skip
