"""Constraint terms in 40 decimal digits, straight from their definitions.

Some workspaces have Poisson auxiliary measurements with counts of 10¹¹. Their terms,
a ln τθ - τθ - ln Γ(a+1), are differences of numbers of 10¹², of which double precision keeps
three decimal places. This module pays for all places with time.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, localcontext
from fractions import Fraction

from dnnlik.constraints import Constraint, Normal

__all__ = ["DIGITS", "log_constraint"]

DIGITS = 40

_PI = Decimal("3.14159265358979323846264338327950288419716939937510")
_BERNOULLI = (
    Fraction(1, 6),
    Fraction(-1, 30),
    Fraction(1, 42),
    Fraction(-1, 30),
    Fraction(5, 66),
    Fraction(-691, 2730),
    Fraction(7, 6),
)
_LARGE = 1000
"""Where the seven terms of the asymptotic series of ln Γ are good to 40 digits."""


def log_constraint(constraints: Sequence[Constraint | None], point: Sequence[float]) -> float:
    """Sum of the natural logs of auxiliary measurements at a point (d,), None for none.

    Minus infinity at a negative rate, and at a rate of zero with a count.

    >>> from dnnlik.constraints import Poisson
    >>> log_constraint([Normal(0, 1), None, Poisson(4, 4)], [0.0, 9.0, 1.0])
    -2.551814...
    """
    with localcontext() as context:
        context.prec = DIGITS
        terms = [
            _normal(constraint, Decimal(value))
            if isinstance(constraint, Normal)
            else _poisson(Decimal(constraint.observed), Decimal(constraint.factor) * Decimal(value))
            for constraint, value in zip(constraints, map(float, point), strict=True)
            if constraint is not None
        ]
        return float(sum(terms, Decimal(0)))


def _normal(constraint: Normal, value: Decimal) -> Decimal:
    sigma = Decimal(constraint.sigma)
    pull = (value - Decimal(constraint.mean)) / sigma
    return -pull * pull / 2 - sigma.ln() - (2 * _PI).ln() / 2


def _poisson(count: Decimal, rate: Decimal) -> Decimal:
    if rate < 0 or (rate == 0 and count > 0):
        return Decimal("-Infinity")
    logarithm = count * rate.ln() if count else Decimal(0)
    return logarithm - rate - _log_gamma(count + 1)


def _log_gamma(z: Decimal) -> Decimal:
    """ln Γ: the series of Stirling (Abramowitz and Stegun, 6.1.40), after moving small z up."""
    product = Decimal(1)
    while z < _LARGE:
        product, z = product * z, z + 1
    series = (z - Decimal("0.5")) * z.ln() - z + (2 * _PI).ln() / 2
    for k, number in enumerate(_BERNOULLI, start=1):
        power = 2 * k * (2 * k - 1) * z ** (2 * k - 1)
        series += Decimal(number.numerator) / (Decimal(number.denominator) * power)
    return series - product.ln()
