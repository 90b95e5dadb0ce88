"""A HistFactory likelihood as plain arrays: what an exact copy in another language needs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from dnnlik.histfactory.layout import Layout
from dnnlik.parameters import ParameterSet

__all__ = ["HistFactoryDescription"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class HistFactoryDescription:
    """Everything that the exact likelihood of a workspace depends on.

    Columns are those of all parameters of the model, free and held, and of a one behind them.
    E elements (bins of samples), C cells (samples in channels), H and N parameters with a
    histosys and a normsys, as in `dnnlik.histfactory.layout`.

    Attributes:
        parameters: the free ones, d of them.
        columns: (d,) the column of each.
        held: the value of every column that is held, 1 in the last one, 0 where one is free.
        layout: positions.
        nominal: (E,); ``odd`` and ``even`` (H, E) of the additive interpolation.
        log_up, log_down: (N, C), ``polynomial`` (6, N, C) of the multiplicative one.
        observed: counts, one a bin.
        constant: the constraint terms of what is held.
    """

    parameters: ParameterSet
    columns: NDArray[np.intp]
    held: Array
    layout: Layout
    nominal: Array
    odd: Array
    even: Array
    log_up: Array
    log_down: Array
    polynomial: Array
    observed: Array
    constant: float

    @property
    def offset(self) -> float:
        """What ``log_main`` has beyond Σ n ln λ - λ: a constant."""
        return float(self.constant - gammaln(self.observed + 1.0).sum())
