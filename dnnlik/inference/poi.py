"""Which parameter is meant."""

from __future__ import annotations

from dnnlik.exceptions import InvalidParameters
from dnnlik.parameters import ParameterSet

__all__ = ["poi_of"]


def poi_of(parameters: ParameterSet, name: str | None = None) -> str:
    """The named parameter, or the only one that is marked as of interest.

    Raises:
        InvalidParameters: an unknown name; none given where not exactly one is marked.

    >>> from dnnlik.parameters import Parameter
    >>> poi_of(ParameterSet([Parameter("mu", 1, (0, 4), poi=True), Parameter("b", 1, (0, 4))]))
    'mu'
    """
    if name is not None:
        return parameters.names[parameters.index(name)]
    if len(parameters.poi_names) != 1:
        raise InvalidParameters(
            "name the parameter of interest: not exactly one is marked as such. "
            f"Received: {list(parameters.poi_names)}"
        )
    return parameters.poi_names[0]
