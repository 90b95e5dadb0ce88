"""Toys against exact probabilities of counts, the asymptotic formulae and pyhf's toys."""

import json

import numpy as np
import pyhf
import pytest
from problems import Gaussian
from pyhf_models import generated_pair, pair_of, precise
from scipy import stats

from dnnlik.exceptions import InvalidInput
from dnnlik.inference import cls_curve, toy_cls, toy_test
from dnnlik.inference.toy_cls import crossing
from dnnlik.inference.toys import proportion

SIGNAL, BACKGROUND, OBSERVED = 6.0, 8.0, 9


@pytest.fixture(scope="module")
def counts(tmp_path_factory):
    """n ~ Pois(μ s + b) with nothing else: probabilities are sums."""
    document = {
        "version": "1.0.0",
        "channels": [{"name": "c", "samples": [
            {"name": "s", "data": [SIGNAL],
             "modifiers": [{"name": "mu", "type": "normfactor", "data": None}]},
            {"name": "b", "data": [BACKGROUND], "modifiers": []}]}],
        "observations": [{"name": "c", "data": [OBSERVED]}],
        "measurements": [{"name": "m", "config": {"poi": "mu", "parameters": []}}],
    }  # fmt: skip
    path = tmp_path_factory.mktemp("counts") / "counts.json"
    path.write_text(json.dumps(document))
    return pair_of("counts", path).likelihood


def test_cls_of_counts(counts):
    """p_{s+b} = P(n ≤ 9 | μ s + b), p_b = P(n ≤ 9 | b), within the quoted errors."""
    mus = np.array([0.5, 1.0, 1.8])
    found = toy_cls(counts, mus, count=4000, rng=1)
    sb = stats.poisson.cdf(OBSERVED, mus * SIGNAL + BACKGROUND)
    b = np.full(3, stats.poisson.cdf(OBSERVED, BACKGROUND))
    for received, error, expected in (
        (found.p_sb, found.p_sb_error, sb),
        (found.p_b, found.p_b_error, b),
        (found.cls, found.cls_error, sb / b),
    ):
        assert (np.abs(received - expected) < 4 * error).all()
        assert (error < 0.03).all()
    assert found.failed.tolist() == [0, 0, 0]


def test_expected_band_of_counts(counts):
    """CL_s at the quantiles of background-only counts; q̃ = 0 from n = μs + b on."""
    found = toy_cls(counts, [1.0], count=6000, rng=2)
    n = stats.poisson.ppf(stats.norm.cdf([-2, -1, 0, 1, 2]), BACKGROUND)
    rate = SIGNAL + BACKGROUND

    def cls_of(n):
        ratio = stats.poisson.cdf(n, rate) / stats.poisson.cdf(n, BACKGROUND)
        return np.where(n >= rate, 1.0, ratio)

    # Counts are discrete: a quantile of a sample may be that of the next count.
    assert (found.expected[0] >= cls_of(n - 1) - 0.02).all()
    assert (found.expected[0] <= cls_of(n + 1) + 0.02).all()


def test_discovery_of_counts(counts):
    """p_0 = P(n ≥ 9 | b)."""
    found = toy_test(counts, "q0", 0.0, count=6000, rng=3)
    expected = stats.poisson.sf(OBSERVED - 1, BACKGROUND)
    assert abs(found.p_value - expected) < 4 * found.error
    assert found.toys.shape == (6000,)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["qtilde", "q"])
def test_toys_of_many_events_are_asymptotic(name):
    """With 100 events p-values of toys are the asymptotic ones to some per cent."""
    likelihood = generated_pair("excess", -1.0).likelihood
    toys = toy_cls(likelihood, [3.0], count=4000, rng=4, test_statistic=name)
    curve = cls_curve(likelihood, [3.0], test_statistic=name)
    assert toys.statistic[0] == pytest.approx(curve.statistic[0], abs=1e-6)
    assert toys.p_sb[0] == pytest.approx(curve.p_sb[0], abs=0.02)
    assert toys.p_b[0] == pytest.approx(curve.p_b[0], abs=0.02)
    np.testing.assert_allclose(toys.expected[0], curve.expected[0], atol=0.04)
    t = toy_test(likelihood, "t", 1.0, count=3000, rng=5)
    assert stats.kstest(t.toys, stats.chi2(1).cdf).statistic < 0.04


