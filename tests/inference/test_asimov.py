"""Tables of √q_{μ,A}: against direct fits, and the limits of a likelihood that carries one."""

import numpy as np
import pytest
from pyhf_models import TWO_REGIONS, generated_pair, pair_of

from dnnlik.asimov import AsimovCurve
from dnnlik.exceptions import InvalidInput, InvalidParameters, NotConverged
from dnnlik.inference import asimov_curve, cls_curve, upper_limit
from dnnlik.inference.asimov import asimov_curves
from dnnlik.likelihoods import AnalyticLikelihood, open_likelihood
from dnnlik.parameters import Parameter
from dnnlik.typing import Generative, WithAsimovCurve


class Carrier:
    """The observed likelihood alone, with a table: what a perfect surrogate would be."""

    def __init__(self, density, curve):
        self._density, self._curve, self.parameters = density, curve, density.parameters

    def asimov_curve(self, poi):
        return self._curve if self._curve is not None and self._curve.poi == poi else None

    def __getattr__(self, name):
        if name in ("asimov", "generate", "with_data"):
            raise AttributeError(name)
        return getattr(self._density, name)


@pytest.fixture(scope="module")
def two_regions():
    exact = open_likelihood(TWO_REGIONS)
    return exact, asimov_curve(exact)


def cut(curve, end):
    keep = curve.values <= end
    return AsimovCurve(curve.poi, curve.values[keep], curve.root[keep])


def test_between_the_values_against_fits(two_regions):
    """At values that the table does not have, within 10⁻⁴ of fits of the Asimov dataset."""
    exact, curve = two_regions
    values = np.concatenate(
        [curve.values[:-1] + part * np.diff(curve.values) for part in (0.2, 0.5)]
    )
    direct = cls_curve(exact, values).asimov_root
    np.testing.assert_allclose(curve.root_at(values), direct, rtol=1e-4)
    assert curve.end == exact.parameters["mu"].bounds[1]


@pytest.mark.parametrize(
    ("name", "lower"), [("excess", 0.0), ("deficit", -0.2), ("few", -0.2), ("expected", 0.0)]
)
def test_generated_workspaces_and_both_statistics(name, lower):
    """The poi may begin at 0 or below, and there the table is that of q as well as of q̃."""
    exact = generated_pair(name, lower).likelihood
    curve = asimov_curve(exact)
    bound = exact.parameters["mu"].bounds[1]
    assert curve.root[-1] >= 6 or curve.end == bound
    values = np.array([0.03, 0.31, 0.77]) * curve.end
    for statistic in ("qtilde", "q") if lower < 0 else ("qtilde",):
        direct = cls_curve(exact, values, test_statistic=statistic).asimov_root
        np.testing.assert_allclose(curve.root_at(values), direct, rtol=1e-4)


def test_limits_with_the_table_are_the_exact_ones(two_regions):
    """All six within 10⁻⁴ of those with the Asimov dataset; Wald's are 4 % off."""
    exact, curve = two_regions
    full, found = upper_limit(exact), upper_limit(Carrier(exact, curve))
    wald = upper_limit(Carrier(exact, None))
    assert (full.asimov, found.asimov, wald.asimov) == ("dataset", "published", "wald")
    assert found.converged
    assert found.observed == pytest.approx(full.observed, rel=1e-4)
    np.testing.assert_allclose(found.expected, full.expected, rtol=1e-4)
    assert abs(wald.expected[2] / full.expected[2] - 1) > 0.01


def test_limit_with_the_table_is_that_of_pyhf(two_regions):
    """pyhf's CL_s is 0.05 at the limits with the table."""
    exact, curve = two_regions
    pair = pair_of("two_regions", TWO_REGIONS)
    found = upper_limit(Carrier(exact, curve))
    observed, *_ = pair.hypotest("qtilde", found.observed)
    assert float(observed) == pytest.approx(0.05, rel=1e-3)
    _, _, band, _ = pair.hypotest("qtilde", float(found.expected[2]))
    assert float(band[2]) == pytest.approx(0.05, rel=1e-3)


def test_a_table_that_ends_before_a_limit_is_not_used(two_regions):
    """One of six limits beyond it: all six are Wald's, none is a mixture."""
    exact, curve = two_regions
    full, wald = upper_limit(exact), upper_limit(Carrier(exact, None))
    short = cut(curve, 0.5 * (full.expected[3] + full.expected[4]))
    found = upper_limit(Carrier(exact, short))
    assert found.asimov == "wald"
    assert found.observed == wald.observed
    np.testing.assert_array_equal(found.expected, wald.expected)
    enough = cut(curve, 1.2 * full.expected[4])
    assert upper_limit(Carrier(exact, enough)).asimov == "published"


def test_tested_values_beyond_a_table(two_regions):
    """CL_s of a list of values is from the table if that reaches all; else from Wald for all."""
    exact, curve = two_regions
    carrier, plain = Carrier(exact, cut(curve, 2.0)), Carrier(exact, None)
    inside = cls_curve(carrier, [0.5, 1.0])
    assert inside.asimov == "published"
    np.testing.assert_allclose(inside.cls, cls_curve(exact, [0.5, 1.0]).cls, rtol=2e-4)
    beyond = cls_curve(carrier, [0.5, 2.5])
    assert beyond.asimov == "wald"
    np.testing.assert_array_equal(beyond.cls, cls_curve(plain, [0.5, 2.5]).cls)
    with pytest.raises(InvalidInput, match="none negative"):
        cls_curve(carrier, [np.nan])


def test_who_offers_a_table(two_regions):
    """A carrier makes no data of its own; an exact likelihood has no need of a table."""
    exact, curve = two_regions
    assert isinstance(Carrier(exact, curve), WithAsimovCurve)
    assert not isinstance(Carrier(exact, curve), Generative)
    assert not isinstance(exact, WithAsimovCurve)


def test_a_parameter_of_no_interest_and_bounds_without_zero(two_regions):
    """Unknown names are named; without 0 within the bounds there is no background alone."""
    exact, _ = two_regions
    with pytest.raises(InvalidParameters, match="Received: 'nothing'"):
        asimov_curve(exact, "nothing")
    away = generated_pair("excess", 0.1).likelihood
    with pytest.raises(InvalidParameters, match="needs 0 within"):
        asimov_curve(away)
    found = asimov_curves(away)
    assert found.curves == ()
    assert "needs 0 within" in found.reasons["mu"]


def test_no_sensitivity_is_no_table():
    """Data that say nothing about the parameter: an error, not a table of zeros."""

    class Blind(AnalyticLikelihood):
        def asimov(self, point):
            return self

        generate = with_data = None

    blind = Blind(
        [Parameter("mu", 1, (0, 5), poi=True), Parameter("b", 0, (-5, 5))],
        lambda x: -0.5 * x[:, 1] ** 2,
    )
    with pytest.raises((NotConverged, InvalidInput), match="Received: "):
        asimov_curve(blind)
