"""Surrogates against what they learned: the paper's toy search and published workspaces.

    python benchmarks/surrogate.py toy sbottom_66p [--recipes default,quadratic] [--seeds 0,1,2]
                                   [--points 200000] [--folder FOLDER] [--data FOLDER]

Recipes: ``default``; ``ensemble``, the default with three members; ``selu``, the default
with the activation, the optimizer and the inputs of a plain SELU network; ``paper``, the
network of arXiv:1911.03305 with 500 instead of 5000 units in its two layers, on points of
emcee (S3); ``quadratic``, the baseline alone. Each (problem, recipe, seed) is a process of its
own and leaves one line of JSON in FOLDER, so that a stopped benchmark goes on.

Of each: seconds of training; on held-out points of the posterior the mean squared error of
ln L, the rms in the bulk (the 95.45 % of highest density) and the effective fraction after
reweighting; mean and largest error of t_μ (the toy:
μ = 0, 0.1, … 1; others 11 values up to t = 9, both from fits); largest distance of the ends of
the 68.27, 95.45, 99.73 % HPDI of μ from the exact ones, the same points reweighted; 95 %
CL_s upper limit over pyhf's, minus 1; microseconds a point of the published file in ONNX
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

import numpy as np
import workspaces
from timing import in_turn

ROOT = Path(__file__).resolve().parents[1]
PROBLEMS = ("toy", *workspaces.REAL)
RECIPES = ("default", "ensemble", "selu", "paper", "quadratic")
T_MAX = 9.0
SCAN = 11


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

    sampler = "emcee" if recipe == "paper" else "hamiltonian"
    path = options.folder / f"{problem}.{options.points}.{sampler}.h5"
    return sample(likelihood, path, sampler=sampler, points=options.points, seed=1)


def settings_of(recipe: str, seed: int, steps: int | None) -> Any:
    from dnnlik.surrogate.settings import recipe as settings

    changes: dict[str, Any] = {"steps": steps} if steps else {}
    if recipe == "paper":
        return settings("paper", layers=(500, 500), precision="float32", seed=seed)
    if recipe == "ensemble":
        changes |= {"members": 3}
    if recipe == "selu":
        changes |= {"activation": "selu", "optimizer": "adam", "bends": False}
    return settings("default", seed=seed, **changes)


def exact_numbers(problem: str, likelihood: Any, samples: Any, folder: Path) -> dict[str, Any]:
    """Scan and limits of the exact likelihood, once for each problem."""
    from dnnlik.inference import fit, likelihood_interval, profile

    path = folder / f"{problem}.exact.json"
    if path.is_file():
        return json.loads(path.read_text())
    best = fit(likelihood, start=samples.maximum.point)
    poi = likelihood.parameters.poi_names[0]
    values = np.linspace(0, 1, SCAN)
    if problem != "toy":
        values = np.linspace(*likelihood_interval(likelihood, poi, T_MAX, best=best), SCAN)
    scan = profile(likelihood, poi, values, best=best)
    numbers = {
        "values": values.tolist(),
        "t": scan.t.tolist(),
        "points": scan.points.tolist(),
        "converged": bool(scan.converged.all()),
        "limit": pyhf_limit(problem),
    }
    path.write_text(json.dumps(numbers))
    return numbers


def pyhf_limit(problem: str) -> float | None:
    """The observed 95 % limit of pyhf with its Asimov dataset; none of the toy."""
    if problem == "toy":
        return None
    import pyhf

    model, data = pyhf_model(problem)
    pyhf.set_backend("numpy", pyhf.optimize.scipy_optimizer(maxiter=100_000))
    bounds = model.config.suggested_bounds()[model.config.poi_index]
    try:
        observed, _ = pyhf.infer.intervals.upper_limits.upper_limit(data, model, level=0.05)
    except ValueError:  # CL_s stays above 5 % within the bounds
        return None
    return float(observed) if bounds[0] < observed < bounds[1] else None


def pyhf_model(problem: str) -> tuple[Any, Any]:
    import pyhf

    workspace = pyhf.Workspace(workspaces.real(problem), validate=False)
    model = workspace.model(validate=False)
    return model, workspace.data(model)


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
        **limits(surrogate, likelihood, exact),
        **calibration(description, surrogate, samples),
    }
    if not alone:
        found |= speeds(problem, likelihood, description, samples)
    result_file(problem, recipe, seed, options).write_text(json.dumps(found))
    print(json.dumps(found), flush=True)


def errors(surrogate: Any, samples: Any) -> dict[str, Any]:
    """On held-out points of the posterior, and the ends of HPDI on all of them."""
    from dnnlik.inference import hpdi
    from dnnlik.surrogate.data import split
    from dnnlik.validation.metrics import reweighting

    rows = samples.rows(split(samples).test & samples.unbiased)
    error = surrogate.log_likelihood(rows.points) - rows.log_likelihood
    density = rows.log_likelihood + samples.parameters.log_prior(rows.points)
    bulk = density >= np.quantile(density, 1 - 0.9545)
    posterior = samples.rows(samples.unbiased)
    weights = reweighting(surrogate.log_likelihood(posterior.points) - posterior.log_likelihood)
    mu = posterior.points[:, samples.parameters.index(samples.parameters.poi_names[0])]
    before, after = hpdi(mu), hpdi(mu, weights=weights.weights)
    return {
        "mse": float(np.mean(error**2)),
        "rms": float(np.sqrt(np.mean(error**2))),
        "rms_bulk": float(np.sqrt(np.mean(error[bulk] ** 2))),
        "spread": float(error.std()),
        "effective_fraction": reweighting(error).fraction,
        "hpdi_shift": float(np.max(np.abs(np.subtract(before, after)))),
        "hpdi": [list(map(float, interval)) for interval in after],
        "hpdi_width": float(np.diff(before[0])[0]),
    }


def scan_errors(surrogate: Any, samples: Any, exact: dict[str, Any]) -> dict[str, Any]:
    from dnnlik.inference import fit, profile

    best = fit(surrogate, start=samples.maximum.point)
    poi = samples.parameters.poi_names[0]
    starts = np.array(exact["points"])
    scan = profile(surrogate, poi, np.array(exact["values"]), best=best, starts=starts)
    difference = np.abs(scan.t - np.array(exact["t"]))
    return {
        "t_mean": float(difference.mean()),
        "t_largest": float(difference.max()),
        "converged": bool(best.converged and scan.converged.all()),
    }


def limits(surrogate: Any, likelihood: Any, exact: dict[str, Any]) -> dict[str, Any]:
    """The limit over pyhf's, as users compute it, and over the exact one with both in Wald's
    approximation."""
    from dnnlik.inference import upper_limit
    from dnnlik.validation.limits import Observed

    poi = likelihood.parameters.poi_names[0]
    learned = upper_limit(surrogate, level=0.95, poi=poi).observed
    copy, wald = (
        upper_limit(Observed(one), level=0.95, poi=poi).observed for one in (surrogate, likelihood)
    )
    return {
        "limit": float(learned),
        "limit_over_wald": float(copy / wald - 1),
        "limit_over_pyhf": None if exact["limit"] is None else float(learned / exact["limit"] - 1),
    }


def calibration(description: Any, surrogate: Any, samples: Any) -> dict[str, Any]:
    """How well the spread of an ensemble says the error, on test points."""
    from dnnlik.surrogate.calibration import calibrate
    from dnnlik.surrogate.data import split

    if len(description.networks) < 2:
        return {}
    rows = samples.rows(split(samples).test)
    error = surrogate.log_likelihood(rows.points) - rows.log_likelihood
    found = calibrate(error, surrogate.uncertainty(rows.points), factor=1.0)
    return {"calibration": {**vars(found), "factor": description.uncertainty_factor}}


def speeds(problem: str, likelihood: Any, description: Any, samples: Any) -> dict[str, Any]:
    """Microseconds a point, all in turn."""
    from dnnlik.onnx.graph import surrogate_model
    from dnnlik.onnx.metadata import metadata_properties
    from dnnlik.onnx.runtime import PublishedLikelihood
    from dnnlik.onnx.verify import write

    points = np.ascontiguousarray(samples.points[:: max(1, len(samples) // 4096)][:4096])
    with tempfile.TemporaryDirectory() as folder:
        metadata = metadata_properties(description, accuracy={}, author="", license="CC-BY-4.0")

        def opened(precision: str) -> PublishedLikelihood:
            path = Path(folder) / f"{precision}.onnx"
            write(surrogate_model(description, metadata=metadata, precision=precision), path)
            return PublishedLikelihood.open(path)

        published, copy = opened("float64"), opened("float32")
    calls: dict[str, Any] = {
        "onnx": lambda: published.evaluate(points, "log_likelihood"),
        "onnx_float32": lambda: copy.evaluate(points, "log_likelihood"),
        "onnx_gradient": lambda: published.value_and_gradient(points),
        "exact": lambda: likelihood.log_likelihood(points),
    }
    counts = dict.fromkeys(calls, len(points))
    if problem != "toy":
        model, data = pyhf_model(problem)
        names = likelihood.parameters.names
        full = np.tile(model.config.suggested_init(), (64, 1))
        order = [model.config.par_names.index(name) for name in names]
        full[:, order] = points[:64]
        calls["pyhf"] = lambda: [model.logpdf(point, data) for point in full]
        counts["pyhf"] = len(full)
        workspace = model.spec
        import pyhf

        batched = pyhf.Model(
            workspace, validate=False, batch_size=64, poi_name=model.config.poi_name
        )
        calls["pyhf_batch"] = lambda: batched.logpdf(full, np.tile(data, (64, 1)))
        counts["pyhf_batch"] = len(full)
    times = in_turn(calls, rounds=5)
    return {"us": {n: 1e6 * median(t) / counts[n] for n, t in times.items()}}


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
        ("limit_over_pyhf", max), ("limit_over_wald", max),
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
