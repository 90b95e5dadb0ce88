"""Whether a likelihood can make other data: the exact one can, its copies cannot."""

from __future__ import annotations

from dnnlik.exceptions import InvalidInput
from dnnlik.typing import Generative, LogDensity

__all__ = ["generative"]


def generative(density: LogDensity, purpose: str) -> Generative:
    """The likelihood itself if it knows the probability of other data, else one clear line.

    Raises:
        InvalidInput: a surrogate, a published or an analytic likelihood.
    """
    if not isinstance(density, Generative):
        raise InvalidInput(
            f"{purpose} needs other data than the observed, which a workspace itself can make, but "
            f"nothing published, learned or analytic. Received: {type(density).__name__}"
        )
    return density
