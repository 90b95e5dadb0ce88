"""Constraints against scipy's densities and finite differences."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.special import gammaln

from dnnlik.constraints import ConstraintTerms, Normal, Poisson, constraint_from_json
from dnnlik.exceptions import InvalidParameters

finite = st.floats(-50, 50)
positive = st.floats(0.01, 50)
# No auxiliary measurement counts 1e-300 events: nothing, or something that is not denormal.
counts = st.one_of(st.just(0.0), st.floats(1e-6, 60))
constraints = st.one_of(
    st.none(), st.builds(Normal, finite, positive), st.builds(Poisson, positive, positive)
)


def log_poisson(observed, rate):
    """ln of the Poisson probability, continued to counts that are not integers."""
    return observed * np.log(rate) - rate - gammaln(observed + 1)


@given(mean=finite, sigma=positive, value=finite)
def test_normal_is_the_normal_density(mean, sigma, value):
    """The term is scipy's normal logpdf, normalisation included."""
    expected = stats.norm.logpdf(value, mean, sigma)
    assert Normal(mean, sigma).log_density(value) == pytest.approx(expected, rel=1e-12, abs=1e-12)


@given(observed=st.integers(0, 60), factor=positive, value=positive)
def test_poisson_is_the_poisson_probability(observed, factor, value):
    """For integer counts the term is scipy's Poisson logpmf."""
    expected = stats.poisson.logpmf(observed, factor * value)
    received = Poisson(observed, factor).log_density(value)
    assert received == pytest.approx(expected, rel=1e-10, abs=1e-10)


@given(observed=counts, factor=positive, value=positive)
def test_poisson_takes_counts_that_are_not_integers(observed, factor, value):
    """The factorial is a gamma function, as in pyhf's shapesys."""
    expected = log_poisson(observed, factor * value)
    received = Poisson(observed, factor).log_density(value)
    assert received == pytest.approx(expected, rel=1e-10, abs=1e-10)


@pytest.mark.parametrize(
    ("observed", "value", "expected"),
    [(3, -0.1, -math.inf), (0, -0.1, -math.inf), (3, 0.0, -math.inf), (0, 0.0, 0.0)],
)
def test_poisson_at_and_below_zero(observed, value, expected):
    """A negative rate is impossible; a zero rate allows a zero count alone. Alone and stacked."""
    constraint = Poisson(observed, 2.0)
    assert constraint.log_density(value) == expected
    assert ConstraintTerms.of([constraint]).value(np.array([[value]]))[0] == expected


@pytest.mark.parametrize(
    "make",
    [
        lambda: Normal(0, 0),
        lambda: Normal(0, -1),
        lambda: Normal(math.nan, 1),
        lambda: Normal(0, math.inf),
        lambda: Poisson(-1, 1),
        lambda: Poisson(1, 0),
        lambda: Poisson(1, -2),
        lambda: Poisson(math.nan, 1),
        lambda: Poisson(1, math.inf),
        lambda: constraint_from_json({"type": "normal", "mean": 0}),
        lambda: constraint_from_json({"type": "normal", "mean": None, "sigma": 1}),
        lambda: constraint_from_json({"type": "uniform"}),
        lambda: constraint_from_json({"mean": 0, "sigma": 1}),
    ],
)
def test_meaningless_constraints_are_refused(make):
    """Each wrong number or description is an InvalidParameters that says what was received."""
    with pytest.raises(InvalidParameters, match="Received: "):
        make()


@given(constraint=constraints)
def test_json_round_trip(constraint):
    """to_json and constraint_from_json are inverse; None stays None."""
    document = None if constraint is None else constraint.to_json()
    assert constraint_from_json(document) == constraint


def test_scales_are_the_widths_of_the_auxiliary_measurements():
    """A normal has its sigma; a Poisson √a/τ, with a count below one taken as one."""
    assert Normal(3, 0.5).scale == 0.5
    assert Poisson(16, 8).scale == 0.5
    assert Poisson(0, 4).scale == 0.25


@given(items=st.lists(constraints, min_size=1, max_size=6), data=st.data())
def test_stacked_terms_are_the_sum_of_single_ones(items, data):
    """ConstraintTerms.value adds the log densities of its constraints, point by point."""
    row = st.lists(st.floats(0.05, 20), min_size=len(items), max_size=len(items))
    points = np.array(data.draw(st.lists(row, min_size=1, max_size=4)))
    expected = [
        sum(c.log_density(v) for c, v in zip(items, point, strict=True) if c is not None)
        for point in points
    ]
    received = ConstraintTerms.of(items).value(points)
    np.testing.assert_allclose(received, expected, rtol=1e-10, atol=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_gradient_is_the_finite_difference(seed):
    """ConstraintTerms.gradient is the central difference of its value, column by column."""
    terms = ConstraintTerms.of([Normal(0.3, 0.7), None, Poisson(7.5, 6.0), Poisson(0, 2.0)])
    points = np.random.default_rng(seed).uniform(0.3, 3.0, (5, 4))
    step = 1e-6 * np.eye(4)
    difference = [(terms.value(points + h) - terms.value(points - h)) / 2e-6 for h in step]
    np.testing.assert_allclose(terms.gradient(points), np.stack(difference, axis=1), atol=1e-7)


def test_no_constraint_means_zero():
    """Parameters without auxiliary measurement add nothing, neither value nor slope."""
    terms = ConstraintTerms.of([None, None])
    points = np.array([[-3.0, 1e6], [0.0, 0.0]])
    assert terms.value(points).tolist() == [0.0, 0.0]
    assert not terms.gradient(points).any()
    assert terms.poisson_columns.size == 0


@pytest.mark.parametrize("value", [1e-12, 1e-10, 1e-6, 1e-3, 0.499, 0.501, 0.999999, 1.000001, 10])
@pytest.mark.parametrize("observed", [0.3, 4.8, 850.0])
def test_poisson_keeps_its_digits_down_to_zero(observed, value):
    """Value and slope at rates far below the count, pyhf's lower bound of 1e-10 among them."""
    constraint = ConstraintTerms.of([Poisson(observed, observed)])
    points = np.array([[value]])
    expected = log_poisson(observed, observed * value)
    assert constraint.value(points)[0] == pytest.approx(expected, rel=1e-12, abs=1e-11)
    slope = observed * (1 - value) / value
    assert constraint.gradient(points)[0, 0] == pytest.approx(slope, rel=1e-12)
