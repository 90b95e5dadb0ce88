r"""How high a surrogate may rise where it was never trained.

In a hundred dimensions no training sees every corner, and in one that it has not seen a network
may rise far above the best fit: a maximum that is none, which fits and limits find. The
baseline knows better: with the quadratic and the exact constraint terms Q, and the best of the
training points θ*, a surrogate is believed up to

.. math:: \ln L(\theta) \le \ln L(\theta^*) + \kappa\,[Q(\theta) - Q(\theta^*)] + 2,

κ, at most 1, being the largest number for which every training point is below by 1. But for the
tempered ones, which stray where nothing is fitted: a single one of them would lift the ceiling
of all.
"""

from __future__ import annotations

import numpy as np

from dnnlik.sampling.samples import STRATEGIES, Samples
from dnnlik.surrogate.data import split
from dnnlik.surrogate.description import Ceiling, Quadratic

__all__ = ["MARGIN", "ceiling_of"]

MARGIN = 1.0
"""In ln L: far above the errors of a surrogate that is of use, far below a false maximum that
would move a limit."""


def ceiling_of(samples: Samples, quadratic: Quadratic | None) -> Ceiling | None:
    """The ceiling that the training points leave; None without a quadratic, where there is
    nothing to go by."""
    if quadratic is None:
        return None
    train = split(samples).train
    near = train & (samples.strategy != STRATEGIES.index("tempered"))
    rows = samples.rows(near if near.any() else train)
    values = rows.log_likelihood
    baseline = quadratic.value_of(rows.points) + rows.log_constraint
    best = int(values.argmax())
    falls, drops = values[best] - values, baseline[best] - baseline
    lower = drops > 0
    steepness = min(1.0, float(np.min((falls[lower] + MARGIN) / drops[lower], initial=1.0)))
    return Ceiling(steepness, float(values[best] - steepness * baseline[best]) + 2.0 * MARGIN)
