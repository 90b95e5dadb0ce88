"""Effective points of the parameter of interest a second: what a user has today, and dnnlik.

    python benchmarks/sampling.py [toy] [sbottom_66p] [stau_120p] [--data FOLDER]

*Today* is emcee's default stretch move over pyhf's NumPy ``model.logpdf`` (for the
paper's toy: over plain NumPy, a point a call). A call takes c seconds and the move has
an autocorrelation time of τ steps, so that it gives 1/(cτ) effective points a second. c
is measured with pyhf, τ on the same density compiled (the chain is the same, pyhf would
take hours), started from the posterior: both in favour of today, as is a τ from a run
that is too short for it. *dnnlik* is the whole of `sample`: compiling, fit, warm-up,
file, diagnostics; of sizes above the number of points only that number is counted.

The folder has the workspaces and the toy's numbers (see README.md); by default
``DNNLIK_DATA`` or ``../shared/data`` beside the project.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# For all ways alike: on two cores, threads of OpenBLAS and of XLA get into each other's way.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import emcee
import numpy as np
import pyhf
from scipy.special import gammaln

from dnnlik.inference import LEVELS, hpdi
from dnnlik.likelihoods import Likelihood, open_likelihood
from dnnlik.sampling import sample
from dnnlik.sampling.convergence import autocorrelation_time

ROOT = Path(__file__).resolve().parents[1]
PROBLEMS = ("toy", "sbottom_66p", "stau_120p")
STRETCH_STEPS = {"toy": 20_000, "sbottom_66p": 6_000, "stau_120p": 6_000}
POINTS = {
    "emcee": {"toy": 400_000, "sbottom_66p": 400_000, "stau_120p": 100_000},
    "hamiltonian": {"toy": 1_000_000, "sbottom_66p": 1_000_000, "stau_120p": 200_000},
}
Scalar = Callable[[np.ndarray], float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("problems", nargs="*", default=PROBLEMS, metavar="PROBLEM")
    parser.add_argument(
        "--data",
        type=Path,
        default=os.environ.get("DNNLIK_DATA", ROOT.parent / "shared" / "data"),
    )
    options = parser.parse_args()
    os.environ.setdefault("DNNLIK_PAPER_TOY", str(options.data / "lhc_search_95p.json"))
    for problem in options.problems:
        path = options.data / f"{problem}.json"
        toy = problem == "toy"
        likelihood = open_likelihood(ROOT / "benchmarks" / "paper_toy.py" if toy else path)
        scalar = scalar_toy() if toy else pyhf_density(path, likelihood)
        for row in compare(problem, likelihood, scalar):
            print(json.dumps({"problem": problem, **row}), flush=True)


def compare(problem: str, likelihood: Likelihood, scalar: Scalar) -> Any:
    """One row of results each for hamiltonian, emcee and today's way."""
    rows = {}
    for name in ("hamiltonian", "emcee"):
        rows[name], points = ours(likelihood, name, POINTS[name][problem])
        if name == "hamiltonian":
            posterior = points
        yield rows[name]
    baseline = today(likelihood, scalar, posterior, STRETCH_STEPS[problem])
    for name, row in rows.items():
        baseline[f"{name} over today"] = round(row["a_second"] / baseline["a_second"])
    yield baseline


def ours(likelihood: Likelihood, sampler: str, points: int) -> tuple[dict[str, Any], np.ndarray]:
    """The whole of `sample` into a file; and the first 4096 points, shuffled."""
    poi = likelihood.parameters.poi_names[0]
    with tempfile.TemporaryDirectory() as folder:
        begin = time.perf_counter()
        path = Path(folder) / "samples.h5"
        found = sample(
            likelihood, path, strategy="unbiased", sampler=sampler, points=points, seed=1
        )
        seconds = time.perf_counter() - begin
        values = np.array(found.points[:, likelihood.parameters.index(poi)])
        some = found.points[np.random.default_rng(0).permutation(len(found))[:4096]].copy()
    said = found.diagnostics
    effective = min(said["poi"][poi]["effective_points"], len(values))
    row = {
        "way": f"dnnlik {sampler}",
        "points": len(values),
        "seconds": round(seconds, 1),
        "effective": round(effective),
        "a_second": effective / seconds,
        "worst": [round(said["effective_points"]), said["effective_points_parameter"]],
        "worst_tail": [
            round(said["tail_effective_points"]),
            said["tail_effective_points_parameter"],
        ],
        "r_hat": [said["r_hat"], said["r_hat_parameter"]],
        "hpdi": hpdi(values).round(3).tolist(),
        "hpdi_positive": hpdi(values[values > 0], LEVELS)[:, 1].round(3).tolist(),
        "chains": said["chains"],
        "max_rss_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
    }
    return row, some


