"""The order of parameters. Nobody else keeps one.

A `ParameterSet` is an immutable, ordered list of `Parameter`; the columns of
every array of points, the inputs of every network and of every published file
follow it, and are addressed by name.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dnnlik.constraints import ConstraintTerms, Normal, Poisson
from dnnlik.documents import digest_of
from dnnlik.exceptions import InvalidParameters, InvalidPoints
from dnnlik.parameter import Parameter

__all__ = ["Normal", "Parameter", "ParameterSet", "Poisson"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class ParameterSet:
    """An ordered list of parameters with unique names, and their closed-form terms.

    >>> p = ParameterSet([Parameter("mu", 1, (0, 4), poi=True),
    ...                   Parameter("jes", 0, (-5, 5), Normal(0, 1))])
    >>> p.names, p.poi_names, p.index("jes")
    (('mu', 'jes'), ('mu',), 1)
    >>> [round(float(x), 6) for x in p.log_prior([[1.0, 0.0]])]   # uniform: -ln 4
    [-1.386294]
    """

    items: tuple[Parameter, ...] = field(default=())

    def __init__(self, items: Sequence[Parameter]) -> None:
        items = tuple(items)
        for item in items:
            if not isinstance(item, Parameter):
                raise InvalidParameters(
                    f"a parameter set holds dnnlik.Parameter objects. Received: {item!r}"
                )
        if not items:
            raise InvalidParameters("a parameter set needs at least one parameter. Received: none")
        names = [item.name for item in items]
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise InvalidParameters(f"parameter names must be unique. Received: {repeated} twice")
        object.__setattr__(self, "items", items)

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[Parameter]:
        return iter(self.items)

    def __getitem__(self, key: str | int) -> Parameter:
        return self.items[key if isinstance(key, int) else self.index(key)]

    def __contains__(self, name: object) -> bool:
        return name in self._positions

    @cached_property
    def _positions(self) -> dict[str, int]:
        return {item.name: i for i, item in enumerate(self.items)}

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names in column order."""
        return tuple(item.name for item in self.items)

    @cached_property
    def poi_names(self) -> tuple[str, ...]:
        """Names of the parameters of interest, in column order."""
        return tuple(item.name for item in self.items if item.poi)

    @cached_property
    def inits(self) -> Array:
        """Starting values, (d,)."""
        return _constant([item.init for item in self.items])

    @cached_property
    def lower(self) -> Array:
        """Lower bounds, (d,), possibly -inf."""
        return _constant([item.bounds[0] for item in self.items])

    @cached_property
    def upper(self) -> Array:
        """Upper bounds, (d,), possibly inf."""
        return _constant([item.bounds[1] for item in self.items])

    @cached_property
    def scales(self) -> Array:
        """A natural length of each parameter, (d,): constraint or prior width, else a
        twentieth of the bounds. Only for step sizes; no result depends on it."""
        return _constant([_scale(item) for item in self.items])

    @cached_property
    def constraint_terms(self) -> ConstraintTerms:
        """The constraints as arrays, for other languages and frameworks."""
        return ConstraintTerms.of([item.constraint for item in self.items])

    @cached_property
    def _prior_terms(self) -> ConstraintTerms:
        return ConstraintTerms.of([item.prior for item in self.items])

    @cached_property
    def _log_uniform(self) -> float:
        free = [i for i in self.items if i.constraint is None and i.prior is None]
        return -sum(math.log(i.bounds[1] - i.bounds[0]) for i in free)

    def index(self, name: str) -> int:
        """Column of a parameter; an unknown name is an error that lists the known."""
        try:
            return self._positions[name]
        except KeyError:
            shown = ", ".join(self.names[:12]) + (", ..." if len(self) > 12 else "")
            raise InvalidParameters(
                f"there is no parameter of this name; there are {shown}. Received: {name!r}"
            ) from None

    def points(self, points: ArrayLike) -> Array:
        """Check the shape of points and return them as a float64 array (n, d).

        A NaN or infinity is an error; a value outside the bounds is not (its density
        is 0).
        """
        try:
            array = np.asarray(points, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise InvalidPoints(f"points must be numbers. Received: {error}") from error
        if array.ndim != 2 or array.shape[1] != len(self):
            raise InvalidPoints(
                f"points must have shape (n, {len(self)}), one column a parameter in the order "
                f"of .parameters.names. Received: shape {array.shape}"
            )
        if not np.isfinite(array).all():
            row, column = np.argwhere(~np.isfinite(array))[0]
            raise InvalidPoints(
                "points must be finite, without NaN. "
                f"Received: {array[row, column]} for {self.names[column]!r} in row {row}"
            )
        return array

    def inside(self, points: Array) -> NDArray[np.bool_]:
        """Which points lie within all bounds, ends included: (n, d) → (n,)."""
        return np.asarray(((points >= self.lower) & (points <= self.upper)).all(axis=1))

    def log_constraint(self, points: ArrayLike) -> Array:
        """Log of the auxiliary measurements, normalised, (n, d) → (n,)."""
        return self.constraint_terms.value(self.points(points))

    def log_constraint_gradient(self, points: ArrayLike) -> Array:
        """Gradient of `log_constraint`, (n, d) → (n, d)."""
        return self.constraint_terms.gradient(self.points(points))

    def log_prior(self, points: ArrayLike) -> Array:
        """Log prior of the unconstrained parameters, (n, d) → (n,).

        Uniform within the bounds unless a parameter has its own prior; minus
        infinity outside the bounds of *any* parameter. A prior that is cut by
        bounds is not renormalised.
        """
        array = self.points(points)
        value = self._prior_terms.value(array) + self._log_uniform
        return np.where(self.inside(array), value, -np.inf)

    def reordered(self, names: Sequence[str]) -> ParameterSet:
        """The same parameters in the order of ``names`` (each exactly once)."""
        if len(names) != len(self) or set(names) != set(self.names):
            raise InvalidParameters(
                f"names must be the {len(self)} parameters of the set, each once. "
                f"Received: {list(names)}"
            )
        return ParameterSet([self[name] for name in names])

    def to_json(self) -> list[dict[str, Any]]:
        """A JSON list in column order."""
        return [item.to_json() for item in self.items]

    @classmethod
    def from_json(cls, document: Sequence[Mapping[str, Any]]) -> ParameterSet:
        """The inverse of `to_json`."""
        if not isinstance(document, list | tuple):
            raise InvalidParameters(f"parameters are a JSON list. Received: {document!r}")
        return cls([Parameter.from_json(item) for item in document])

    def digest(self) -> str:
        """SHA-256 of the canonical JSON, to tell whether two files mean the same."""
        return digest_of(self.to_json())


def _constant(values: list[float]) -> Array:
    """An array that nobody can change: it is shared."""
    array = np.array(values, dtype=np.float64)
    array.flags.writeable = False
    return array


def _scale(parameter: Parameter) -> float:
    lower, upper = parameter.bounds
    width = (upper - lower) / 20.0
    measured = parameter.constraint or parameter.prior
    return width if measured is None else min(measured.scale, width)
