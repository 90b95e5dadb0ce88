"""Bin edges of a real search, trained for its expected limit.

The four bins of missing-energy significance of one region of a published workspace become
events: as many in a bin as its statistical uncertainty says, spread by the slope of the
histogram; each systematic variation weights the same events differently. The other regions
stay the numbers that they are. In the published bins the events give the published templates
back, so that training starts from the published limit.

    python benchmarks/binning_of_a_search.py --data FOLDER [--epochs 60] [--objective limit]
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np

from dnnlik.differentiable import (
    Binning,
    CutObservable,
    Events,
    Problem,
    Settings,
    TrainableEdges,
    optimise,
)

REGION = "SR_metsigST"
LEAST, MOST = 20, 400  # events in a bin


def events_of(sample: dict[str, Any]) -> dict[str, Events]:
    """Events of a sample in its region: nominal, and with the weights of each variation."""
    nominal = np.asarray(sample["data"], float)
    errors = [np.asarray(m["data"], float) for m in sample["modifiers"] if m["type"] == "staterror"]
    error = np.maximum(errors[0] if errors else 0.1 * nominal, 1e-12)
    counts = np.clip(np.round((nominal / error) ** 2), LEAST, MOST).astype(int)
    x = np.concatenate([b + spread(nominal, b, n) for b, n in enumerate(counts)])
    share = np.repeat(1.0 / counts, counts)
    rows = np.repeat(np.arange(len(nominal)), counts)
    found = {sample["name"]: Events(x[:, None], nominal[rows] * share)}
    for name, (up, down) in variations(sample).items():
        for end, histogram in (("up", up), ("down", down)):
            found[f"{sample['name']}/{name}/{end}"] = Events(x[:, None], histogram[rows] * share)
    return found


def spread(histogram: np.ndarray, position: int, count: int) -> np.ndarray:
    """Where events lie in a bin of width one: evenly in the integral of an exponential whose
    slope is that of the histogram."""
    padded = np.maximum(histogram, 1e-3 * histogram.max() + 1e-12)
    slope = np.clip(np.gradient(np.log(padded))[position], -3.0, 3.0)
    u = (np.arange(count) + 0.5) / count
    return u if abs(slope) < 1e-6 else np.log1p(u * np.expm1(slope)) / slope


def variations(sample: dict[str, Any]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """The histosys modifiers that move something."""
    found = {}
    for modifier in sample["modifiers"]:
        if modifier["type"] == "histosys":
            up, down = (np.asarray(modifier["data"][key], float) for key in ("hi_data", "lo_data"))
            if not (np.allclose(up, sample["data"]) and np.allclose(down, sample["data"])):
                found[modifier["name"]] = up, down
    return found


def named(sample: dict[str, Any]) -> dict[str, Any]:
    """A sample with names of events where it had histograms."""
    modifiers = []
    moving = variations(sample)
    for modifier in sample["modifiers"]:
        name = modifier["name"]
        if modifier["type"] == "histosys" and name in moving:
            ends = {
                "hi_data": f"{sample['name']}/{name}/up",
                "lo_data": f"{sample['name']}/{name}/down",
            }
            modifiers.append({**modifier, "data": ends})
        elif modifier["type"] == "staterror":
            modifiers.append({**modifier, "data": sample["name"]})
        elif modifier["type"] != "histosys":
            modifiers.append(modifier)
    return {**sample, "data": sample["name"], "modifiers": modifiers}


def problem_of(workspace: dict[str, Any]) -> Problem:
    """The workspace with one region made of events."""
    config = workspace["measurements"][0]["config"]
    events: dict[str, Events] = {}
    channels = []
    for channel in workspace["channels"]:
        if channel["name"] == REGION:
            for sample in channel["samples"]:
                events |= events_of(sample)
            channels.append({**channel, "samples": [named(s) for s in channel["samples"]]})
        else:
            channels.append(channel)
    return Problem(
        name="sbottom",
        events=events,
        held_out=events,
        channels=channels,
        poi=config["poi"],
        parameters=config.get("parameters", ()),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("DNNLIK_DATA"))
    parser.add_argument("--objective", default="limit")
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--rate", type=float, default=0.05)
    parser.add_argument("--bandwidth", type=float, default=0.1)
    given = parser.parse_args()
    workspace = json.loads((given.data / "sbottom_66p.json").read_text())
    problem = problem_of(workspace)
    edges = TrainableEdges(np.arange(5.0), least_width=0.1)
    observable = CutObservable([], feature=0, binning=Binning(edges, given.bandwidth))
    begun = time.perf_counter()
    settings = Settings(given.objective, given.epochs, 10**6, given.rate)
    result = optimise(problem, observable, settings)
    print(f"{len(problem.events)} histograms, {time.perf_counter() - begun:.0f} s")
    for name in ("cls", "p0", "limit", "sigma_mu"):
        print(f"{name:<10} {result.history[0][name]:10.4f} {result.metrics[name]:10.4f}")
    print("edges", np.round(np.asarray(observable.binning.edges()), 3))


if __name__ == "__main__":
    main()
