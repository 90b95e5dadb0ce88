"""Two signals and a background in categories: Σ σ and cross-entropy, with and without its bound.

    python benchmarks/categories.py [--gradients linear kernel] [--tolerances 0.01] [--seeds 3]

Each training has 30 epochs of cross-entropy and 100 of what it is for, on three quarters of 50,000
events a sample; its best epoch on the others is evaluated on 200,000 events a sample that no
training sees. Medians (worst) over the seeds.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from statistics import median

from dnnlik.differentiable import Constraint, Settings, evaluate, optimise
from dnnlik.differentiable.methods import METHODS, category_observable
from dnnlik.differentiable.problems import two_signals_problem

ANOTHER_SEED, EVALUATION = 2_026, 200_000
SHOWN = ("sigma_sum", "cross_entropy")


def measure(settings: Settings, gradient: str, seed: int) -> list[float]:
    """What is shown, of one training."""
    problem = two_signals_problem(seed)
    observable = category_observable(problem, seed=seed, gradient=gradient)
    optimise(problem, observable, replace(settings, seed=seed))
    others = two_signals_problem(ANOTHER_SEED, EVALUATION)
    found = evaluate(others, observable, others.events)
    return [found[name] for name in SHOWN]


def main(gradients: Sequence[str], tolerances: Sequence[float], seeds: int) -> None:
    sannt = METHODS["sannt"].settings
    trainings = {("cross-entropy", "none"): (replace(sannt, objective="cross_entropy"), "linear")}
    for gradient in gradients:
        trainings["Σ σ", gradient] = (sannt, gradient)
        for tolerance in tolerances:
            bounded = replace(sannt, constraint=Constraint(tolerance=tolerance))
            trainings[f"Σ σ, within {tolerance:g}", gradient] = (bounded, gradient)
    print(f"| trained for | derivative | {' | '.join(SHOWN)} |\n|---|---|---|---|")
    for (name, gradient), (settings, own) in trainings.items():
        rows = [measure(settings, own, seed) for seed in range(1, seeds + 1)]
        cells = [f"{median(c):.3f} ({max(c):.3f})" for c in zip(*rows, strict=True)]
        print(f"| {name} | {gradient} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--gradients", nargs="+", default=["linear", "kernel"])
    parser.add_argument("--tolerances", nargs="+", type=float, default=[0.01])
    parser.add_argument("--seeds", type=int, default=3)
    main(**vars(parser.parse_args()))
