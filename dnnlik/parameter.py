"""One parameter of a likelihood: its name, where it starts, its bounds and closed-form terms."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dnnlik.constraints import Constraint, Normal, Poisson, constraint_from_json
from dnnlik.exceptions import InvalidParameters

__all__ = ["Parameter"]


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
        self._check_bounds()

    def _check_bounds(self) -> None:
        (lower, upper), init = self.bounds, self.init
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
        if self.constraint is not None and self.prior is not None:
            raise InvalidParameters(
                f"parameter {self.name!r} has a constraint, so it takes no prior as well. "
                f"Received: {self.prior}"
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