def today(
    likelihood: Likelihood, scalar: Scalar, posterior: np.ndarray, steps: int
) -> dict[str, Any]:
    """Seconds of a call, and the autocorrelation time of the stretch move."""
    column = likelihood.parameters.index(likelihood.parameters.poi_names[0])
    check(likelihood, scalar, posterior[:8])
    cost = seconds_of(scalar, posterior)
    walkers = 2 * posterior.shape[1] + 2
    sampler = emcee.EnsembleSampler(
        walkers, posterior.shape[1], likelihood.log_density, vectorize=True
    )
    sampler.random_state = np.random.RandomState(1).get_state()
    chain = np.empty((steps, walkers, 1))
    walk = sampler.sample(
        posterior[:walkers], iterations=steps, store=False, skip_initial_state_check=True
    )
    for i, state in enumerate(walk):
        chain[i, :, 0] = state.coords[:, column]
    tau = float(autocorrelation_time(chain)[0])
    return {
        "way": "today",
        "microseconds_a_call": cost * 1e6,
        "tau": tau,
        "steps": steps,
        "a_second": 1 / (cost * tau),
    }


def seconds_of(scalar: Scalar, points: np.ndarray, least: float = 3.0) -> float:
    """Mean time of a call, over at least some seconds."""
    scalar(points[0])
    begin, calls = time.perf_counter(), 0
    while time.perf_counter() - begin < least:
        scalar(points[calls % len(points)])
        calls += 1
    return (time.perf_counter() - begin) / calls


def check(likelihood: Likelihood, scalar: Scalar, points: np.ndarray) -> None:
    """Both ways must be the same density, up to a constant."""
    difference = [scalar(point) for point in points] - likelihood.log_density(points)
    if np.ptp(difference) > 1e-5:
        raise SystemExit(f"the densities differ. Received: {difference}")


def pyhf_density(path: Path, likelihood: Likelihood) -> Scalar:
    """pyhf's NumPy logpdf as emcee would call it, minus infinity outside the bounds."""
    workspace = pyhf.Workspace(json.loads(path.read_text()), validate=False)
    interpolation = {"normsys": {"interpcode": "code4"}, "histosys": {"interpcode": "code4p"}}
    model = workspace.model(modifier_settings=interpolation, validate=False)
    data = workspace.data(model)
    p = likelihood.parameters
    full = np.array(model.config.suggested_init())
    free = np.flatnonzero(~np.array(model.config.suggested_fixed()))

    def density(point: np.ndarray) -> float:
        if ((point < p.lower) | (point > p.upper)).any():
            return -np.inf
        full[free] = point
        return float(model.logpdf(full, data)[0])

    return density


def scalar_toy() -> Scalar:
    """The paper's toy in plain NumPy, a point a call (formulae: arXiv:1809.05548)."""
    document = json.loads(Path(os.environ["DNNLIK_PAPER_TOY"]).read_text())
    bins = (len(document["categories"]), document["bins_per_category"])

    def shaped(numbers: list[float]) -> np.ndarray:
        return np.asarray(numbers, dtype=float).reshape(bins)

    signal, background, observed = (
        shaped(document[k]) for k in ("signal", "background", "observed")
    )
    epsilon = np.log1p(shaped(document["mc_stat_epsilon"]))
    totals, sources = background.sum(axis=1), list(document["norm"])
    up = np.log1p([document["norm"][s]["up"] for s in sources])
    down = np.log1p([document["norm"][s]["down"] for s in sources])
    shapes = [
        (sources.index(s), shaped(v["up"]), shaped(v["down"])) for s, v in document["shape"].items()
    ]
    constant = gammaln(observed + 1)

    def density(point: np.ndarray) -> float:
        mu, pulls, deltas = point[0], point[1:-4].reshape(bins), point[-4:]
        if not -1 < mu < 5:
            return -np.inf
        spectrum = background
        for place, high, low in shapes:
            d, slope, bend = deltas[place], (high - low) / 2, (high + low) / 2 - 1
            spectrum = spectrum * (
                1 + slope * d + bend * (d * d if abs(d) <= 1 else 2 * abs(d) - 1)
            )
        logs = np.where(deltas[:, None] >= 0, deltas[:, None] * up, -deltas[:, None] * down)
        scale = totals * np.exp(logs.sum(axis=0)) / spectrum.sum(axis=1)
        rates = mu * signal + scale[:, None] * spectrum * np.exp(pulls * epsilon)
        if (rates <= 0).any():
            return -np.inf
        main = (observed * np.log(rates) - rates - constant).sum()
        return float(main - 0.5 * (point[1:] ** 2).sum())

    return density


if __name__ == "__main__":
    main()
