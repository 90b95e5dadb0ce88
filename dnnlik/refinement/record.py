"""Calls as a sample file: which of them train, and which are kept for the test."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnlik.environment import software_versions
from dnnlik.refinement.budget import CountedLikelihood
from dnnlik.sampling.samples import COLUMNS, STRATEGIES, Maximum, Samples
from dnnlik.surrogate.data import PLACES, TEST_PLACES
from dnnlik.typing import JSON

__all__ = ["CHAINS", "samples_of"]

_TRAIN = np.setdiff1d(np.arange(PLACES), TEST_PLACES)
CHAINS = 6
"""Independence chains of the held-out part."""


def samples_of(
    density: CountedLikelihood,
    expansion: Maximum,
    request: JSON,
    *,
    last: int,
    chains: NDArray[np.intp] | None = None,
    diagnostics: JSON | None = None,
) -> Samples:
    """The calls with a finite log-likelihood as samples.

    Args:
        density: with its calls.
        expansion: at the maximum.
        request: what was asked for, to be found in the provenance.
        last: the last round that trains; what came later is held out, by its walker.
        chains: (steps, CHAINS) records that the held-out chains are at: the unbiased rows.
            A record that is in a chain is no row of its own.
        diagnostics: of the file.
    """
    finite = np.asarray(np.isfinite(density.records).all(axis=1))
    if chains is not None:
        finite[np.unique(chains)] = False
    else:
        finite &= density.records[:, 0] <= last
    plain = np.flatnonzero(finite)
    rounds = density.records[plain, 0].astype(int)
    number = np.arange(len(plain))
    test = rounds > last
    walker = np.where(
        test, np.array(TEST_PLACES)[number % len(TEST_PLACES)], _TRAIN[number % len(_TRAIN)]
    )
    held = np.empty((0, CHAINS), dtype=np.intp) if chains is None else chains
    places = np.array([PLACES * (i // 3) + TEST_PLACES[i % 3] for i in range(CHAINS)])
    rows = np.concatenate([plain, held.ravel()])
    steps = np.repeat(np.arange(len(held)), CHAINS)
    of_chain = np.repeat(STRATEGIES.index("unbiased"), held.size)
    return _assembled(
        density,
        rows,
        expansion,
        {"request": request, "software": software_versions()},
        diagnostics or {},
        strategy=np.concatenate([np.repeat(STRATEGIES.index("refined"), len(plain)), of_chain]),
        chain=np.concatenate([rounds, np.repeat(last + 1, held.size)]),
        walker=np.concatenate([walker, np.tile(places, len(held))]),
        step=np.concatenate([number, steps]),
    )


def _assembled(
    density: CountedLikelihood,
    rows: NDArray[np.intp],
    expansion: Maximum,
    provenance: JSON,
    diagnostics: JSON,
    **labels: NDArray[np.int_],
) -> Samples:
    p, records = density.parameters, density.records[rows]
    columns: dict[str, Any] = {n: column.astype(COLUMNS[n]) for n, column in labels.items()}
    points = records[:, 2 : 2 + len(p)].copy()
    return Samples(
        parameters=p,
        points=points,
        gradient=records[:, 2 + len(p) :].copy() if density.differentiable else None,
        log_main=records[:, 1].copy(),
        log_constraint=p.log_constraint(points),
        log_prior=p.log_prior(points),
        maximum=expansion,
        provenance=provenance,
        diagnostics=diagnostics,
        **columns,
    )
