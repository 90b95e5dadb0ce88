"""Sampling a likelihood into a file: what `dnnlik sample` does."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dnnlik.environment import software_versions
from dnnlik.exceptions import InvalidInput, InvalidParameters, NotConverged
from dnnlik.inference import FitResult, expansion_of_main, fit
from dnnlik.likelihoods.base import Likelihood
from dnnlik.sampling.convergence import r_hat, stored_autocorrelation_time
from dnnlik.sampling.ensemble import run_unbiased
from dnnlik.sampling.profiled import run_profiled
from dnnlik.sampling.samples import Maximum, Samples
from dnnlik.sampling.store import SampleStore
from dnnlik.sampling.task import Progress, Task, no_progress
from dnnlik.typing import JSON

__all__ = ["STRATEGY_FRACTIONS", "plan", "sample"]

STRATEGY_FRACTIONS = {"unbiased": 1.0, "mixed": 0.7, "profiled": 0.0}
"""The unbiased fraction of each strategy; the rest starts from the profile.
70 % and 30 % are those of sample S3 of arXiv:1911.03305."""

_ENSEMBLES = 2  # independent, so that they can be compared
_STEPS = 100  # stored steps of a chain to aim for: enough to measure its τ
_FEWEST_STEPS = 30
_LARGEST_R_HAT = 1.1  # Gelman & Rubin's own limit


def sample(
    likelihood: Likelihood,
    path: str | Path,
    *,
    strategy: str = "mixed",
    points: int = 100_000,
    seed: int = 0,
    progress: Progress = no_progress,
) -> Samples:
    """Sample a likelihood into an HDF5 file; an unfinished file is continued.

    Args:
        likelihood: what to sample; its ``log_density`` for the unbiased part.
        path: the file. A complete one of the same request is returned as it is.
        strategy: "unbiased" (the posterior), "profiled" (from the profiled maxima
            towards it) or "mixed" (70 % and 30 %).
        points: how many; rounded down to whole steps of all walkers.
        seed: the same seed gives the same file on the same software.
        progress: called with (text, done, total).

    Raises:
        InvalidInput: an unknown strategy, too few points, a negative seed, no poi.
        InvalidFile: the file is of another request, or cannot be written.
        NotConverged: the fit or a chain did not settle; the points are kept.
    """
    tasks = plan(len(likelihood.parameters), strategy=strategy, points=points, seed=seed)
    if not likelihood.parameters.poi_names:
        raise InvalidParameters(
            "at least one parameter must be of interest (poi=True). Received: none"
        )
    request = {
        "likelihood": likelihood.digest,
        "strategy": strategy,
        "points": points,
        "seed": seed,
    }
    rows = sum(task.rows for task in tasks)
    provenance = {"request": request, "software": software_versions()}
    store = SampleStore.open(path, likelihood, rows, provenance)
    if not store.complete:
        _fill(likelihood, tasks, store, progress)
    return Samples.open(path)


def plan(width: int, *, strategy: str, points: int, seed: int) -> list[Task]:
    """The chains of a sample: two ensembles for the unbiased part, one of the profile.

    >>> [(t.strategy, t.steps, t.walkers) for t in plan(3, strategy="mixed", points=10_000, seed=0)]
    [('unbiased', 54, 64), ('unbiased', 54, 64), ('profiled', 93, 32)]
    """
    if strategy not in STRATEGY_FRACTIONS:
        raise InvalidInput(
            f"the strategy must be one of {', '.join(STRATEGY_FRACTIONS)}. Received: {strategy!r}"
        )
    if seed < 0:
        raise InvalidInput(f"the seed must not be negative. Received: {seed}")
    fewest = _fewest_points(width, strategy)
    if points < fewest:
        raise InvalidInput(
            f"{width} parameters need at least {fewest} points with strategy {strategy!r}. "
            f"Received: {points}"
        )
    unbiased = STRATEGY_FRACTIONS[strategy] * points
    tasks: list[Task] = []
    if unbiased:
        walkers = _walkers(width, unbiased / _ENSEMBLES)
        steps = int(unbiased / _ENSEMBLES) // walkers
        tasks = [
            Task("unbiased", chain, chain * steps * walkers, steps, walkers, seed)
            for chain in range(_ENSEMBLES)
        ]
    biased = points - unbiased
    if biased:
        first = sum(task.rows for task in tasks)
        walkers = min(_walkers(0, _STEPS * math.sqrt(biased / 3)), 256)
        tasks.append(Task("profiled", len(tasks), first, int(biased) // walkers, walkers, seed))
    return tasks


def _fewest_points(width: int, strategy: str) -> int:
    """Two ensembles of twice as many walkers as parameters, thirty stored steps each."""
    fraction = STRATEGY_FRACTIONS[strategy]
    needed = _ENSEMBLES * _FEWEST_STEPS * _walkers(width, 0)
    return math.ceil(needed / fraction) if fraction else 1000


def _walkers(width: int, rows: float) -> int:
    """A power of two, at least twice the parameters (emcee's ensemble moves need it):
    compiled functions are evaluated in blocks of such sizes."""
    wanted = max(2 * width, min(int(rows / _STEPS), 512))
    return 2 ** math.ceil(math.log2(max(wanted, 16)))


def _fill(
    likelihood: Likelihood, tasks: list[Task], store: SampleStore, progress: Progress
) -> None:
    progress("finding the maximum", 0, 1)
    best = fit(likelihood).checked()
    store.write_maximum(Maximum(best.point, *expansion_of_main(likelihood, best.point)))
    for task in tasks[len(store.chains_done) :]:
        if task.strategy == "unbiased":
            found = run_unbiased(likelihood, best.point, task, store, progress)
        else:
            found = run_profiled(likelihood, best, task, store, progress)
        store.chain_done({"strategy": task.strategy, "walkers": task.walkers, **found})
    store.finish(_diagnostics(tasks, store, best))


def _diagnostics(tasks: list[Task], store: SampleStore, best: FitResult) -> JSON:
    """What is to be said of the whole sample; times in steps."""
    summary: JSON = {
        "chains": store.chains_done,
        "log_likelihood_at_maximum": best.log_likelihood,
    }
    unbiased = [_chain(task, store) for task in tasks if task.strategy == "unbiased"]
    if unbiased:
        tau = np.max([stored_autocorrelation_time(chain) for chain in unbiased], axis=0)
        agreement = r_hat(unbiased, tau)
        worst = int(np.argmax(agreement))
        summary["effective_points"] = sum(chain[:, :, 0].size for chain in unbiased) / tau.max()
        summary["r_hat"] = float(agreement[worst])
        summary["r_hat_parameter"] = best.parameters.names[worst]
        if agreement[worst] > _LARGEST_R_HAT:
            raise NotConverged(
                "the two ensembles disagree: the likelihood may have several maxima. Received: "
                f"R-hat {agreement[worst]:.3f} for {best.parameters.names[worst]!r}"
            )
    return summary


def _chain(task: Task, store: SampleStore) -> NDArray[np.float64]:
    points = store.read("points", task.first, task.first + task.rows)
    return points.reshape(task.steps, task.walkers, -1)
