"""A counting experiment with an optimum: signal, background and its uncertainty of one φ.

The signal grows linearly and the uncertainty quadratically, so that the p-value of the
background alone, given the expected data with signal, is smallest in between. (The first
example of neos, arXiv:2203.05570.)

>>> expected(5.0)
(20.0, 35.0, 3.0)
"""

from __future__ import annotations

from typing import Any, NamedTuple

__all__ = ["OPTIMUM", "Optimum", "expected"]


class Optimum(NamedTuple):
    """Where p₀ of the expected data is smallest, and what it is there and at two ends."""

    phi: float
    p0: float
    p0_at_0: float
    p0_at_10: float


OPTIMUM = {
    "poisson": Optimum(phi=4.635, p0=0.003076, p0_at_0=0.01700, p0_at_10=0.04325),
    "normal": Optimum(phi=4.841, p0=0.002933, p0_at_0=0.01700, p0_at_10=0.02247),
}
"""By the constraint on the background: a Poisson count of (b/σ_b)² or a normal of width σ_b."""


def expected(phi: Any) -> tuple[Any, Any, Any]:
    """Signal s, background b and its uncertainty σ_b at φ, a number, array or tensor."""
    return 15.0 + phi, 45.0 - 2.0 * phi, 0.5 + 0.1 * phi**2
