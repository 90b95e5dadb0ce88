"""What a training step costs: objectives of inference against cross-entropy.

The same network, batch and events; the objectives in turn, over and over, in one process, so
that whatever else the machine does falls on all of them. Prints ratios to cross-entropy of
signal against background *with its variations* (the same events), and against the nominal
background alone (half of the events for one nuisance parameter).

    python benchmarks/step_cost.py [--parameters 1 10 50] [--batch 2000] [--rounds 40]
    python benchmarks/step_cost.py --problem mixture --layers 100 100 --batch 4000 \\
        --objectives cross_entropy_varied cross_entropy inferno
    python benchmarks/step_cost.py --problem normals --layers 100 --batch 75000 \\
        --objectives cross_entropy_varied cross_entropy sannt

``inferno`` and ``sannt`` are the objectives of these methods with their histograms, 20 softmax bins
and 8 hard ones; all networks have the same layers.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import time

import numpy as np

from dnnlik.differentiable import (
    Binning,
    Events,
    NetworkObservable,
    Observable,
    Problem,
    SoftmaxObservable,
    dense_network,
)
from dnnlik.differentiable.binning import HardBinning
from dnnlik.differentiable.expression import parse_loss
from dnnlik.differentiable.methods import METHODS
from dnnlik.differentiable.problems import blobs_problem
from dnnlik.differentiable.shipped import SHIPPED
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


def observable_of(problem: Problem, name: str, bins: int, layers: list[int]) -> Observable:
    """A network with the histogram of a method, or the kernel histogram."""
    events = [problem.events[part] for part in problem.names]
    if name == "inferno":
        outputs = METHODS[name].bins
        return SoftmaxObservable(dense_network(events, layers, output="linear", outputs=outputs))
    network = dense_network(events, layers)
    if name == "sannt":
        return NetworkObservable(network, HardBinning(np.linspace(0, 1, METHODS[name].bins + 1)))
    return NetworkObservable(network, Binning(np.linspace(0, 1, bins + 1), 0.09))


def trainer(problem: Problem, name: str, batch: int, observable: Observable) -> Trainer:
    """Ready to step; its first epoch compiles."""
    loss = parse_loss(METHODS[name].settings.objective if name in METHODS else name)
    made = Trainer(problem, problem.events, observable, loss, batch_size=batch)
    made.epoch(0)
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parameters", type=int, nargs="+", default=[1, 10, 50])
    parser.add_argument("--problem", choices=("mixture", "normals"), help="in place of blobs")
    parser.add_argument("--layers", type=int, nargs="+", default=[128] * 4)
    parser.add_argument("--batch", type=int, default=2000)
    parser.add_argument("--bins", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--objectives", nargs="+", default=list(OBJECTIVES))
    given = parser.parse_args()
    # What all ratios are to.
    objectives = list(dict.fromkeys([*OBJECTIVES[:2], *given.objectives]))
    for parameters in [0] if given.problem else given.parameters:
        problem = SHIPPED[given.problem](0) if given.problem else problem_with(parameters)
        trainers, compiling = {}, {}
        for name in objectives:
            begun = time.perf_counter()
            observable = observable_of(problem, name, given.bins, given.layers)
            trainers[name] = trainer(problem, name, given.batch, observable)
            compiling[name] = time.perf_counter() - begun
        seconds: dict[str, list[float]] = {name: [] for name in trainers}
        for number in range(given.rounds):
            for name, made in trainers.items():
                begun = time.perf_counter()
                made.epoch(number)
                seconds[name].append((time.perf_counter() - begun) / made.steps)
        report(problem, given.batch, seconds, compiling)


def report(
    problem: Problem, batch: int, seconds: dict[str, list[float]], compiling: dict[str, float]
) -> None:
    """Medians, and medians of the ratios round by round."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"\n{problem.name}: {len(problem.names)} samples of events, {batch} of each in a step, "
        f"{peak:.0f} MB so far"
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
