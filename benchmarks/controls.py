"""Two controls of training for an uncertainty (CMS-MLG-23-005), on the normals of SANNT.

    python benchmarks/controls.py [--seeds 3]

``normalisation``: the only systematic effect changes the yield of the background by 5 %, so that
there is nothing to gain over a classifier. ``low_statistics``: the same effect, estimated from one
in a hundred of the events, so that its histogram has a shape that is not there. Of each training
the uncertainty of μ is that which its own simulation shows, and the true one: the same observable
on 5·10⁵ other events of each sample, with the effect of the first control. The last columns are the
statistical and the systematic part of the true one. A training that looks better on its own
simulation and is not has fitted a fluctuation, and `dnnlik.optimise` warns of it before.
"""

from __future__ import annotations

import argparse
import gc
import warnings
from dataclasses import replace
from statistics import median

import numpy as np

from dnnlik.differentiable import (
    Binning,
    NetworkObservable,
    Settings,
    dense_network,
    evaluate,
    expected_impacts,
    optimise,
)
from dnnlik.differentiable.problems import normals_problem
from dnnlik.differentiable.problems.normals import CONTROLS
from dnnlik.exceptions import LowStatisticsWarning

EVENTS, OTHER_SEED, BINS = 500_000, 2_026, 8
SETTINGS = Settings("sigma_mu", 32, 4000, 2e-3, tracked=("sigma_mu",))


def measure(control: str, objective: str, seed: int) -> tuple[list[float], int]:
    """σ_μ on the own simulation, the true one, its parts; how many warnings there were."""
    problem = normals_problem(seed, control=control)
    network = dense_network([problem.events[n] for n in problem.names], (100, 100), seed=seed)
    observable = NetworkObservable(network, Binning(np.linspace(0, 1, BINS + 1), 0.03))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", LowStatisticsWarning)
        optimise(problem, observable, replace(SETTINGS, objective=objective, seed=seed))
    told = sum(issubclass(warning.category, LowStatisticsWarning) for warning in caught)
    own = evaluate(problem, observable, problem.events, ["sigma_mu"])["sigma_mu"]
    other = normals_problem(OTHER_SEED, EVENTS, control="normalisation")
    (true,) = expected_impacts(other, observable, other.events)
    return [own, true.total, true.statistical, true.systematic], told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args()
    heads = "".join(f"{head:>14}" for head in ("own", "true", "statistical", "systematic"))
    print(f"{'control':<16}{'trained for':<16}{heads}   warnings")
    for control in CONTROLS:
        for objective in ("cross_entropy", "sigma_mu"):
            found = []
            for seed in range(given.seeds):
                found.append(measure(control, objective, seed))
                gc.collect()
            columns = zip(*(numbers for numbers, _ in found), strict=True)
            numbers = "".join(f"{median(column):14.4f}" for column in columns)
            told = sum(count for _, count in found)
            print(f"{control:<16}{objective:<16}{numbers}   {told}", flush=True)


if __name__ == "__main__":
    main()