@pytest.mark.slow
def test_toys_are_pyhf_s():
    """pyhf's ``calctype="toybased"``: the same probabilities within both errors."""
    pair = generated_pair("few")
    found = toy_cls(pair.likelihood, [2.0], count=4000, rng=6)
    with precise():
        np.random.seed(0)  # noqa: NPY002 (pyhf draws from NumPy's global generator)
        calculator = pyhf.infer.calculators.ToyCalculator(
            pair.data, pair.model, *pair.arguments("qtilde"), ntoys=400, track_progress=False
        )
        observed = calculator.teststatistic(2.0)
        sb, b = calculator.distributions(2.0)
        p_sb, p_b, cls = calculator.pvalues(observed, sb, b)
    assert found.statistic[0] == pytest.approx(float(observed), abs=1e-6)
    for received, error, theirs in (
        (found.p_sb[0], found.p_sb_error[0], p_sb),
        (found.p_b[0], found.p_b_error[0], p_b),
        (found.cls[0], found.cls_error[0], cls),
    ):
        # 400 toys have √10 times the error of 4000.
        assert abs(received - float(theirs)) < 4 * np.sqrt(11) * error
    # pyhf's own band needs an older NumPy: its p-values, at the same probabilities.
    each = [sb.pvalue(q) / b.pvalue(q) for q in b.samples]
    band = np.quantile(each, stats.norm.cdf([-2, -1, 0, 1, 2]))
    np.testing.assert_allclose(found.expected[0], band, atol=0.12)


def test_seeds_are_arguments(counts):
    """The same seed gives the same toys, a generator goes on."""
    first, second = (toy_test(counts, "qtilde", 1.0, count=50, rng=7) for _ in range(2))
    np.testing.assert_array_equal(first.toys, second.toys)
    generator = np.random.default_rng(7)
    third = toy_test(counts, "qtilde", 1.0, count=50, rng=generator)
    fourth = toy_test(counts, "qtilde", 1.0, count=50, rng=generator)
    np.testing.assert_array_equal(first.toys, third.toys)
    assert not np.array_equal(third.toys, fourth.toys)


def test_progress_is_told(counts):
    """After each block, up to the number that was asked for."""
    told = []
    toy_cls(counts, [1.0], count=30, rng=0, progress=lambda *said: told.append(said))
    assert told == [("toys of mu = 1", 30, 30), ("toys of mu = 0", 30, 30)]


def test_limit_between_tested_values(counts):
    """ln CL_s is interpolated; a value that is not bracketed is not a number."""
    found = toy_cls(counts, [0.5, 1.0, 1.5, 2.0, 2.5], count=3000, rng=8)
    observed, expected = found.limit(0.9)
    n = np.linspace(0.5, 2.5, 400)
    exact = stats.poisson.cdf(OBSERVED, n * SIGNAL + BACKGROUND)
    exact = n[np.argmax(exact / stats.poisson.cdf(OBSERVED, BACKGROUND) < 0.1)]
    assert observed == pytest.approx(exact, abs=0.08)
    assert expected.shape == (5,)
    assert np.isnan(crossing(np.array([1.0, 2.0]), np.array([0.01, 0.001]), 0.05))


def test_none_of_the_toys_is_not_impossible():
    """Binomial errors that are not zero at the ends."""
    p, error = proportion([0, 50, 100], 100)
    np.testing.assert_array_equal(p, [0, 0.5, 1])
    assert error[0] == pytest.approx(error[2])
    assert error[0] > 0
    assert error[1] == pytest.approx(0.05, rel=0.02)


def test_toys_of_what_knows_no_other_data():
    """A learned or analytic likelihood: one line that says so."""
    with pytest.raises(InvalidInput, match=r"a toy needs other data.*Received: AnalyticLikelihood"):
        toy_test(Gaussian(2).density, "t", 0.0, count=10, rng=0)
    with pytest.raises(InvalidInput, match="a toy needs other data"):
        toy_cls(Gaussian(2).density, [0.0], count=10, rng=0)


@pytest.mark.parametrize("count", [0, -5])
def test_no_toys_are_no_toys(counts, count):
    """At least one."""
    with pytest.raises(InvalidInput, match="Received:"):
        toy_test(counts, "t", 1.0, count=count, rng=0)
