"""From a pyhf specification with tensors for histograms to the arrays of the tensor program.

pyhf sees an outline of the specification, numbers that let every modifier do something; it
gives the order, bounds and kinds of constraint of the parameters. The tensors are then put
where the numbers were. Histograms are (bins,), or (models, bins) for many models at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from math import inf
from typing import Any

import tensorflow as tf

from dnnlik.constraints import Normal, Poisson
from dnnlik.exceptions import InvalidLikelihood
from dnnlik.histfactory.layout import (
    Layout,
    Templates,
    component_columns,
    layout_of,
    template_pieces,
)
from dnnlik.histfactory.specification import Cell, Specification
from dnnlik.histfactory.workspace import specification_of
from dnnlik.parameters import Parameter
from dnnlik.typing import JSON

__all__ = ["Traced", "number"]

SMALLEST_UNCERTAINTY = 1e-4
"""Relative uncertainties of shapesys and staterror below this count as this: a bin whose
uncertainty vanishes in training must not divide by zero."""


@dataclass(frozen=True)
class Traced:
    """A specification whose cells hold tensors, and where everything is.

    ``models``: the length of the leading axis of the histograms; 1 if they have none.
    """

    specification: Specification
    layout: Layout
    models: int

    @classmethod
    def of(
        cls,
        channels: Sequence[JSON],
        poi: str,
        parameters: Sequence[JSON],
        *,
        widths: Mapping[str, float],
        **codes: str,
    ) -> Traced:
        """Of the ``channels`` of a pyhf workspace and the ``parameters`` of a measurement.

        ``widths``: of auxiliary measurements, where they are not 1.
        """
        outline = specification_of(_workspace(_outline(channels), poi, parameters), **codes)
        samples = {(c["name"], s["name"]): s for c in _tensors(channels) for s in c["samples"]}

        def cell(outline: Cell) -> Cell:
            sample = samples[outline.channel, outline.sample]
            data = {(m["type"], m["name"]): m["data"] for m in sample["modifiers"]}
            modifiers = tuple(replace(m, data=data[m.kind, m.name]) for m in outline.modifiers)
            return replace(outline, nominal=sample["data"], modifiers=modifiers)

        spec = replace(
            outline,
            cells=tuple(cell(part) for part in outline.cells),
            parameters=_with_widths(outline, widths),
        )
        return cls(spec, layout_of(outline), _number_of_models(spec))

    def templates(self) -> Templates:
        """As `dnnlik.histfactory.layout.templates_of`, with a last axis of many models."""
        pieces = template_pieces(self.specification, self.layout)
        nominal = self._joined(pieces.nominal)
        cells, models = len(self.specification.cells), nominal.shape[1:]
        return Templates(
            nominal,
            self._rows(pieces.histosys_up, int(nominal.shape[0]), models),
            self._rows(pieces.histosys_down, int(nominal.shape[0]), models),
            self._rows(_scales(pieces.normsys_up), cells, models),
            self._rows(_scales(pieces.normsys_down), cells, models),
        )

    def _rows(self, rows: list[list[tf.Tensor]], width: int, models: Any) -> tf.Tensor:
        if not rows:
            return tf.zeros([0, width, *models], tf.float64)
        return tf.stack([self._joined(row) for row in rows])

    def _joined(self, pieces: Sequence[tf.Tensor]) -> tf.Tensor:
        """Histograms one after the other: (bins,), or (bins, models)."""
        if self.models == 1:
            return tf.concat([tf.reshape(piece, [-1]) for piece in pieces], axis=0)
        spread = [tf.broadcast_to(piece, [self.models, piece.shape[-1]]) for piece in pieces]
        return tf.transpose(tf.concat(spread, axis=1))

    def widths(self) -> tuple[tf.Tensor, tf.Tensor]:
        """Precisions of the normal constraints and factors of the Poisson ones, (models, d).

        Those of shapesys and staterror follow the templates (CERN-OPEN-2012-016, sections
        4.2 and 4.3): a factor (nominal/uncertainty)², and the quadratic sum of the
        uncertainties of the samples of a channel relative to the sum of their yields.
        """
        spec = self.specification
        kinds = [p.constraint for p in spec.parameters]
        precision: list[Any] = [k.sigma**-2 if isinstance(k, Normal) else 0.0 for k in kinds]
        factor: list[Any] = [k.factor if isinstance(k, Poisson) else 0.0 for k in kinds]
        sums: dict[tuple[int, ...], tuple[tf.Tensor, tf.Tensor]] = {}
        for cell, components in zip(spec.cells, component_columns(spec), strict=True):
            for modifier in cell.modifiers:
                columns = tuple(components.get(modifier.name, ()))
                if modifier.kind == "shapesys":
                    _put(factor, columns, cell.nominal, tf.square(modifier.data))
                elif modifier.kind == "staterror":
                    total, variance = sums.get(columns, (0.0, 0.0))
                    sums[columns] = total + cell.nominal, variance + tf.square(modifier.data)
        for columns, (total, variance) in sums.items():
            _put(precision, columns, total, variance)
        return self._stacked(precision), self._stacked(factor)

    def _stacked(self, values: list[Any]) -> tf.Tensor:
        tensors = [tf.convert_to_tensor(value, tf.float64) for value in values]
        return tf.stack([tf.broadcast_to(t, [self.models]) for t in tensors], axis=1)


def _with_widths(outline: Specification, widths: Mapping[str, float]) -> tuple[Parameter, ...]:
    """The parameters, some with another width of their auxiliary measurement, or without it."""
    scalar = {m.name for cell in outline.cells for m in cell.modifiers if m.kind in _OF_UNIT_WIDTH}
    bad = {n: w for n, w in widths.items() if n not in scalar or not w > 0}
    if bad:
        raise InvalidLikelihood(
            "widths are positive, of parameters of normsys and histosys "
            f"({', '.join(sorted(scalar)) or 'there are none'}). Received: {bad}"
        )

    def constraint(width: float) -> Normal | None:
        return Normal(0.0, float(width)) if width < inf else None

    return tuple(
        replace(p, constraint=constraint(widths[p.name])) if p.name in widths else p
        for p in outline.parameters
    )


_OF_UNIT_WIDTH = ("normsys", "histosys")


def _put(
    values: list[Any], columns: Sequence[int], nominal: tf.Tensor, variance: tf.Tensor
) -> None:
    """Put nominal²/variance into the columns of the bins; 1 where there is nothing, because
    there the parameter does nothing."""
    some = nominal > 0
    least = tf.square(SMALLEST_UNCERTAINTY * nominal)
    safe = tf.where(variance > least, variance, least)
    terms = tf.where(some, tf.square(nominal), 1.0) / tf.where(some, safe, 1.0)
    for column, term in zip(columns, tf.unstack(terms, axis=-1), strict=True):
        values[column] = term


def _tensor(value: Any) -> tf.Tensor:
    """A histogram (bins,) or (models, bins) as a float64 tensor."""
    tensor = number(value)
    if tensor.shape.rank not in (1, 2) or not tensor.shape.is_fully_defined():
        raise InvalidLikelihood(
            "a histogram is a tensor (bins,) or (models, bins) of known shape. "
            f"Received: shape {tensor.shape}"
        )
    return tensor


def number(value: Any) -> tf.Tensor:
    """A number, a list or a tensor of any kind as float64."""
    if tf.is_tensor(value):
        return tf.cast(value, tf.float64)
    try:
        return tf.convert_to_tensor(value, tf.float64)  # a list would be float32 first
    except (TypeError, ValueError) as error:
        raise InvalidLikelihood(f"expected numbers or a tensor. Received: {value!r}") from error


def _scale(value: Any) -> tf.Tensor:
    """A scale factor () or (models,) as a float64 tensor."""
    tensor = number(value)
    if tensor.shape.rank not in (0, 1):
        raise InvalidLikelihood(
            f"a scale factor is a number or a tensor (models,). Received: shape {tensor.shape}"
        )
    return tensor


def _scales(rows: list[list[Any]]) -> list[list[tf.Tensor]]:
    """Scale factors as histograms of one bin."""
    return [[number(value)[..., None] for value in row] for row in rows]


def _number_of_models(spec: Specification) -> int:
    histograms: list[Any] = [cell.nominal for cell in spec.cells]
    scales: list[Any] = []
    for modifier in chain.from_iterable(cell.modifiers for cell in spec.cells):
        if modifier.kind == "normsys":
            scales += modifier.data.values()
        elif modifier.kind == "histosys":
            histograms += modifier.data.values()
        elif modifier.kind in ("shapesys", "staterror"):
            histograms.append(modifier.data)
    sizes = {int(t.shape[0]) for t in histograms if t.shape.rank == 2}
    sizes |= {int(t.shape[0]) for t in scales if t.shape.rank == 1}
    if len(sizes) > 1:
        raise InvalidLikelihood(
            "histograms with an axis of models have the same number of them. "
            f"Received: {sorted(sizes)}"
        )
    return sizes.pop() if sizes else 1


def _tensors(channels: Sequence[JSON]) -> list[JSON]:
    """The channels with all numbers as tensors."""

    def data(kind: str, data: Any) -> Any:
        if kind == "histosys":
            return {key: _tensor(data[key]) for key in ("hi_data", "lo_data")}
        if kind == "normsys":
            return {key: _scale(data[key]) for key in ("hi", "lo")}
        return _tensor(data) if kind in ("shapesys", "staterror") else data

    return _replaced(channels, _tensor, data)


def _outline(channels: Sequence[JSON]) -> list[JSON]:
    """The channels with numbers that let pyhf see every modifier at work."""

    def bins(data: Any) -> int:
        return int(_tensor(data).shape[-1])

    def data(kind: str, data: Any) -> Any:
        if kind == "histosys":
            size = bins(data["hi_data"])
            return {"hi_data": [1.5] * size, "lo_data": [0.5] * size}
        if kind == "normsys":
            return {"hi": 1.1, "lo": 0.9}
        return [0.1] * bins(data) if kind in ("shapesys", "staterror") else data

    return _replaced(channels, lambda histogram: [1.0] * bins(histogram), data)


def _replaced(
    channels: Sequence[JSON],
    histogram: Callable[[Any], Any],
    data: Callable[[str, Any], Any],
) -> list[JSON]:
    """The channels with each nominal histogram, and the data of each modifier, replaced."""

    def sample(document: JSON) -> JSON:
        modifiers = [{**m, "data": data(m["type"], m.get("data"))} for m in document["modifiers"]]
        named = {**document, "name": document["name"]}
        return {**named, "data": histogram(document["data"]), "modifiers": modifiers}

    def channel(document: JSON) -> JSON:
        if not document["samples"]:
            raise InvalidLikelihood(
                f"a channel needs at least one sample. Received: {document['name']!r} with none"
            )
        samples = [sample(s) for s in document["samples"]]
        return {**document, "name": document["name"], "samples": samples}

    try:
        return [channel(document) for document in channels]
    except (KeyError, TypeError) as error:
        raise InvalidLikelihood(
            "channels are a list of objects with name and samples, samples have name, data and "
            f"modifiers, as in a pyhf workspace. Received: {type(error).__name__} {error}"
        ) from error


def _workspace(channels: list[JSON], poi: str, parameters: Sequence[JSON]) -> JSON:
    observations = [
        {"name": c["name"], "data": [1.0] * len(c["samples"][0]["data"])} for c in channels
    ]
    measurement = {"name": "traced", "config": {"poi": poi, "parameters": list(parameters)}}
    return {
        "channels": channels,
        "observations": observations,
        "measurements": [measurement],
        "version": "1.0.0",
    }
