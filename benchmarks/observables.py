"""Every objective on every problem of differentiable analyses, in hard bins on events of their own.

    python benchmarks/observables.py [--problems mixture-2 ...] [--methods inferno ...] [--seeds 20]
                                     [--folder FOLDER]

Problems: ``blobs`` (neos), ``mixture-0`` to ``mixture-4`` (INFERNO), ``normals`` (SANNT). Methods:
``cross_entropy``, ``cross_entropy_varied`` (the variations as background), ``cls``, ``p0``,
``sigma_mu`` (kernel histograms, as neos), ``inferno`` and ``sannt``, with the settings of
`dnnlik.differentiable.methods`; the others have 20 bins (normals: 8), bandwidth 0.03, two layers of
100 ReLU units as inferno has, batches of 4000 of each sample, 32 epochs (blobs: 500, 40) and a rate
of 0.002 (normals: 0.005). All have the same events, and their order is that of the seed. Of each
training the epoch with the best objective on as many other events is evaluated on EVALUATION
events of each sample that neither sees.

Each training leaves a line of JSON in FOLDER, so that a stopped benchmark goes on. The table has
medians (worst) over the seeds; of the mixture σ of the signal yield, which is 50 σ_μ.
"""

from __future__ import annotations

import argparse
import gc
import json
import time
from collections.abc import Callable
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
RATES = {"normals": 5e-3}
EVALUATION = {"blobs": 200_000, "normals": 500_000}  # the mixture: 10⁶
SHOWN = ("sigma_mu", "cls", "p0")
KERNEL = ("cross_entropy", "cross_entropy_varied", "cls", "p0", "sigma_mu")
PROBLEMS = ("blobs", "normals", *(f"mixture-{k}" for k in range(5)))


def problem_of(name: str, seed: int, events: int | None = None) -> Problem:
    """By the name of the table; as many events as it has by itself, or others."""
    size: dict[str, Any] = {} if events is None else {"events": events}
    if name.startswith("mixture-"):
        return mixture_problem(seed, int(name.removeprefix("mixture-")), **size)
    make: Callable[..., Problem] = {"blobs": blobs_problem, "normals": normals_problem}[name]
    return make(seed, **size)


def observable_of(problem: Problem, method: str, seed: int, bins: int | None) -> Observable:
    if method in METHODS:
        return METHODS[method].observable(problem, bins or METHODS[method].bins, seed=seed)
    network = dense_network([problem.events[n] for n in problem.names], (100, 100), seed=seed)
    return NetworkObservable(network, Binning(np.linspace(0, 1, (bins or 20) + 1), 0.03))


def bins_of(name: str, method: str, given: int | None) -> int | None:
    """Those that are given, those of the problem, or None: those of the method."""
    return given or (None if method in METHODS else BINS.get(name))


def settings_of(name: str, method: str, seed: int) -> Settings:
    """Some 600 steps: the blobs have a tenth of the events of the others."""
    steps = {"batch_size": 500, "epochs": 40} if name == "blobs" else {"batch_size": 4000}
    if method == "sannt":
        return replace(METHODS[method].settings, seed=seed, tracked=SHOWN)
    if method in METHODS:
        return replace(METHODS[method].settings, seed=seed, tracked=SHOWN, **steps)
    rate = RATES.get(name, 2e-3)
    settings = Settings(method, epochs=32, learning_rate=rate, seed=seed, tracked=SHOWN)
    return replace(settings, **steps)


def measure(name: str, method: str, seed: int, bins: int | None) -> dict[str, Any]:
    """One training, and its evaluation on many events."""
    held_out = problem_of(name, HELD_OUT_SEED + seed).events
    problem = replace(problem_of(name, seed), held_out=held_out)
    observable = observable_of(problem, method, seed, bins)
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
    parser.add_argument("--bins", type=int, help="in place of those of the method")
    parser.add_argument("--folder", type=Path, default=Path("runs/observables"))
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    heads = "".join(f"{f'{metric}: median (worst)':>26}" for metric in SHOWN)
    print(f"{'problem':<11}{'method':<22}{'n':>3}{heads}")
    for name in given.problems:
        for method in given.methods:
            rows, count = [], bins_of(name, method, given.bins)
            for seed in range(given.seeds):
                path = given.folder / f"{name}.{method}.{count or 'own'}.{seed}.json"
                if not path.is_file():
                    path.write_text(json.dumps(measure(name, method, seed, count)))
                rows.append(json.loads(path.read_text()))
            show(name, method, rows)


if __name__ == "__main__":
    main()
