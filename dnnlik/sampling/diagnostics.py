"""What is to be said of a whole sample: how many points it is worth, and whether its
chains agree."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dnnlik.exceptions import NotConverged
from dnnlik.parameters import ParameterSet
from dnnlik.sampling.convergence import r_hat, stored_autocorrelation_time
from dnnlik.sampling.effective import bulk_size, rank_r_hat, tail_size
from dnnlik.sampling.samplers import SAMPLERS
from dnnlik.sampling.store import SampleStore
from dnnlik.sampling.task import Task
from dnnlik.typing import JSON

__all__ = ["judged"]

LARGEST_R_HAT = 1.1
"""Gelman & Rubin's own limit: beyond it the points are not to be used."""

Array = NDArray[np.float64]


def judged(parameters: ParameterSet, tasks: list[Task], store: SampleStore) -> JSON:
    """Effective sizes and R-hat of the chains that follow the posterior.

    The worst parameter of each by name, and those of the parameters of interest. Long
    chains are judged by a part of their walkers (`SampleStore.chain`), and the sizes
    taken up to all.

    Raises:
        NotConverged: R-hat of a parameter is above 1.1.
    """
    unbiased = [task for task in tasks if task.strategy == "unbiased"]
    if not unbiased:
        return {}
    chains = [store.chain(task.first, task.steps, task.walkers) for task in unbiased]
    together = np.concatenate(chains, axis=1)
    scale = sum(task.rows for task in unbiased) / together[:, :, 0].size
    columns = [together[:, :, i] for i in range(len(parameters))]
    bulk = scale * np.array([bulk_size(column) for column in columns])
    tail = scale * np.array([tail_size(column) for column in columns])
    if SAMPLERS[unbiased[0].sampler].independent:
        sizes, agreement = bulk, np.array([rank_r_hat(column) for column in columns])
    else:
        tau = np.max([stored_autocorrelation_time(chain) for chain in chains], axis=0)
        sizes, agreement = scale * together[:, :, 0].size / tau, r_hat(chains, tau)
    _check(parameters, agreement)
    return _summary(parameters, sizes, bulk, tail, agreement)


def _check(parameters: ParameterSet, agreement: Array) -> None:
    worst = int(np.argmax(agreement))
    if agreement[worst] > LARGEST_R_HAT:
        raise NotConverged(
            "independent chains disagree: the likelihood may have several maxima. Received: "
            f"R-hat {agreement[worst]:.3f} for {parameters.names[worst]!r}"
        )


def _summary(
    parameters: ParameterSet, sizes: Array, bulk: Array, tail: Array, agreement: Array
) -> JSON:
    summary: JSON = {}
    measures = {
        "effective_points": (sizes, np.argmin),
        "bulk_effective_points": (bulk, np.argmin),
        "tail_effective_points": (tail, np.argmin),
        "r_hat": (agreement, np.argmax),
    }
    for name, (values, worst_of) in measures.items():
        worst = int(worst_of(values))
        summary[name] = float(values[worst])
        summary[f"{name}_parameter"] = parameters.names[worst]
    summary["poi"] = {
        poi: {name: float(v[parameters.index(poi)]) for name, (v, _) in measures.items()}
        for poi in parameters.poi_names
    }
    return summary
