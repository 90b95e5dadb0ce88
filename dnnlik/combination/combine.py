"""Several likelihoods as one: parameters of the same name are the same parameter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from dnnlik.combination.likelihood import CombinedLikelihood
from dnnlik.combination.terms import parameters_with_constraints, parameters_with_priors
from dnnlik.combination.union import names_in_union, renamed, union_of
from dnnlik.constraints import Constraint, Normal
from dnnlik.exceptions import InvalidInput, InvalidParameters
from dnnlik.parameters import ParameterSet
from dnnlik.typing import LogDensity

__all__ = ["combine", "renames_of"]


def combine(
    members: Sequence[LogDensity],
    *,
    rename: Sequence[Mapping[str, str]] | None = None,
    shared: Sequence[str] | None = None,
    poi: Sequence[str] | None = None,
    priors: Mapping[str, Normal | None] | None = None,
    constraints: Mapping[str, Constraint | None] | None = None,
) -> CombinedLikelihood:
    r"""One likelihood over the union of the parameters of its members.

    .. math:: \ln L(\theta) = \sum_m \ln L^{\rm main}_m(\theta_m) + \sum_i \ln c_i(\theta_i)

    The data of the members must be independent. Each auxiliary measurement is counted once,
    however many members have it. Constants of parameters that a workspace holds fixed are
    part of its ``log_main``, so that two members count them twice: no fit notices.

    Args:
        members: exact, learned or published likelihoods, in any mix.
        rename: for each member, new names by old ones.
        shared: names (after renaming) that are one parameter wherever they occur; all by
            default. Any other name that several members have gets the number of its member
            before it: ``1.jes``, ``2.jes``.
        poi: the parameters of interest, in place of the members' flags.
        priors, constraints: by the names of the union, in place of the members' own; they
            settle what members disagree about. See `dnnlik.with_priors`.

    Raises:
        InvalidInput: no members, the same object twice, or something that is no likelihood.
        InvalidParameters: unknown names; members that disagree about a shared parameter.

    >>> import numpy as np
    >>> from dnnlik import AnalyticLikelihood, Normal, Parameter
    >>> from dnnlik.inference import fit
    >>> def counting(seen):
    ...     parameters = [Parameter("mu", 1, (0, 9), poi=True),
    ...                   Parameter("jes", 0, (-5, 5), Normal(0, 1))]
    ...     return AnalyticLikelihood(parameters, lambda x: -0.5 * (x[:, 0] + x[:, 1] - seen) ** 2)
    >>> both = combine([counting(2.0), counting(3.0)])
    >>> both.parameters.names, round(fit(both)["mu"], 4)
    (('mu', 'jes'), 2.5)
    """
    members = tuple(members)
    _check_members(members)
    new = renames_of(rename, len(members))
    names = names_in_union([member.parameters for member in members], new, shared)
    _check_fixed(members, names, shared)
    sets = [renamed(m.parameters, columns) for m, columns in zip(members, names, strict=True)]
    parameters = union_of(_replaced(sets, priors or {}, constraints or {}, poi))
    return CombinedLikelihood(members, names, parameters)


def renames_of(rename: Sequence[Mapping[str, str]] | None, members: int) -> list[dict[str, str]]:
    """New names by old ones for each of so many members; none for None.

    Raises:
        InvalidInput: another number of mappings.
    """
    found = (
        [dict(names) for names in rename] if rename is not None else [{} for _ in range(members)]
    )
    if len(found) != members:
        raise InvalidInput(
            "rename needs one mapping for each member, which may be empty. "
            f"Received: {len(found)} for {members} members"
        )
    return found


def _check_members(members: Sequence[LogDensity]) -> None:
    if not members:
        raise InvalidInput("a combination needs at least one likelihood. Received: none")
    for member in members:
        if not isinstance(member, LogDensity):
            raise InvalidInput(
                f"a combination is made of likelihoods. Received: a {type(member).__name__}"
            )
    if len({id(member) for member in members}) < len(members):
        raise InvalidInput(
            "a combination of a likelihood with itself counts its data twice. "
            "Received: the same object twice"
        )


def _check_fixed(
    members: Sequence[LogDensity], names: Sequence[Sequence[str]], shared: Sequence[str] | None
) -> None:
    """What one member holds fixed may not be free, or elsewhere, in another."""
    free = {name for columns in names for name in columns}
    held: dict[str, float] = {}
    for member in members:
        for name, value in getattr(member, "fixed_values", {}).items():
            if shared is not None and name not in shared:
                continue
            if name in free or held.get(name, value) != value:
                other = "free" if name in free else f"held at {held[name]:g}"
                raise InvalidParameters(
                    f"{name!r} is fixed in one member and means something else in another: free "
                    f"it in the workspace or rename. Received: held at {value:g} and {other}"
                )
            held[name] = value


def _replaced(
    sets: Sequence[ParameterSet],
    priors: Mapping[str, Normal | None],
    constraints: Mapping[str, Constraint | None],
    poi: Sequence[str] | None,
) -> list[ParameterSet]:
    """What is said of the union, said to each member that has the parameter."""
    known = {name for parameters in sets for name in parameters.names}
    for name in [*priors, *constraints, *(poi or [])]:
        if name not in known:
            raise InvalidParameters(
                f"no member has, after renaming, a parameter of this name. Received: {name!r}"
            )
    found = []
    for parameters in sets:
        ours = {n: term for n, term in constraints.items() if n in parameters}
        changed = parameters_with_constraints(parameters, ours)
        mine = {n: term for n, term in priors.items() if n in parameters}
        changed = parameters_with_priors(changed, mine)
        if poi is not None:
            changed = ParameterSet([replace(p, poi=p.name in poi) for p in changed])
        found.append(changed)
    return found
