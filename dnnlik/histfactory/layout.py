"""From a specification to stacked arrays: what is where, and the templates.

An *element* is one bin of one cell (a sample in a channel); cells and bins that
do not exist have no element. The `Layout` holds only positions; the numbers
that a differentiable analysis replaces in each step are the `Templates`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dnnlik.exceptions import InvalidLikelihood
from dnnlik.histfactory.specification import Cell, Modifier, Specification

__all__ = [
    "Layout",
    "TemplatePieces",
    "Templates",
    "component_columns",
    "layout_of",
    "template_pieces",
    "templates_of",
]

Index = NDArray[np.intp]


class Templates(NamedTuple):
    """Histograms and scale factors, as arrays or tensors (float64).

    For E elements, C cells, H histosys and N normsys parameters that move something:
    ``nominal`` (E,), ``histosys_up`` and ``histosys_down`` (H, E) expected events at
    ±1 standard deviation, ``normsys_up`` and ``normsys_down`` (N, C) scale factors.
    Where a parameter does nothing, its templates are the nominal ones, or 1.
    """

    nominal: NDArray[np.float64]
    histosys_up: NDArray[np.float64]
    histosys_down: NDArray[np.float64]
    normsys_up: NDArray[np.float64]
    normsys_down: NDArray[np.float64]


@dataclass(frozen=True)
class Layout:
    """Where everything is.

    Attributes:
        element_cell: (E,) the cell of each element.
        element_bin: (E,) its bin among the bins of all channels.
        histosys: (H,) parameter columns of the histosys rows.
        normsys: (N,) parameter columns of the normsys rows.
        factors: (K, E) columns of the parameters that multiply each element
            (normfactor, lumi, shapesys, staterror, shapefactor), padded with
            ``one``, the column that holds 1.
        one: the number of parameters.
        bins: number of bins.
        normsys_code, histosys_code: the interpolation of each.
    """

    element_cell: Index
    element_bin: Index
    histosys: Index
    normsys: Index
    factors: Index
    one: int
    bins: int
    normsys_code: str
    histosys_code: str

    @property
    def cells(self) -> int:
        """Number of cells."""
        return int(self.element_cell.max()) + 1


def layout_of(spec: Specification, *others: Specification) -> Layout:
    """The positions of everything in a specification; modifiers that move something in
    it or in one of the ``others``, which differ from it in numbers alone."""
    sizes = dict(spec.channels)
    cell_sizes = [_checked(cell, sizes[cell.channel]).nominal.size for cell in spec.cells]
    first_bin = dict(zip(sizes, np.cumsum([0, *sizes.values()][:-1]), strict=True))
    bins = [
        first_bin[c.channel] + np.arange(n) for c, n in zip(spec.cells, cell_sizes, strict=True)
    ]
    return Layout(
        element_cell=np.repeat(np.arange(len(spec.cells)), cell_sizes),
        element_bin=np.concatenate(bins).astype(np.intp),
        histosys=_columns((spec, *others), "histosys"),
        normsys=_columns((spec, *others), "normsys"),
        factors=_factors(spec, cell_sizes),
        one=len(spec.parameters),
        bins=spec.bins,
        normsys_code=spec.normsys_code,
        histosys_code=spec.histosys_code,
    )


def templates_of(spec: Specification, layout: Layout) -> Templates:
    """The numbers of a specification, rows in the order of its layout."""
    pieces = template_pieces(spec, layout)
    nominal = np.concatenate(pieces.nominal)
    up, down = (
        np.array([np.concatenate(row) for row in rows]).reshape(-1, nominal.size)
        for rows in (pieces.histosys_up, pieces.histosys_down)
    )
    high, low = (
        np.array(rows, dtype=np.float64).reshape(-1, len(spec.cells))
        for rows in (pieces.normsys_up, pieces.normsys_down)
    )
    return Templates(nominal, up, down, high, low)


class TemplatePieces(NamedTuple):
    """The parts of `Templates` as they are in the cells, to be concatenated: histograms,
    and rows of a histogram, or scale factor, a cell. Arrays, or tensors."""

    nominal: list[Any]
    histosys_up: list[list[Any]]
    histosys_down: list[list[Any]]
    normsys_up: list[list[Any]]
    normsys_down: list[list[Any]]


def template_pieces(spec: Specification, layout: Layout) -> TemplatePieces:
    """What each cell brings, rows in the order of the layout."""
    nominal = [cell.nominal for cell in spec.cells]
    histograms = {"hi_data": [list(nominal) for _ in layout.histosys]}
    histograms["lo_data"] = [list(nominal) for _ in layout.histosys]
    scales = {key: [[1.0] * len(nominal) for _ in layout.normsys] for key in ("hi", "lo")}
    where: dict[str, tuple[Index, dict[str, list[list[Any]]]]]
    where = {"histosys": (layout.histosys, histograms), "normsys": (layout.normsys, scales)}
    for c, cell in enumerate(spec.cells):
        for modifier in (m for m in cell.modifiers if m.kind in where):
            columns, pieces = where[modifier.kind]
            for row in np.flatnonzero(columns == spec.columns[modifier.name].start):
                for key, rows in pieces.items():
                    rows[row][c] = modifier.data[key]
    return TemplatePieces(nominal, *histograms.values(), *scales.values())


def _checked(cell: Cell, size: int) -> Cell:
    if cell.nominal.size != size or not np.isfinite(cell.nominal).all():
        raise InvalidLikelihood(
            f"sample {cell.sample!r} in channel {cell.channel!r} needs {size} finite numbers. "
            f"Received: {cell.nominal.tolist()[:8]}"
        )
    return cell


def _columns(specs: Sequence[Specification], kind: str) -> Index:
    """Columns of all parameters with such modifiers that move something, each once,
    ascending. Published workspaces are full of modifiers that do nothing."""
    moves = _moves_histogram if kind == "histosys" else _moves_scale
    columns = {
        spec.columns[m.name].start
        for spec in specs
        for cell in spec.cells
        for m in cell.modifiers
        if m.kind == kind and moves(cell, m)
    }
    return np.array(sorted(columns), dtype=np.intp)


def _moves_histogram(cell: Cell, modifier: Modifier) -> bool:
    up, down = (_histogram(cell, modifier, key) for key in ("hi_data", "lo_data"))
    return not (np.array_equal(up, cell.nominal) and np.array_equal(down, cell.nominal))


def _moves_scale(cell: Cell, modifier: Modifier) -> bool:
    return not _scale(cell, modifier, "hi") == _scale(cell, modifier, "lo") == 1.0


def _histogram(cell: Cell, modifier: Modifier, key: str) -> NDArray[np.float64]:
    data = np.asarray(modifier.data[key], dtype=np.float64)
    if data.shape != cell.nominal.shape or not np.isfinite(data).all():
        raise InvalidLikelihood(
            f"histosys {modifier.name!r} of sample {cell.sample!r} in channel {cell.channel!r} "
            f"needs {cell.nominal.size} finite numbers as {key}. Received: {data.tolist()[:8]}"
        )
    return data


def _scale(cell: Cell, modifier: Modifier, key: str) -> float:
    value = modifier.data[key]
    number = float(value) if isinstance(value, int | float) else np.nan
    # Codes 1 and 4 take its logarithm; pyhf answers NaN here.
    if not 0 < number < np.inf:
        raise InvalidLikelihood(
            f"normsys {modifier.name!r} of sample {cell.sample!r} in channel {cell.channel!r} "
            f"needs a positive factor {key!r}. Received: {value!r}"
        )
    return number


def component_columns(spec: Specification) -> list[dict[str, Index]]:
    """For each cell: the columns of each of its modifiers that has one component a bin
    (shapesys, shapefactor, staterror), by the name of the modifier."""
    offsets, bins = _channel_offsets(spec), dict(spec.channels)
    found: list[dict[str, Index]] = []
    for cell in spec.cells:
        own = {}
        for m in cell.modifiers:
            if m.kind in _BY_BIN:
                # Not the length of the histogram: a tensor may have an axis of models first.
                first = offsets.get((m.name, cell.channel), 0)
                own[m.name] = np.array(spec.columns[m.name][first : first + bins[cell.channel]])
        found.append(own)
    return found


_BY_BIN = ("shapesys", "shapefactor", "staterror")


def _factors(spec: Specification, cell_sizes: list[int]) -> Index:
    """The columns that multiply each element, as a padded array (K, E)."""
    starts = np.cumsum([0, *cell_sizes])
    lists: list[list[int]] = [[] for _ in range(int(starts[-1]))]
    for c, (cell, components) in enumerate(zip(spec.cells, component_columns(spec), strict=True)):
        for modifier in cell.modifiers:
            if modifier.kind in _BY_BIN:
                columns: Iterable[int] = components[modifier.name]
            elif modifier.kind in ("normfactor", "lumi"):
                columns = [spec.columns[modifier.name].start] * cell_sizes[c]
            else:
                continue
            for element, column in enumerate(columns, start=int(starts[c])):
                lists[element].append(column)
    depth = max((len(columns) for columns in lists), default=0)
    padded = [columns + [len(spec.parameters)] * (depth - len(columns)) for columns in lists]
    return np.array(padded, dtype=np.intp).reshape(len(lists), depth).T


def _channel_offsets(spec: Specification) -> dict[tuple[str, str], int]:
    """First component of each staterror in each channel: one that spans several
    channels has its components in the order of the channels."""
    used = {
        (m.name, cell.channel)
        for cell in spec.cells
        for m in cell.modifiers
        if m.kind == "staterror"
    }
    offsets: dict[tuple[str, str], int] = {}
    filled: dict[str, int] = {}
    for channel, size in spec.channels:
        for name in (name for name, where in sorted(used) if where == channel):
            offsets[name, channel] = filled.get(name, 0)
            filled[name] = offsets[name, channel] + size
    return offsets
