"""Every objective on every problem of differentiable analyses, in hard bins on events of their own.

    python benchmarks/observables.py [--problems mixture-2 ...] [--methods inferno ...] [--seeds 3]
                                     [--bins 20] [--layers 100 100] [--folder FOLDER]

Problems: ``blobs`` (neos), ``mixture-0`` to ``mixture-4`` (INFERNO), ``normals`` (SANNT).
Methods: ``cross_entropy``, ``cross_entropy_varied`` (the variations as background), ``cls``,
``p0``, ``sigma_mu`` (kernel histograms of bandwidth 0.03, as neos), ``inferno`` (softmax) and
``sannt`` (hard bins, derivative linear in the bin). All have the same events, two hidden layers
of 100 ReLU units, 20 bins (normals: 8), and 32 epochs in batches of 4000 of each sample (blobs:
40, 500); the first quarter of those of ``sannt`` is for cross-entropy. The rate is 0.002, 0.001
for ``sannt``, and 0.005 for the normals but for ``inferno``. The order of events is that of the
seed. Of each training the epoch with the best objective on as many other events is evaluated on
EVALUATION events of each sample that neither sees. ``sannt_published`` is what
`dnnlik.differentiable.methods` has, one layer, 8 bins, and all events in a batch.

Each training leaves a line of JSON in FOLDER, so that a stopped benchmark goes on. The table has
medians (worst) over the seeds; of the mixture σ of the signal yield, which is 50 σ_μ.
"""

from __future__ import annotations

import argparse
import gc
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from dnnlik.differentiable import (
    Binning,
    NetworkObservable,
    Observable,
    Problem,
    Settings,
    dense_network,
    evaluate,
    optimise,
)
from dnnlik.differentiable.methods import METHODS
from dnnlik.differentiable.problems import blobs_problem, mixture_problem, normals_problem

ANOTHER_SEED = 2_026
HELD_OUT_SEED = 1_000  # and more
BINS = {"normals": 8}
EVALUATION = {"blobs": 200_000, "normals": 500_000}  # the mixture: 10⁶
SHOWN = ("sigma_mu", "cls", "p0")
PUBLISHED = "sannt_published"
KERNEL = ("cross_entropy", "cross_entropy_varied", "cls", "p0", "sigma_mu")
PROBLEMS = ("blobs", "normals", *(f"mixture-{k}" for k in range(5)))


def problem_of(name: str, seed: int, events: int | None = None) -> Problem:
    """By the name of the table; as many events as it has by itself, or others."""
    size: dict[str, Any] = {} if events is None else {"events": events}
    if name.startswith("mixture-"):
        return mixture_problem(seed, int(name.removeprefix("mixture-")), **size)
    make: Callable[..., Problem] = {"blobs": blobs_problem, "normals": normals_problem}[name]
    return make(seed, **size)


def observable_of(
    problem: Problem, method: str, seed: int, bins: int, layers: Sequence[int]
) -> Observable:
    if method == PUBLISHED:
        return METHODS["sannt"].observable(problem, seed=seed)
    if method in METHODS:
        return METHODS[method].observable(problem, bins, layers=layers, seed=seed)
    network = dense_network([problem.events[n] for n in problem.names], layers, seed=seed)
    return NetworkObservable(network, Binning(np.linspace(0, 1, bins + 1), 0.03))


def settings_of(name: str, method: str, seed: int) -> Settings:
    """Some 800 steps; 600 of the blobs, which have a tenth of the events of the others."""
    if method == PUBLISHED:
        return replace(METHODS["sannt"].settings, seed=seed, tracked=SHOWN)
    batch, epochs = (500, 40) if name == "blobs" else (4000, 32)
    before = epochs // 4 if method == "sannt" else 0
    rate = 1e-3 if method == "sannt" else 2e-3
    if name == "normals" and method != "inferno":
        rate = 5e-3
    objective = METHODS[method].settings.objective if method in METHODS else method
    return Settings(
        objective, epochs - before, batch, rate, seed, pretraining=before, tracked=SHOWN
    )


def measure(name: str, method: str, seed: int, bins: int, layers: Sequence[int]) -> dict[str, Any]:
    """One training, and its evaluation on many events."""
    held_out = problem_of(name, HELD_OUT_SEED + seed).events
    problem = replace(problem_of(name, seed), held_out=held_out)
    observable = observable_of(problem, method, seed, bins, layers)
    begun = time.perf_counter()
    result = optimise(problem, observable, settings_of(name, method, seed))
    seconds = time.perf_counter() - begun
    other = problem_of(name, ANOTHER_SEED, EVALUATION.get(name, 1_000_000))
    found = evaluate(other, observable, other.events, SHOWN)
    # What was compiled is kept until the collector comes by.
    skipped, best = sum(r["skipped_steps"] for r in result.history), result.best_epoch
    del observable, result
    gc.collect()
    return {"seconds": seconds, "skipped": skipped, "best_epoch": best, **found}


def show(name: str, method: str, rows: list[dict[str, Any]]) -> None:
    """Medians, and the worst of all seeds in brackets."""
    factor = 50.0 if name.startswith("mixture") else 1.0
    cells = []
    for metric in SHOWN:
        values = [row[metric] * (factor if metric == "sigma_mu" else 1.0) for row in rows]
        cells.append(f"{median(values):9.4g} ({max(values):.4g})")
    seconds = median(row["seconds"] for row in rows)
    print(
        f"{name:<11}{method:<22}{len(rows):>3}" + "".join(f"{cell:>26}" for cell in cells),
        f"{seconds:6.0f} s {sum(row['skipped'] for row in rows):4.0f} skipped",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--problems", nargs="+", default=list(PROBLEMS))
    parser.add_argument("--methods", nargs="+", default=[*KERNEL, *METHODS])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--bins", type=int, help="in place of 20, and of 8 of the normals")
    parser.add_argument("--layers", type=int, nargs="+", default=[100, 100])
    parser.add_argument("--folder", type=Path, default=Path("runs/observables"))
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    heads = "".join(f"{f'{metric}: median (worst)':>26}" for metric in SHOWN)
    print(f"{'problem':<11}{'method':<22}{'n':>3}{heads}")
    units = "x".join(map(str, given.layers))
    for name in given.problems:
        bins = given.bins or BINS.get(name, 20)
        for method in given.methods:
            rows = []
            for seed in range(given.seeds):
                path = given.folder / f"{name}.{method}.{bins}.{units}.{seed}.json"
                if not path.is_file():
                    row = measure(name, method, seed, bins, given.layers)
                    path.write_text(json.dumps(row))
                rows.append(json.loads(path.read_text()))
            show(name, method, rows)


if __name__ == "__main__":
    main()
