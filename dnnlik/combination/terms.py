"""Other priors and auxiliary measurements in the place of those that a likelihood has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dnnlik.combination.likelihood import CombinedLikelihood
from dnnlik.constraints import Constraint, Normal, constraint_from_json
from dnnlik.exceptions import InvalidInput, InvalidParameters
from dnnlik.parameters import ParameterSet
from dnnlik.typing import LogDensity

__all__ = [
    "constraints_from_json",
    "constraints_to_json",
    "parameters_with_constraints",
    "parameters_with_priors",
    "priors_from_json",
    "priors_to_json",
    "with_constraints",
    "with_priors",
]

UNIFORM = {"type": "uniform"}
_KEYS = {"normal": {"type", "mean", "sigma"}, "poisson": {"type", "observed", "factor"}}


def with_priors(likelihood: LogDensity, priors: Mapping[str, Normal | None]) -> CombinedLikelihood:
    """A likelihood with other priors; all other terms stay as they are.

    Fits do not see priors: they maximise ``log_likelihood``. ``log_density``, which is
    sampled, does.

    Args:
        likelihood: exact, learned or published.
        priors: by name, of parameters that no auxiliary measurement constrains; None for
            uniform within the bounds. A prior that is cut by bounds is not renormalised.

    Raises:
        InvalidParameters: an unknown name; a parameter with a constraint, which is
            replaced with `with_constraints`; a uniform prior without finite bounds.

    >>> import numpy as np
    >>> from dnnlik import AnalyticLikelihood, Parameter
    >>> flat = AnalyticLikelihood([Parameter("mu", 0, (-5, 5), poi=True)],
    ...                           lambda points: -0.5 * points[:, 0] ** 2)
    >>> peaked = with_priors(flat, {"mu": Normal(1, 0.5)})
    >>> round(float(peaked.log_prior([[1.0]])[0]), 6)     # -ln(0.5) - ln(2π)/2
    -0.225791
    >>> peaked.log_likelihood([[1.0]]).tolist()
    [-0.5]
    """
    return _with(likelihood, parameters_with_priors(likelihood.parameters, priors))


def with_constraints(
    likelihood: LogDensity, constraints: Mapping[str, Constraint | None]
) -> CombinedLikelihood:
    """A likelihood with other auxiliary measurements: ``log_main`` stays, and fits change.

    What a published likelihood learned is ``log_main``; its constraints are a closed form,
    kept apart so that they can be exchanged. Look at ``in_domain`` of a fit: a weaker
    constraint may lead out of where the network was trained.

    Args:
        likelihood: exact, learned or published.
        constraints: by name, `Normal` or `Poisson`; None takes the measurement away, and
            the parameter is then uniform within its bounds.

    Raises:
        InvalidParameters: an unknown name; a parameter with a prior of its own; None for
            a parameter without finite bounds.

    >>> from dnnlik import AnalyticLikelihood, Parameter
    >>> one = AnalyticLikelihood([Parameter("lumi", 1, (0, 2), Normal(1, 0.02))],
    ...                          lambda points: 0 * points[:, 0])
    >>> better = with_constraints(one, {"lumi": Normal(1, 0.01)})
    >>> round(float((better.log_constraint([[1.0]]) - one.log_constraint([[1.0]]))[0]), 6)
    0.693147
    """
    return _with(likelihood, parameters_with_constraints(likelihood.parameters, constraints))


def _with(likelihood: LogDensity, parameters: ParameterSet) -> CombinedLikelihood:
    # A combination as well is one member: so the digest follows from its own (`resampled`).
    return CombinedLikelihood([likelihood], [parameters.names], parameters)


def parameters_with_priors(
    parameters: ParameterSet, priors: Mapping[str, Normal | None]
) -> ParameterSet:
    """The same parameters with other priors; errors as of `with_priors`."""
    for name in priors:
        constraint = parameters[name].constraint
        if constraint is not None:
            raise InvalidParameters(
                f"the auxiliary measurement of {name!r} takes the place of a prior; another one "
                f"is given as a constraint. Received: a prior for a parameter with {constraint}"
            )
    return ParameterSet(
        [replace(p, prior=priors[p.name]) if p.name in priors else p for p in parameters]
    )


def parameters_with_constraints(
    parameters: ParameterSet, constraints: Mapping[str, Constraint | None]
) -> ParameterSet:
    """The same parameters with other constraints; errors as of `with_constraints`."""
    for name in constraints:
        parameters.index(name)
    return ParameterSet(
        [
            replace(p, constraint=constraints[p.name]) if p.name in constraints else p
            for p in parameters
        ]
    )


def priors_from_json(document: Any) -> dict[str, Normal | None]:
    """``{"mu": {"type": "normal", "mean": 1, "sigma": 0.5}, "k": {"type": "uniform"}}``.

    Raises:
        InvalidParameters: another type, a width that is not positive, an unknown key.

    >>> priors_from_json({"mu": {"type": "normal", "mean": 1, "sigma": 0.5},
    ...                   "k": {"type": "uniform"}})
    {'mu': Normal(mean=1.0, sigma=0.5), 'k': None}
    """
    found: dict[str, Normal | None] = {}
    for name, item in _items(document, "prior"):
        normal = isinstance(item, dict) and item.get("type") == "normal"
        term = _term(name, item) if normal else None
        if term is None and item != UNIFORM:
            raise InvalidParameters(
                f"the prior of {name!r} must be of type 'normal' or 'uniform', a uniform one "
                f"without anything else: it is that within the bounds. Received: {item}"
            )
        found[name] = term if isinstance(term, Normal) else None
    return found


def constraints_from_json(document: Any) -> dict[str, Constraint | None]:
    """As in the metadata of a published file: type "normal" or "poisson"; null takes one away.

    >>> constraints_from_json({"lumi": {"type": "normal", "mean": 1, "sigma": 0.02}, "k": None})
    {'lumi': Normal(mean=1.0, sigma=0.02), 'k': None}
    """
    return {name: _term(name, item) for name, item in _items(document, "constraint")}


def priors_to_json(priors: Mapping[str, Normal | None]) -> dict[str, Any]:
    """The inverse of `priors_from_json`."""
    return {name: dict(UNIFORM) if p is None else p.to_json() for name, p in priors.items()}


def constraints_to_json(constraints: Mapping[str, Constraint | None]) -> dict[str, Any]:
    """The inverse of `constraints_from_json`."""
    return {name: None if c is None else c.to_json() for name, c in constraints.items()}


def _items(document: Any, kind: str) -> list[tuple[str, Any]]:
    if not isinstance(document, dict):
        raise InvalidInput(
            f"expected an object of a {kind} by the name of its parameter. Received: {document!r}"
        )
    return list(document.items())


def _term(name: str, item: Any) -> Constraint | None:
    term = constraint_from_json(item)
    unknown = sorted(set(item) - _KEYS[item["type"]]) if item else []
    if unknown:
        raise InvalidParameters(
            f"the term of {name!r} has keys that mean nothing in one of type {item['type']!r}. "
            f"Received: {', '.join(unknown)}"
        )
    return term
