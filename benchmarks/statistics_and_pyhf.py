"""Test statistics, CLs and limits beside pyhf's: largest differences, and seconds.

    python benchmarks/statistics_and_pyhf.py likelihoods/two_regions/workspace.json
    python benchmarks/statistics_and_pyhf.py FOLDER/sbottom_66p.json --tolerance 1e-6

Both get the same workspace; pyhf also our best fit to start from, and for the tilde
statistics a lower bound of 0 for its parameter of interest. The tolerance is that of
pyhf's optimizer (SLSQP; 1e-6 is what it has by default).
"""

from __future__ import annotations

import argparse
import json
import logging
import time
from pathlib import Path

import numpy as np
import pyhf

from dnnlik.inference import cls_curve, discovery, fit, statistic, upper_limit
from dnnlik.likelihoods import open_likelihood

MUS = (0.0, 0.3, 1.0, 2.5)
STATISTICS = {
    "t": pyhf.infer.test_statistics.tmu,
    "ttilde": pyhf.infer.test_statistics.tmu_tilde,
    "q": pyhf.infer.test_statistics.qmu,
    "qtilde": pyhf.infer.test_statistics.qmu_tilde,
    "q0": pyhf.infer.test_statistics.q0,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--tolerance", type=float, default=1e-10)
    arguments = parser.parse_args()
    logging.getLogger("pyhf").setLevel(logging.ERROR)
    pyhf.set_backend("numpy", pyhf.optimize.scipy_optimizer(tolerance=arguments.tolerance))
    likelihood = open_likelihood(arguments.workspace)
    workspace = pyhf.Workspace(json.loads(arguments.workspace.read_text()), validate=False)
    model = workspace.model(validate=False)
    compare(likelihood, model, workspace.data(model))


def compare(likelihood, model, data) -> None:
    """Print a line for each quantity."""
    poi, fixed = model.config.poi_index, model.config.suggested_fixed()
    negative = model.config.suggested_bounds()[poi][0] < 0
    best = likelihood.all_parameters(fit(likelihood).point[None])[0]

    def given(name):
        bounds, init = model.config.suggested_bounds(), best.tolist()
        if name in ("ttilde", "qtilde"):
            bounds[poi] = (0.0, bounds[poi][1])
            init[poi] = max(init[poi], 0.0)
        return init, bounds, fixed

    for name, function in STATISTICS.items():
        if name in ("t", "q") and not negative:
            continue
        mus = (0.0,) if name == "q0" else MUS
        ours = statistic(likelihood, name, mus)
        theirs = [float(function(mu, data, model, *given(name))) for mu in mus]
        report(name, ours, theirs)
    for name in ("q", "qtilde") if negative else ("qtilde",):
        curve = cls_curve(likelihood, MUS[1:], test_statistic=name)
        results = [
            pyhf.infer.hypotest(mu, data, model, *given(name), test_stat=name,
                                return_expected_set=True, return_calculator=True)
            for mu in MUS[1:]
        ]  # fmt: skip
        report(f"CLs of {name}", curve.cls, [float(r[0]) for r in results])
        report(f"CLs of {name}, band", curve.expected, [list(map(float, r[1])) for r in results])
        roots = [float(r[2].sqrtqmuA_v) for r in results]
        report(f"{name} of Asimov data", curve.asimov_root**2, np.square(roots))
    p_value, calculator = pyhf.infer.hypotest(
        0.0, data, model, *given("q0"), test_stat="q0", return_calculator=True
    )
    found = discovery(likelihood)
    report("p_0", [found.p_value], [float(p_value)])
    report("expected Z", found.expected[[2]], [float(calculator.sqrtqmuA_v)])
    limits(likelihood, model, data, given("qtilde"))


def limits(likelihood, model, data, given) -> None:
    """pyhf's CLs at our limits (its own root finder takes minutes), and seconds."""
    upper_limit(likelihood)  # compiles
    start = time.perf_counter()
    limit = upper_limit(likelihood)
    seconds = time.perf_counter() - start
    start = time.perf_counter()
    for position, value in enumerate([limit.observed, *limit.expected]):
        if np.isfinite(value):
            observed, band = pyhf.infer.hypotest(
                float(value), data, model, *given, test_stat="qtilde", return_expected_set=True
            )
            at = float(band[position - 1]) if position else float(observed)
            report(f"CLs at limit {value:.4f}", [0.05], [at])
    each = (time.perf_counter() - start) / (1 + np.isfinite(limit.expected).sum())
    print(f"all six limits here: {seconds:.2f} s; one of pyhf's tests: {each:.2f} s")


def report(name, ours, theirs) -> None:
    difference = np.abs(np.asarray(ours) - np.asarray(theirs)).max()
    print(f"{name:<24} largest |difference| {difference:.1e}   (up to {np.max(theirs):.4g})")


if __name__ == "__main__":
    main()
