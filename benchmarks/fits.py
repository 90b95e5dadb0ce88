"""Maximum-likelihood fits of toys: one batch of ours against pyhf's fits in a loop.

    python benchmarks/fits.py [--toys 1000] [--pyhf 10] [sbottom_66p two_regions ...]

The toys are drawn at the best fit. pyhf fits the first few of them from its suggested
inits (SciPy, NumPy backend), between two halves of our batch, and its time is scaled.
"Largest excess" is the most by which one of our nll is above pyhf's.
"""

from __future__ import annotations

import argparse
import json
import os
import time
import warnings
from pathlib import Path
from statistics import median
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pyhf
from workspaces import REAL, ROOT, real

from dnnlik.inference import fit, fit_many
from dnnlik.likelihoods import open_likelihood
from dnnlik.likelihoods.datasets import Datasets


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=["sbottom_66p"])
    parser.add_argument("--toys", type=int, default=1000)
    parser.add_argument("--pyhf", type=int, default=10, help="how many of them pyhf fits")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    print(
        "| workspace | toys | converged | ours, ms a fit | pyhf, ms a fit | ratio "
        "| gradients a fit | largest excess | largest gain |"
    )
    print("|" + "---|" * 9)
    for name in options.names:
        print(compare(name, options.toys, options.pyhf), flush=True)


def compare(name: str, toys: int, few: int) -> str:
    """One row of the table."""
    path = Path("benchmark_workspace.json")
    shipped = ROOT / "likelihoods" / name / "workspace.json"
    path.write_text(json.dumps(real(name) if name in REAL else json.loads(shipped.read_text())))
    likelihood = open_likelihood(path)
    workspace = pyhf.Workspace(json.loads(path.read_text()), validate=False)
    path.unlink()
    best = fit(likelihood)
    datasets = likelihood.generate(best.point, toys, np.random.default_rng(0))
    fit_many(likelihood.with_data(datasets), starts=best.point)  # compiles
    start = time.perf_counter()
    fits = fit_many(likelihood.with_data(datasets), starts=best.point)
    first = time.perf_counter() - start
    theirs, seconds = pyhf_fits(workspace, datasets, few)
    start = time.perf_counter()
    fit_many(likelihood.with_data(datasets), starts=best.point)
    ours = 0.5e3 * (first + time.perf_counter() - start) / toys
    excess = -fits.log_likelihood[:few] - theirs
    return (
        f"| {name} | {toys} | {fits.converged.sum()} | {ours:.2f} | {1e3 * median(seconds):.0f} "
        f"| {1e3 * median(seconds) / ours:.0f} | {fits.evaluations / toys:.0f} "
        f"| {np.nanmax(excess):.1e} | {-np.nanmin(excess):.1e} |"
    )


def pyhf_fits(
    workspace: pyhf.Workspace, datasets: Datasets, count: int
) -> tuple[np.ndarray, list[float]]:
    """nll of the first fits, NaN where pyhf gives up, and the seconds of each."""
    model = workspace.model(validate=False)
    values, seconds = np.full(count, np.nan), []
    for i in range(count):
        data = in_pyhfs_order(model, datasets.main[i], datasets.auxiliary[i])
        start = time.perf_counter()
        try:
            _, twice = pyhf.infer.mle.fit(data, model, return_fitted_val=True)
            values[i] = float(twice) / 2
        except pyhf.exceptions.FailedMinimization:
            pass
        seconds.append(time.perf_counter() - start)
    return values, seconds


def in_pyhfs_order(model: Any, main: np.ndarray, auxiliary: np.ndarray) -> list[float]:
    """Main data and one auxiliary value a parameter, as pyhf strings them together."""
    ours = iter(range(len(auxiliary)))
    fixed = model.config.suggested_fixed()
    column = {i: next(ours) for i, held in enumerate(fixed) if not held}
    default = iter(model.config.auxdata)
    values = []
    for name in model.config.auxdata_order:
        part = model.config.par_slice(name)
        for i in range(part.start, part.stop):
            nominal = float(next(default))
            values.append(float(auxiliary[column[i]]) if i in column else nominal)
    return [*main.tolist(), *values]


if __name__ == "__main__":
    main()
