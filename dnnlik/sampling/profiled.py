"""Points around the profiled maxima: the biased half of a training sample.

arXiv:1911.03305 (section 3.2, sample S2) starts walkers *at* the maxima profiled
over uniform values of the parameter of interest (here: even ones) and lets them walk in tiny steps,
so that the sample runs from the profile, where t_μ is measured and a posterior in
tens of dimensions has no point at all, towards the typical set. Here the steps have
the shape of the posterior, so that the way is covered in hundreds of steps.
"""

from __future__ import annotations

import emcee
import numpy as np
from numpy.typing import NDArray

from dnnlik.inference import FitResult, likelihood_interval, profile
from dnnlik.sampling.moves import random_walk, sampler_of
from dnnlik.sampling.reference import laplace_reference
from dnnlik.sampling.store import SampleStore
from dnnlik.sampling.task import Task, spacing
from dnnlik.typing import JSON, LogDensity, Progress

__all__ = ["T_MAX", "run_profiled"]

T_MAX = 30.0
"""The maxima cover t_μ up to here, 5.5 standard deviations: what is scanned for an upper limit
and its expected band. A surrogate that learned less may rise where such a scan ends."""

_AT_MAXIMUM = 8
_DIFFUSION = 0.75  # variance that the walk accumulates, in units of the posterior's


def run_profiled(
    density: LogDensity, best: FitResult, task: Task, store: SampleStore, progress: Progress
) -> JSON:
    """Fill the rows of a task; a chain that was cut off is run again from its start.

    The first stored step of each walker is a profiled maximum. With several
    parameters of interest the walkers are shared out among them.

    Returns diagnostics: the ``range`` of each parameter of interest.
    """
    progress(f"chain {task.chain}: profiling", 0, 1)
    starts, ranges = _starts(density, best, task)
    reference = laplace_reference(density, best.point)
    width = len(best.point)
    # Small steps diffuse: after n of them the squared distance from the maximum is
    # 1 - exp(-n size²) of that of the posterior. End half-way, as the paper's walk does
    # (10⁵ one-coordinate steps of variance 5e-4 in 95 parameters), with steps that are
    # small enough to be accepted.
    thin = max(1, round(_DIFFUSION * width / 0.5 / task.steps))
    size = np.sqrt(_DIFFUSION / (thin * task.steps))
    sampler = sampler_of(density, task.walkers, random_walk(reference, size))
    state = emcee.State(starts, random_state=task.legacy_rng_state())
    block = np.empty((task.steps, *starts.shape))
    block[0] = starts
    text = f"chain {task.chain}: walking from the profile{spacing(thin)}"
    walk = sampler.sample(
        state,
        iterations=task.steps - 1,
        thin_by=thin,
        store=False,
        skip_initial_state_check=True,
    )
    for i, state in enumerate(walk, start=1):
        block[i] = state.coords
        progress(text, i + 1, task.steps)
    numbers = range(0, task.steps * thin, thin)
    store.write(task.first, block, strategy=task.strategy, chain=task.chain, steps=numbers)
    return {"range": ranges, "thin": thin}


def _starts(
    density: LogDensity, best: FitResult, task: Task
) -> tuple[NDArray[np.float64], dict[str, list[float]]]:
    """Profiled maxima for even values of each parameter of interest, its ends included,
    and for an eighth of the walkers the global one: every t_μ is measured from it."""
    rows: list[NDArray[np.float64]] = []
    ranges: dict[str, list[float]] = {}
    names = density.parameters.poi_names
    for name, share in zip(names, np.array_split(np.arange(task.walkers), len(names)), strict=True):
        low, high = likelihood_interval(density, name, T_MAX, best=best)
        at_maximum = max(1, share.size // _AT_MAXIMUM)
        values = np.linspace(low, high, share.size - at_maximum)
        rows.append(profile(density, name, values, best=best).points)
        rows.append(np.tile(best.point, (at_maximum, 1)))
        ranges[name] = [low, high]
    return np.concatenate(rows), ranges
