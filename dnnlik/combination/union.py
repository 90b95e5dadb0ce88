"""One list of parameters from several: what is shared must agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from dnnlik.exceptions import InvalidParameters
from dnnlik.parameters import Parameter, ParameterSet

__all__ = ["names_in_union", "renamed", "union_of"]

Names = tuple[str, ...]


def names_in_union(
    members: Sequence[ParameterSet],
    rename: Sequence[Mapping[str, str]],
    shared: Sequence[str] | None,
) -> list[Names]:
    """What the columns of each member are called in the union.

    Args:
        members: parameters of each.
        rename: for each, new names by old ones.
        shared: names, after renaming, that are one parameter wherever they occur; None for
            all. Another name that several members have gets the number of its member,
            from 1, before it: ``1.jes``.

    >>> a, b = (ParameterSet([Parameter("mu", 0, (0, 1)), Parameter("jes", 0, (-1, 1))]),) * 2
    >>> names_in_union([a, b], [{}, {"jes": "jer"}], None)
    [('mu', 'jes'), ('mu', 'jer')]
    >>> names_in_union([a, b], [{}, {}], ["mu"])
    [('mu', '1.jes'), ('mu', '2.jes')]
    """
    names = [_new_names(p, new, i) for i, (p, new) in enumerate(zip(members, rename, strict=True))]
    counts = {name: sum(name in each for each in names) for each in names for name in each}
    if shared is None:
        return names
    for name in shared:
        if counts.get(name, 0) < 2:
            raise InvalidParameters(
                "a shared parameter must be, after renaming, in two members at least. "
                f"Received: {name!r}, which is in {counts.get(name, 0)}"
            )
    apart = {name for name, count in counts.items() if count > 1} - set(shared)
    return [
        tuple(f"{i}.{name}" if name in apart else name for name in each)
        for i, each in enumerate(names, start=1)
    ]


def _new_names(parameters: ParameterSet, new: Mapping[str, str], member: int) -> Names:
    for name in new:
        if name not in parameters:
            raise InvalidParameters(
                f"member {member + 1} has no parameter to rename of this name; it has "
                f"{_some(parameters.names)}. Received: {name!r}"
            )
    names = tuple(new.get(name, name) for name in parameters.names)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InvalidParameters(
            f"renaming gives two parameters of member {member + 1} the same name. "
            f"Received: {twice[0]!r}"
        )
    return names


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")


def renamed(parameters: ParameterSet, names: Sequence[str]) -> ParameterSet:
    """The same parameters under other names, in the same order."""
    rows = zip(parameters, names, strict=True)
    return ParameterSet([replace(parameter, name=name) for parameter, name in rows])


def union_of(members: Sequence[ParameterSet]) -> ParameterSet:
    """All parameters, those of the first member first.

    A parameter of several members has their constraint, prior and ``poi`` flag, which must be
    equal; the intersection of their bounds; and the init of the first, moved into these bounds.

    Raises:
        InvalidParameters: they do not agree, or the bounds do not overlap.
    """
    found: dict[str, Parameter] = {}
    for parameters in members:
        for parameter in parameters:
            name = parameter.name
            found[name] = _merged(found[name], parameter) if name in found else parameter
    return ParameterSet(list(found.values()))


def _merged(first: Parameter, second: Parameter) -> Parameter:
    for what, remedy in (
        ("constraint", "rename one, or give the constraint that counts"),
        ("prior", "rename one, or give the prior that counts"),
        ("poi", "say which parameters are of interest"),
    ):
        ours, theirs = getattr(first, what), getattr(second, what)
        if ours != theirs:
            raise InvalidParameters(
                f"members disagree about the {what} of {first.name!r}; if it is one parameter, "
                f"they must agree: {remedy}. Received: {ours} and {theirs}"
            )
    lower = max(first.bounds[0], second.bounds[0])
    upper = min(first.bounds[1], second.bounds[1])
    if not lower < upper:
        raise InvalidParameters(
            f"the bounds of {first.name!r} in two members do not overlap. "
            f"Received: {first.bounds} and {second.bounds}"
        )
    return replace(first, bounds=(lower, upper), init=min(max(first.init, lower), upper))
