"""Surrogates against what they learned: the paper's toy search and published workspaces.

    python benchmarks/surrogate.py toy sbottom_66p [--recipes default,quadratic] [--seeds 0,1,2]
                                   [--points 200000] [--folder FOLDER] [--data FOLDER]

Recipes: ``default``; ``ensemble``, the default with three members; ``selu``, the default
with the activation, the optimizer and the inputs of a plain SELU network; ``paper``, the
network of arXiv:1911.03305 with 500 instead of 5000 units in its two layers and at most 200
epochs, on points of emcee (S3), without limits, for which fits on its kinks do not end;
``quadratic``, the baseline alone. Each (problem, recipe, seed) is a process of its
own and leaves one line of JSON in FOLDER, so that a stopped benchmark goes on.

Of each: seconds of training; on held-out points of the posterior the mean squared error of
ln L, the rms in the bulk (the 95.45 % of highest density) and the effective fraction after
reweighting; mean and largest error of t_μ (the toy: μ = 0, 0.1, … 1; others 11 values up to
t = 9, both from fits); largest distance of the ends of the 68.27, 95.45, 99.73 % HPDI of μ
from the exact ones, the same points reweighted; 95 % CL_s upper limit over pyhf's and over the
exact one, minus 1, and the largest |ΔCL_s|; microseconds a point of the published file in ONNX
Runtime (value alone, 4096 points, all cores) and of the compiled exact likelihood and of
pyhf with NumPy, in turn in one process.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import workspaces
from surrogate_measures import calibration, errors, exact_numbers, limits, scan_errors, speeds

ROOT = Path(__file__).resolve().parents[1]
PROBLEMS = ("toy", *workspaces.REAL)
RECIPES = ("default", "ensemble", "selu", "paper", "quadratic")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("problems", nargs="*", default=PROBLEMS, metavar="PROBLEM")
    parser.add_argument("--recipes", default="quadratic,default,ensemble")
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--points", type=int, default=200_000)
    parser.add_argument("--steps", type=int, help="of the optimizer, in place of the default")
    parser.add_argument("--folder", type=Path, default=Path("runs/surrogate"))
    parser.add_argument("--one", nargs=3, metavar=("PROBLEM", "RECIPE", "SEED"), help="internal")
    options = parser.parse_args()
    if options.one:
        problem, recipe, seed = options.one
        measure(problem, recipe, int(seed), options)
        return
    options.folder.mkdir(parents=True, exist_ok=True)
    for problem in options.problems:
        for recipe in options.recipes.split(","):
            for seed in options.seeds.split(","):
                run_one(problem, recipe, seed, options)
        show(problem, options)


def run_one(problem: str, recipe: str, seed: str, options: argparse.Namespace) -> None:
    if result_file(problem, recipe, int(seed), options).is_file():
        return
    arguments = ["--points", str(options.points), "--folder", str(options.folder)]
    if options.steps:
        arguments += ["--steps", str(options.steps)]
    subprocess.run(
        [sys.executable, __file__, "--one", problem, recipe, seed, *arguments], check=True
    )


def result_file(problem: str, recipe: str, seed: int, options: argparse.Namespace) -> Path:
    return options.folder / f"{_stem(problem, options)}.{recipe}.{seed}.json"


def _stem(problem: str, options: argparse.Namespace) -> str:
    steps = f".{options.steps}" if options.steps else ""
    return f"{problem}.{options.points}{steps}"


# What is compared ------------------------------------------------------------------------


def opened(problem: str) -> Any:
    from dnnlik import open_likelihood

    if problem == "toy":
        return open_likelihood(ROOT / "benchmarks" / "paper_toy.py")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "workspace.json"
        path.write_text(json.dumps(workspaces.real(problem)))
        return open_likelihood(path)


def sampled(problem: str, likelihood: Any, recipe: str, options: argparse.Namespace) -> Any:
    from dnnlik import sample

    paper = recipe == "paper"
    sampler, strategy = ("emcee", "mixed") if paper else ("hamiltonian", "wide")
    path = options.folder / f"{problem}.{options.points}.{sampler}.h5"
    return sample(
        likelihood, path, strategy=strategy, sampler=sampler, points=options.points, seed=1
    )


def settings_of(recipe: str, seed: int, steps: int | None) -> Any:
    from dnnlik.surrogate.settings import recipe as settings

    changes: dict[str, Any] = {"steps": steps} if steps else {}
    if recipe == "paper":
        return settings("paper", layers=(500, 500), precision="float32", max_epochs=200, seed=seed)
    if recipe == "ensemble":
        changes |= {"members": 3}
    if recipe == "selu":
        changes |= {"activation": "selu", "optimizer": "adam", "bends": False}
    return settings("default", seed=seed, **changes)


# One measurement -------------------------------------------------------------------------


def measure(problem: str, recipe: str, seed: int, options: argparse.Namespace) -> None:
    from dnnlik.surrogate.ensemble import train
    from dnnlik.surrogate.likelihood import SurrogateLikelihood

    likelihood = opened(problem)
    samples = sampled(problem, likelihood, recipe, options)
    exact = exact_numbers(problem, likelihood, samples, options.folder)
    alone = recipe == "quadratic"
    settings = settings_of("default" if alone else recipe, seed, 1 if alone else options.steps)
    start = time.perf_counter()
    description = train(samples, settings)
    seconds = 0.0 if alone else time.perf_counter() - start
    surrogate = SurrogateLikelihood(description, with_network=not alone)
    found = {
        "problem": problem,
        "recipe": recipe,
        "seed": seed,
        "points": len(samples),
        "seconds": seconds,
        "epochs": len(description.history),
        **errors(surrogate, samples),
        **scan_errors(surrogate, samples, exact),
        **({} if recipe == "paper" else limits(surrogate, likelihood, exact)),
        **calibration(description, surrogate, samples),
    }
    if not alone:
        found |= speeds(problem, likelihood, description, samples)
    result_file(problem, recipe, seed, options).write_text(json.dumps(found))
    print(json.dumps(found), flush=True)


# The table -------------------------------------------------------------------------------


def show(problem: str, options: argparse.Namespace) -> None:
    """Medians over the seeds, and the worst in brackets."""
    print(f"\n{problem}: median (worst) of the seeds")
    for recipe in RECIPES:
        files = sorted(options.folder.glob(f"{_stem(problem, options)}.{recipe}.*.json"))
        rows = [json.loads(file.read_text()) for file in files]
        if rows:
            print(f"  {recipe:9} n={len(rows)} " + ", ".join(_columns(rows)), flush=True)


def _columns(rows: list[dict[str, Any]]) -> list[str]:
    found = []
    for name, worst in (
        ("points", max), ("seconds", max), ("mse", max), ("rms", max), ("rms_bulk", max),
        ("effective_fraction", min), ("t_mean", max), ("t_largest", max), ("hpdi_shift", max),
        ("limit_over_pyhf", max), ("expected_limit_over_exact", max), ("cls_difference", max),
    ):  # fmt: skip
        values = [row[name] for row in rows if row.get(name) is not None]
        if values:
            size = [abs(v) for v in values]
            found.append(f"{name} {median(size):.4g} ({worst(size):.4g})")
    for name in rows[0].get("us", {}):
        found.append(f"µs {name} {median(row['us'][name] for row in rows):.3g}")
    return found


if __name__ == "__main__":
    main()
