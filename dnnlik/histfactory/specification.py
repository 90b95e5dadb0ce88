"""What a HistFactory model says, as plain data: no pyhf, no TensorFlow.

Made by `dnnlik.histfactory.workspace`, turned into arrays by
`dnnlik.histfactory.layout`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnlik.parameters import Parameter

__all__ = ["HISTOSYS_CODES", "NORMSYS_CODES", "Cell", "Modifier", "Specification"]

HISTOSYS_CODES = ("code0", "code2", "code4p")
NORMSYS_CODES = ("code1", "code4")


@dataclass(frozen=True)
class Modifier:
    """One modifier of one sample in one channel, as the JSON schema of pyhf has it."""

    name: str
    kind: str
    data: Any


@dataclass(frozen=True)
class Cell:
    """One sample in one channel: nominal expected events (bins,) and its modifiers."""

    channel: str
    sample: str
    nominal: NDArray[np.float64]
    modifiers: tuple[Modifier, ...]


@dataclass(frozen=True)
class Specification:
    """A model with its data.

    ``parameters`` are all of them in pyhf's order, one a component of a vector
    parameter; ``columns`` gives for each modifier name the columns of its
    components; ``fixed`` tells which are held at their init; ``observed`` are
    the main-measurement counts, channels in the order of ``channels``.
    """

    channels: tuple[tuple[str, int], ...]
    cells: tuple[Cell, ...]
    parameters: tuple[Parameter, ...]
    fixed: tuple[bool, ...]
    columns: Mapping[str, range]
    observed: NDArray[np.float64]
    normsys_code: str
    histosys_code: str

    @property
    def bins(self) -> int:
        """Bins of all channels together."""
        return sum(size for _, size in self.channels)
