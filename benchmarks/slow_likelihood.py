"""A slow likelihood without gradients, learned from few calls.

    python benchmarks/slow_likelihood.py [--calls 2000 5000 20000] [--problem slow|mass_peak|...]

``slow``: a spectrum of 40 bins, smeared by a numerical convolution, in NumPy, 10 parameters.
A call (one point) is taken to cost 50 ms: the cost is added up, not slept. The check is made
with as many calls as it takes: 2·10⁴ draws of the exact posterior by emcee, and exact
profiles. ``mass_peak``: the unbinned likelihood that ships with the project, with its
gradient and, as ``mass_peak_values``, without.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from dnnlik.inference import effective_sample_size, fit, likelihood_interval, profile
from dnnlik.likelihoods import AnalyticLikelihood, Likelihood, open_likelihood
from dnnlik.parameters import Normal, Parameter
from dnnlik.refinement import RefinementSettings, accuracy, refine, small_data_settings
from dnnlik.sampling import Samples, sample
from dnnlik.surrogate.ensemble import train
from dnnlik.surrogate.likelihood import SurrogateLikelihood
from dnnlik.surrogate.settings import TrainingSettings

ROOT = Path(__file__).resolve().parents[1]
SECONDS_A_CALL = 0.05
FINE = np.linspace(0.0, 1.0, 401)
CENTRES = (FINE[1:] + FINE[:-1]) / 2
BINS = 40
PARAMETERS = [
    Parameter("mu", 0.8, (-1, 5), poi=True),
    Parameter("position", 0.0, (-5, 5), constraint=Normal(0, 1)),
    Parameter("resolution", 0.0, (-5, 5), constraint=Normal(0, 1)),
    Parameter("efficiency", 0.0, (-5, 5), constraint=Normal(0, 1)),
    Parameter("tail", 0.0, (-5, 5), constraint=Normal(0, 1)),
    Parameter("yield", 1.0, (0.5, 1.5)),
    Parameter("slope", 2.0, (0.2, 5)),
    Parameter("bump", 0.0, (-5, 5), constraint=Normal(0, 1)),
    Parameter("efficiency_turn_on", 0.0, (-5, 5), constraint=Normal(0, 1)),
    Parameter("scale", 0.0, (-5, 5), constraint=Normal(0, 1)),
]


def expected(points: np.ndarray) -> np.ndarray:
    """Expected events, (n, 10) → (n, 40): a peak and a falling spectrum, smeared."""
    mu, pos, res, eff, tail, norm, slope, bump, turn, scale = points.T[:, :, None]
    x = CENTRES * (1 + 0.01 * scale)
    peak = np.exp(-0.5 * ((x - 0.45 - 0.01 * pos) / 0.03) ** 2)
    signal = 60 * mu * 1.1**eff * peak / (0.03 * np.sqrt(2 * np.pi))
    falling = slope * np.exp(-slope * x) / (1 - np.exp(-slope))
    background = 2000 * norm * falling * (1 + 0.05 * bump * np.sin(6 * x))
    true = (signal + background) / (1 + np.exp(-(x - 0.08 - 0.01 * turn) / 0.02))
    width, share = 0.02 * 1.15**res, 0.15 * 1.3**tail
    smeared = np.empty_like(true)
    step = CENTRES[1] - CENTRES[0]
    offset = CENTRES[:, None] - CENTRES[None, :]
    for i in range(len(points)):  # the slow part: a kernel for each point
        core = np.exp(-0.5 * (offset / width[i]) ** 2) / width[i]
        wide = np.exp(-0.5 * (offset / (3 * width[i])) ** 2) / (3 * width[i])
        kernel = ((1 - share[i]) * core + share[i] * wide) * step / np.sqrt(2 * np.pi)
        smeared[i] = kernel @ true[i]
    return smeared.reshape(len(points), BINS, -1).mean(axis=2) / BINS


def slow() -> AnalyticLikelihood:
    """Data: what is expected at a point beside the inits, as whole numbers."""
    p = np.array([[1.3, 0.4, -0.3, 0.2, 0.5, 1.03, 2.3, -0.6, 0.3, -0.2]])
    rng = np.random.default_rng(5)
    observed = rng.poisson(expected(p)[0]).astype(float)

    def log_main(points: np.ndarray) -> np.ndarray:
        rates = expected(np.asarray(points))
        positive = (rates > 0).all(axis=1)
        safe = np.where(rates > 0, rates, 1.0)
        value = (observed * np.log(safe) - safe).sum(axis=1)
        return np.where(positive, value, -np.inf)

    return AnalyticLikelihood(PARAMETERS, log_main, digest="slow benchmark")


def problem(name: str) -> Likelihood:
    if name == "slow":
        return slow()
    exact = open_likelihood(ROOT / "likelihoods" / "mass_peak" / "likelihood.py")
    if name == "mass_peak":
        return exact
    return AnalyticLikelihood(
        exact.parameters, lambda x: np.asarray(exact.log_main(x)), digest="values"
    )


def truth(name: str, exact: Likelihood, folder: Path) -> tuple[Samples, dict[str, Any]]:
    """Draws of the exact posterior, and its profile at eleven values up to t = 9."""
    path = folder / f"truth_{name}.h5"
    sampler = "hamiltonian" if name == "mass_peak" else "emcee"
    points = 20_000
    found = sample(exact, path, strategy="unbiased", sampler=sampler, points=points, seed=77)
    kept = folder / f"truth_{name}.json"
    if not kept.exists():
        poi = exact.parameters.poi_names[0]
        best = fit(exact, start=found.maximum.point)
        values = np.linspace(*likelihood_interval(exact, poi, 9.0, best=best), 11)
        scan = profile(exact, poi, values, best=best)
        said = {"values": values.tolist(), "t": scan.t.tolist(), "points": scan.points.tolist()}
        kept.write_text(json.dumps(said))
    return found, json.loads(kept.read_text())


def judged(surrogate: SurrogateLikelihood, draws: Samples, scan: dict[str, Any]) -> dict[str, Any]:
    """Against exact draws and exact profiles."""
    error = surrogate.log_likelihood(draws.points) - draws.log_likelihood
    weights = np.exp(error - error.max())
    best = fit(surrogate, start=draws.maximum.point)
    poi = surrogate.parameters.poi_names[0]
    t = profile(surrogate, poi, scan["values"], best=best, starts=np.array(scan["points"])).t
    wrong = np.abs(t - scan["t"])
    return {
        "rms": round(float(np.sqrt(np.mean(error**2))), 4),
        "spread": round(float(error.std()), 4),
        "effective_fraction": round(effective_sample_size(weights) / len(weights), 4),
        "t_mean": round(float(wrong.mean()), 4),
        "t_largest": round(float(wrong.max()), 4),
    }


def measured(
    name: str,
    calls: int,
    settings: RefinementSettings,
    training: TrainingSettings,
    folder: Path,
) -> dict[str, Any]:
    """One refinement and the training of its file."""
    exact = problem(name)
    # The posterior of both ways is the same.
    base = "mass_peak" if name == "mass_peak_values" else name
    draws, scan = truth(base, problem(base), folder)
    with tempfile.TemporaryDirectory() as place:
        begin = time.perf_counter()
        samples = refine(
            exact,
            Path(place) / "samples.h5",
            calls=calls,
            seed=training.seed,
            settings=settings,
            training=training,
        )
        refined = time.perf_counter() - begin
        description = train(samples, training)
        passed = time.perf_counter() - begin
        surrogate = SurrogateLikelihood(description)
        own = accuracy(samples, surrogate)
        plain = SurrogateLikelihood(description, with_network=False)
        slept = own.calls * SECONDS_A_CALL if name == "slow" else 0.0
        return {
            "problem": name,
            "calls": own.calls,
            "seed": training.seed,
            "rounds, first, power": [settings.rounds, settings.first, settings.power],
            "members": training.members,
            **judged(surrogate, draws, scan),
            "own": {
                "rms": round(own.rms, 4),
                "effective_fraction": round(own.effective_fraction, 4),
                "t_mean": round(own.scans[0].mean_error, 4),
                "acceptance": round(samples.diagnostics["acceptance"], 3),
            },
            "quadratic_rms": judged(plain, draws, scan)["rms"],
            "seconds": {"refine": round(refined), "train": round(passed - refined)},
            "seconds_with_calls_of_50_ms": round(passed + slept),
            "by_use": samples.diagnostics["refinement"]["calls"],
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, nargs="*", default=[2000, 5000, 20_000])
    parser.add_argument("--problem", nargs="*", default=["slow", "mass_peak", "mass_peak_values"])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--members", type=int)
    parser.add_argument("--power", type=float)
    parser.add_argument("--first", type=float)
    parser.add_argument("--folder", type=Path, default=Path("runs/slow_likelihood"))
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    names = ("rounds", "power", "first")
    changes = {n: getattr(options, n) for n in names if getattr(options, n) is not None}
    settings = replace(RefinementSettings(), **changes)
    for name in options.problem:
        for calls in options.calls:
            training = small_data_settings(calls, seed=options.seed)
            training = replace(training, members=options.members or training.members)
            row = measured(name, calls, settings, training, options.folder)
            print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
