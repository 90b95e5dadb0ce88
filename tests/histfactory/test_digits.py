"""Constraint terms in many digits against SciPy where it has digits, and exact identities."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from scipy.special import gammaln

from dnnlik.constraints import Normal, Poisson
from dnnlik.histfactory.digits import log_constraint


@pytest.mark.parametrize("count", [0.0, 0.3, 1.0, 17.5, 999.0, 1000.5, 54321.0])
@pytest.mark.parametrize("value", [1e-3, 0.5, 1.0, 3.0])
def test_poisson_terms_are_those_of_scipy(count, value):
    """a ln τθ - τθ - ln Γ(a+1), on both sides of where the series begins."""
    rate = 2.5 * value
    wanted = count * np.log(rate) - rate - gammaln(count + 1)
    assert log_constraint([Poisson(count, 2.5)], [value]) == pytest.approx(wanted, rel=1e-13)


def test_normal_terms_are_those_of_scipy():
    """And parameters without a measurement add nothing."""
    found = log_constraint([Normal(0.3, 1.7), None, Normal(-2, 0.1)], [1.0, 99.0, -2.05])
    wanted = stats.norm.logpdf(1.0, 0.3, 1.7) + stats.norm.logpdf(-2.05, -2, 0.1)
    assert found == pytest.approx(wanted, rel=1e-15)


@pytest.mark.parametrize("count", [10.0**k for k in range(1, 13)])
def test_factorials_of_large_counts(count):
    """At its maximum a term is -½ ln 2πa - 1/(12 a) + 1/(360 a³) - ..., where all else cancels;
    what is left out is below 1/(1260 a⁵)."""
    found = log_constraint([Poisson(count, count)], [1.0])
    wanted = -0.5 * math.log(2 * math.pi * count) - 1 / (12 * count) + 1 / (360 * count**3)
    assert found == pytest.approx(wanted, rel=1e-15, abs=1 / (1260 * count**5))


@pytest.mark.parametrize(("count", "value"), [(4.0, 0.0), (4.0, -1.0), (0.0, -1.0)])
def test_impossible_rates(count, value):
    """Minus infinity; a rate of zero without a count is certain."""
    assert log_constraint([Poisson(count, 2.0)], [value]) == -math.inf
    assert log_constraint([Poisson(0.0, 2.0)], [0.0]) == 0.0
