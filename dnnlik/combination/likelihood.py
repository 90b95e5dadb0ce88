"""Main terms of several likelihoods, with the closed-form terms of one parameter set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dnnlik.asimov import AsimovCurve
from dnnlik.documents import digest_of
from dnnlik.exceptions import InvalidInput
from dnnlik.likelihoods.base import Likelihood
from dnnlik.parameters import ParameterSet
from dnnlik.typing import Gradients, LogDensity, Points, Values, WithAsimovCurve

__all__ = ["CombinedLikelihood", "digest_of_members"]


class CombinedLikelihood(Likelihood):
    """The sum of the members' ``log_main``, plus constraints and priors of ``parameters``.

    Natural logarithms, no factor 2. Made by `dnnlik.combine`, `dnnlik.with_priors` and
    `dnnlik.with_constraints`. Where all members have gradients there is a
    ``value_and_gradient``; where one has a domain there is ``in_domain``. No value
    warns about points outside a domain: ask ``in_domain``.

    Args:
        members: any LogDensity each.
        names: for each member what its columns are called in ``parameters``.
        parameters: of the combination; their constraints and priors are the ones that count.
    """

    def __init__(
        self,
        members: Sequence[LogDensity],
        names: Sequence[Sequence[str]],
        parameters: ParameterSet,
    ) -> None:
        self.members = tuple(members)
        self.names = tuple(tuple(columns) for columns in names)
        self.parameters = parameters
        self._columns = [[parameters.index(name) for name in columns] for columns in self.names]
        digests = [getattr(m, "digest", "") or m.parameters.digest() for m in self.members]
        self.digest = digest_of_members(digests, self.names, parameters)
        if all(hasattr(member, "value_and_gradient") for member in self.members):
            self.value_and_gradient = self._value_and_gradient
        if any(hasattr(member, "in_domain") for member in self.members):
            # Its absence says that a likelihood means something everywhere.
            self.in_domain = self._in_domain

    @property
    def fixed_values(self) -> dict[str, float]:
        """What members hold fixed, by name: it may not be free where they are combined again."""
        found: dict[str, float] = {}
        for member in self.members:
            found |= getattr(member, "fixed_values", {})
        return {name: value for name, value in found.items() if name not in self.parameters}

    def _main(self, points: Points) -> Values:
        parts = [m.log_main(points[:, c]) for m, c in zip(self.members, self._columns, strict=True)]
        return np.asarray(np.sum(parts, axis=0))

    def _value_and_gradient(self, points: ArrayLike) -> tuple[Values, Gradients]:
        """``log_likelihood`` (n,) and its gradient (n, d)."""
        array = self.parameters.points(points)
        value = self.parameters.constraint_terms.value(array)
        gradient = self.parameters.constraint_terms.gradient(array)
        for member, columns in zip(self.members, self._columns, strict=True):
            main, slope = _main_and_gradient(member, array[:, columns])
            value = value + main
            gradient[:, columns] += slope
        return value, gradient

    def _in_domain(self, points: ArrayLike) -> NDArray[np.bool_]:
        """Which points are within the bounds and the domain of every member, (n, d) → (n,)."""
        array = self.parameters.points(points)
        inside = self.parameters.inside(array)
        for member, columns in zip(self.members, self._columns, strict=True):
            if hasattr(member, "in_domain"):
                inside &= member.in_domain(array[:, columns])
        return inside

    @property
    def has_uncertainty(self) -> bool:
        """Whether a member is an ensemble."""
        return any(_knows_uncertainty(member) for member in self.members)

    def asimov_curve(self, poi: str) -> AsimovCurve | None:
        """That of the only member, of which at most priors and flags were changed; None of
        several members, or with other constraints, bounds or names: then background-only data
        would show something else."""
        member = self.members[0]
        if len(self.members) > 1 or not isinstance(member, WithAsimovCurve):
            return None
        same = _what_fits_see(self.parameters) == _what_fits_see(member.parameters)
        return member.asimov_curve(poi) if same and self._names_kept else None

    @property
    def _names_kept(self) -> bool:
        return self.names[0] == tuple(self.members[0].parameters.names)

    def uncertainty(self, points: ArrayLike) -> Values:
        """One standard deviation of ``log_likelihood``, (n, d) → (n,): those of the members
        that know theirs, in quadrature. A single network adds nothing to it, for it does not
        know.

        Raises:
            InvalidInput: no member is an ensemble.
        """
        if not self.has_uncertainty:
            raise InvalidInput(
                "the uncertainty of a combination is that of members that are ensembles. "
                f"Received: {len(self.members)} members without one"
            )
        array = self.parameters.points(points)
        rows: Any = zip(self.members, self._columns, strict=True)
        known = [m.uncertainty(array[:, c]) for m, c in rows if _knows_uncertainty(m)]
        return np.asarray(np.sqrt(np.sum(np.square(known), axis=0)))


def digest_of_members(
    digests: Sequence[str], names: Sequence[Sequence[str]], parameters: ParameterSet
) -> str:
    """SHA-256 of a combination: what its members are, how their columns are called, and the
    terms that count. That of the same digests is the same whether a member is at hand."""
    return digest_of([list(digests), [list(columns) for columns in names], parameters.to_json()])


def _what_fits_see(parameters: ParameterSet) -> dict[str, tuple[Any, ...]]:
    return {p.name: (p.bounds, p.constraint) for p in parameters}


def _main_and_gradient(member: Any, points: Points) -> tuple[Values, Gradients]:
    value, gradient = member.value_and_gradient(points)
    terms = member.parameters.constraint_terms
    constraint = terms.value(points)
    # Impossible auxiliary data: minus infinity less minus infinity would be NaN.
    possible = np.isfinite(constraint)
    main = np.where(possible, value - np.where(possible, constraint, 0.0), -np.inf)
    return main, gradient - terms.gradient(points)


def _knows_uncertainty(member: Any) -> bool:
    return bool(getattr(member, "has_uncertainty", hasattr(member, "uncertainty")))
