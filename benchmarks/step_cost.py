"""What a training step costs: objectives of inference against cross-entropy.

The same network, batch and events; the objectives in turn, over and over, in one process, so
that whatever else the machine does falls on all of them. Prints ratios to cross-entropy of
signal against background *with its variations* (the same events), and against the nominal
background alone (half of the events for one nuisance parameter).

    python benchmarks/step_cost.py [--parameters 1 10 50] [--batch 2000] [--rounds 40]
"""

from __future__ import annotations

import argparse
import resource
import statistics
import time

import numpy as np

from dnnlik.differentiable import Events, Problem
from dnnlik.differentiable.expression import parse_loss
from dnnlik.differentiable.problems import blobs_problem
from dnnlik.differentiable.shipped import network_observable
from dnnlik.differentiable.training import Trainer

OBJECTIVES = (
    "cross_entropy_varied",
    "cross_entropy",
    "cls",
    "p0",
    "cls + p0",
    "sigma_mu",
    "limit",
)


def problem_with(parameters: int) -> Problem:
    """The blobs with as many shape variations, each with events of its own."""
    one = blobs_problem(0)
    rng = np.random.default_rng(1)
    background = one.events["background"].features
    events = {"signal": one.events["signal"], "background": one.events["background"]}
    modifiers = []
    for number in range(parameters):
        shift = rng.normal(0.0, 1.0, 2)
        names = {"hi_data": f"up_{number}", "lo_data": f"down_{number}"}
        events[names["hi_data"]] = Events(background + shift)
        events[names["lo_data"]] = Events(background - shift)
        modifiers.append({"name": f"shape_{number}", "type": "histosys", "data": names})
    samples = [one.channels[0]["samples"][0], {"name": "background", "data": "background"}]
    samples[1]["modifiers"] = modifiers
    yields = {name: 20.0 if name == "signal" else 100.0 for name in events}
    channels = [{"name": "blobs", "samples": samples}]
    return Problem(events=events, channels=channels, yields=yields, floor=1e-3)


def trainer(problem: Problem, objective: str, batch: int, bins: int) -> Trainer:
    """Ready to step; its first epoch compiles."""
    observable = network_observable(problem, bins)
    made = Trainer(problem, problem.events, observable, parse_loss(objective), batch_size=batch)
    made.epoch(0)
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parameters", type=int, nargs="+", default=[1, 10, 50])
    parser.add_argument("--batch", type=int, default=2000)
    parser.add_argument("--bins", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--objectives", nargs="+", default=list(OBJECTIVES))
    given = parser.parse_args()
    for parameters in given.parameters:
        problem = problem_with(parameters)
        trainers, compiling = {}, {}
        for name in given.objectives:
            begun = time.perf_counter()
            trainers[name] = trainer(problem, name, given.batch, given.bins)
            compiling[name] = time.perf_counter() - begun
        seconds: dict[str, list[float]] = {name: [] for name in trainers}
        for number in range(given.rounds):
            for name, made in trainers.items():
                begun = time.perf_counter()
                made.epoch(number)
                seconds[name].append((time.perf_counter() - begun) / made.steps)
        report(parameters, given.batch, seconds, compiling)


def report(
    parameters: int, batch: int, seconds: dict[str, list[float]], compiling: dict[str, float]
) -> None:
    """Medians, and medians of the ratios round by round."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"\n{parameters} nuisance parameters, {batch} events of each sample, {peak:.0f} MB so far"
    )
    heads = ("ms a step", "/ CE varied", "/ CE nominal", "compile s")
    print(f"{'objective':<24}" + "".join(f"{head:>14}" for head in heads))
    for name, values in seconds.items():
        ratios = [
            statistics.median(a / b for a, b in zip(values, seconds[other], strict=True))
            for other in ("cross_entropy_varied", "cross_entropy")
        ]
        print(
            f"{name:<24}{1e3 * statistics.median(values):>14.2f}{ratios[0]:>14.2f}"
            f"{ratios[1]:>14.2f}{compiling[name]:>14.1f}"
        )


if __name__ == "__main__":
    main()
