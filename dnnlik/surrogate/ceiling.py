r"""How high a surrogate may rise where it was never trained.

In a hundred dimensions no training sees every corner, and in one that it has not seen a network
may rise far above the best fit: a maximum that is none, which fits and limits find. The
baseline knows better. On real likelihoods -2 ln L rises from the maximum at least 0.6 times as
steeply as its quadratic; so a surrogate is not believed where it rises less than half as steeply:

.. math:: \ln L(\theta) \le \tfrac12 Q(\theta) + c,

Q being the quadratic with the exact constraint terms, and c such that all training points are
below, by `MARGIN`; but for the tempered ones, which stray where nothing is fitted, so that a
single one of them would lift the ceiling of all. It cannot touch what was learned well: that is
far below.
"""

from __future__ import annotations

import numpy as np

from dnnlik.sampling.samples import STRATEGIES, Samples
from dnnlik.surrogate.data import split
from dnnlik.surrogate.description import STEEPNESS, Quadratic

__all__ = ["MARGIN", "ceiling_of"]

MARGIN = 1.0
"""In ln L: far above the errors of a surrogate that is of use, far below a false maximum that
would move a limit."""


def ceiling_of(samples: Samples, quadratic: Quadratic | None) -> float | None:
    """The constant c; None without a quadratic, where there is nothing to go by."""
    if quadratic is None:
        return None
    train = split(samples).train
    near = train & (samples.strategy != STRATEGIES.index("tempered"))
    rows = samples.rows(near if near.any() else train)
    baseline = quadratic.value_of(rows.points) + rows.log_constraint
    return float(np.max(rows.log_likelihood - STEEPNESS * baseline)) + MARGIN
