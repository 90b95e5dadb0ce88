"""Parameters and their order. Nobody else keeps one.

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

from dnnlik.constraints import (
    Constraint,
    ConstraintTerms,
    Normal,
    Poisson,
    constraint_from_json,
)
from dnnlik.documents import digest_of
from dnnlik.exceptions import InvalidParameters, InvalidPoints

__all__ = ["Normal", "Parameter", "ParameterSet", "Poisson"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Parameter:
    """One parameter of a likelihood.

    Args:
        name: unique in its set.
        init: where fits start; inside the bounds.
        bounds: (lower, upper); infinite only for a parameter whose constraint
            or prior keeps it finite.
        constraint: the auxiliary measurement of it, `Normal` or `Poisson`.
        poi: whether it is a parameter of interest.
        prior: of an unconstrained parameter; without one it is uniform within
            the bounds.

    >>> Parameter("mu", init=1, bounds=(0, 10), poi=True).constraint is None
    True
    """

    name: str
    init: float
    bounds: tuple[float, float] = (-math.inf, math.inf)
    constraint: Constraint | None = None
    poi: bool = False
    prior: Normal | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise InvalidParameters(f"a parameter needs a name. Received: {self.name!r}")
        try:
            lower, upper = (float(bound) for bound in self.bounds)
            init = float(self.init)
        except (TypeError, ValueError) as error:
            raise InvalidParameters(
                f"parameter {self.name!r} needs a number as init and two as bounds. "
                f"Received: init={self.init!r}, bounds={self.bounds!r}"
            ) from error
        object.__setattr__(self, "bounds", (lower, upper))
        object.__setattr__(self, "init", init)
        self._check_terms()
        if not math.isfinite(init):
            raise InvalidParameters(
                f"parameter {self.name!r} needs a finite init. Received: {init}"
            )
        if not lower < upper:
            raise InvalidParameters(
                f"parameter {self.name!r} needs bounds (lower, upper) with lower < upper. "
                f"Received: {self.bounds}"
            )
        if not lower <= init <= upper:
            raise InvalidParameters(
                f"parameter {self.name!r} starts outside its bounds {self.bounds}. "
                f"Received: init={init}"
            )
        if self.constraint is not None and self.prior is not None:
            raise InvalidParameters(
                f"parameter {self.name!r} has a constraint, so it takes no prior as well. "
                f"Received: {self.prior}"
            )
        finite = math.isfinite(lower) and math.isfinite(upper)
        if not finite and self.constraint is None and self.prior is None:
            raise InvalidParameters(
                f"parameter {self.name!r} is unbounded and nothing constrains it: give it finite "
                f"bounds, a constraint or a prior. Received: bounds={self.bounds}"
            )

    def _check_terms(self) -> None:
        if self.constraint is not None and not isinstance(self.constraint, Normal | Poisson):
            raise InvalidParameters(
                f"the constraint of {self.name!r} must be a dnnlik.Normal or dnnlik.Poisson. "
                f"Received: {self.constraint!r}"
            )
        if self.prior is not None and not isinstance(self.prior, Normal):
            raise InvalidParameters(
                f"the prior of {self.name!r} must be a dnnlik.Normal. Received: {self.prior!r}"
            )

    def to_json(self) -> dict[str, Any]:
        """A JSON object; infinite bounds become null."""
        document: dict[str, Any] = {
            "name": self.name,
            "init": self.init,
            "bounds": [b if math.isfinite(b) else None for b in self.bounds],
            "constraint": None if self.constraint is None else self.constraint.to_json(),
            "poi": bool(self.poi),
        }
        if self.prior is not None:
            document["prior"] = self.prior.to_json()
        return document

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Parameter:
        """The inverse of `to_json`."""
        try:
            lower, upper = document["bounds"]
            prior = constraint_from_json(document.get("prior"))
            if isinstance(prior, Poisson):
                raise InvalidParameters(f"a prior is 'normal' or null. Received: {prior}")
            return cls(
                name=document["name"],
                init=document["init"],
                bounds=(
                    -math.inf if lower is None else float(lower),
                    math.inf if upper is None else float(upper),
                ),
                constraint=constraint_from_json(document["constraint"]),
                poi=bool(document["poi"]),
                prior=prior,
            )
        except (KeyError, TypeError, ValueError) as error:
            if isinstance(error, InvalidParameters):
                raise
            raise InvalidParameters(
                f"a parameter is an object with name, init, bounds, constraint and poi. "
                f"Received: {document}"
            ) from error


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
