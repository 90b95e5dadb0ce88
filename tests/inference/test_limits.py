"""CL_s, bands, limits and discoveries against closed forms and pyhf."""

import json
import math

import numpy as np
import pyhf
import pytest
from problems import counting
from pyhf_models import GENERATED, TWO_REGIONS, generated_pair, pair_of, precise, shared_pair
from scipy.optimize import brentq
from scipy.special import ndtri

from dnnlik.exceptions import InvalidInput, InvalidParameters
from dnnlik.inference import cls_curve, discovery, upper_limit
from dnnlik.inference.asymptotics import expected_root, limit_p_values
from dnnlik.likelihoods import AnalyticLikelihood, open_likelihood
from dnnlik.parameters import Parameter

MUS = [0.3, 2.0]


class Plain:
    """Only what every LogDensity has: without the gift of other data."""

    def __init__(self, density):
        self._density, self.parameters = density, density.parameters

    def __getattr__(self, name):
        if name in ("asimov", "generate", "with_data"):
            raise AttributeError(name)
        return getattr(self._density, name)


def gaussian(fitted, sigma=0.5, bounds=(0.0, 20.0)):
    mu = Parameter("mu", 1.0, bounds, poi=True)
    return AnalyticLikelihood([mu], lambda p: -0.5 * ((p[:, 0] - fitted) / sigma) ** 2)


@pytest.mark.parametrize("fitted", [-0.7, 0.0, 0.9])
@pytest.mark.parametrize("lower", [0.0, -5.0])
def test_gaussian_limits(fitted, lower):
    """Wald's formulae are exact: expected σ a_N; observed from Φ(μ̂, σ), bound or no bound."""
    sigma = 0.5
    limit = upper_limit(gaussian(fitted, sigma, (lower, 20)))
    assert limit.asimov == "wald"
    assert limit.reached
    assert limit.converged
    np.testing.assert_allclose(limit.expected, sigma * expected_root(0.05), rtol=1e-4)
    # p_sb = Φ((μ̂ - μ)/σ) and p_b = Φ(μ̂/σ), on either branch of q̃.
    p_b = 0.5 * math.erfc(-fitted / sigma / math.sqrt(2))
    expected = fitted - sigma * ndtri(0.05 * p_b)
    assert limit.observed == pytest.approx(expected, rel=1e-4)


def test_limits_of_q_and_qtilde_agree_for_a_gaussian():
    """Where the asymptotic formulae are exact the statistic does not matter."""
    density = gaussian(-0.4, bounds=(-9, 20))
    q, tilde = (upper_limit(density, test_statistic=name) for name in ("q", "qtilde"))
    assert q.observed == pytest.approx(tilde.observed, rel=1e-4)


@pytest.mark.parametrize("level", [0.68, 0.9, 0.99])
def test_other_levels(level):
    """The median expected limit is σ Φ⁻¹(1 - (1-level)/2)."""
    limit = upper_limit(gaussian(0.0), level=level)
    assert limit.expected[2] == pytest.approx(-0.5 * ndtri((1 - level) / 2), rel=1e-4)
    np.testing.assert_allclose(np.diff(limit.curve.values) > 0, True)


def counting_statistics(mu, observed, signal, background):
    """q̃_μ of n ~ Pois(μ s + b) with known b, for n, and for n = b."""

    def q(n):
        fitted = max((n - background) / signal, 0.0)
        rate, best = mu * signal + background, fitted * signal + background
        t = 2 * (n * math.log(best / rate) - best + rate) if n else 2 * (rate - best)
        return t if fitted <= mu else 0.0

    return q(observed), q(background)


@pytest.mark.parametrize("observed", [50, 44, 61])
def test_counting_experiment_of_a_workspace(tmp_path, observed):
    """n ~ Pois(μ s + b): q̃ in closed form (arXiv:1007.1727, sect. 5), limit by bisection."""
    signal, background = 12.0, 50.0
    document = {
        "version": "1.0.0",
        "channels": [{"name": "c", "samples": [
            {"name": "s", "data": [signal],
             "modifiers": [{"name": "mu", "type": "normfactor", "data": None}]},
            {"name": "b", "data": [background], "modifiers": []}]}],
        "observations": [{"name": "c", "data": [observed]}],
        "measurements": [{"name": "m", "config": {"poi": "mu", "parameters": []}}],
    }  # fmt: skip
    path = tmp_path / "counting.json"
    path.write_text(json.dumps(document))

    def log_cls(mu, which):
        q, q_asimov = counting_statistics(mu, observed, signal, background)
        a, q = math.sqrt(q_asimov), q_asimov if which == "expected" else q
        sb = math.sqrt(q) if math.sqrt(q) <= a else (q + a * a) / (2 * a)
        tail = [0.5 * math.erfc(x / math.sqrt(2)) for x in (sb, sb - a)]
        return math.log(tail[0] / tail[1] / 0.05)

    limit = upper_limit(open_likelihood(path))
    assert limit.asimov == "dataset"
    expected = brentq(log_cls, 0.3, 9, args=("observed",), xtol=1e-10)
    assert limit.observed == pytest.approx(expected, rel=2e-5)
    median = brentq(log_cls, 0.3, 9, args=("expected",), xtol=1e-10)
    assert limit.expected[2] == pytest.approx(median, rel=2e-5)


# What pyhf's fits leave, with its optimizer's tolerance at 1e-10.
CLS, LIMIT = 1e-6, 2e-5


def compare(pair, name, mus=MUS):
    """p-values, observed and expected CL_s are those of pyhf's hypotest."""
    curve = cls_curve(pair.likelihood, mus, test_statistic=name)
    assert curve.asimov == "dataset"
    assert curve.converged.all()
    for i, mu in enumerate(mus):
        observed, (p_sb, p_b), band, calculator = pair.hypotest(name, mu)
        assert curve.cls[i] == pytest.approx(float(observed), abs=CLS)
        assert curve.p_sb[i] == pytest.approx(float(p_sb), abs=CLS)
        assert curve.p_b[i] == pytest.approx(float(p_b), abs=CLS)
        np.testing.assert_allclose(curve.expected[i], np.array(band), atol=CLS)
        root = float(calculator.sqrtqmuA_v)
        assert curve.asimov_root[i] ** 2 == pytest.approx(root**2, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("name", GENERATED)
def test_cls_of_generated_workspaces(name):
    """q̃ where the poi begins at 0, and q where it may be negative."""
    compare(generated_pair(name), "qtilde")
    lower = -0.2 if name == "few" else -1.0
    compare(generated_pair(name, lower), "q")


@pytest.mark.slow
@pytest.mark.parametrize("statistic", ["q", "qtilde"])
def test_cls_of_two_regions(statistic):
    """The workspace that ships with the project, its poi from -1 or (for q̃) from 0."""
    compare(pair_of("two_regions", TWO_REGIONS), statistic)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["three_regions_13p", "sbottom_66p"])
def test_cls_of_published_workspaces(name):
    """ATLAS workspaces with the maximum at μ = 0."""
    compare(shared_pair(name), "qtilde")


@pytest.mark.parametrize("name", ["excess", "few"])
def test_limits_of_generated_workspaces(name):
    """Six limits are pyhf's, by its own root finding."""
    pair = generated_pair(name)
    limit = upper_limit(pair.likelihood)
    init, bounds, fixed = pair.arguments("qtilde")
    with precise():
        observed, expected = pyhf.infer.intervals.upper_limits.toms748_scan(
            pair.data, pair.model, 0.5 * limit.expected[0], 1.2 * limit.expected[-1], rtol=1e-6,
            init_pars=init, par_bounds=bounds, fixed_params=fixed, test_stat="qtilde",
        )  # fmt: skip
    assert limit.observed == pytest.approx(float(observed), rel=LIMIT)
    np.testing.assert_allclose(limit.expected, np.array(expected), rtol=LIMIT)
    assert limit.reached
    # The curve holds the limits themselves.
    at = np.searchsorted(limit.curve.values, limit.observed)
    assert limit.curve.values[at] == limit.observed
    assert limit.curve.cls[at] == pytest.approx(0.05, abs=1e-5)


@pytest.mark.slow
def test_limits_of_two_regions():
    """CL_s of pyhf is 0.05 at our limits: its own root finder takes minutes."""
    pair = pair_of("two_regions", TWO_REGIONS)
    limit = upper_limit(pair.likelihood)
    observed, *_ = pair.hypotest("qtilde", limit.observed)
    assert float(observed) == pytest.approx(0.05, rel=1e-4)
    for position, value in enumerate(limit.expected):
        _, _, band, _ = pair.hypotest("qtilde", float(value))
        assert float(band[position]) == pytest.approx(0.05, rel=2e-4)


@pytest.mark.parametrize("name", GENERATED)
@pytest.mark.parametrize("lower", [0.0, -1.0])
def test_discovery_of_generated_workspaces(name, lower):
    """p_0 and the significance expected for μ = 1 are pyhf's with test_stat="q0"."""
    lower = max(lower, -0.2) if name == "few" else lower
    pair = generated_pair(name, lower)
    found = discovery(pair.likelihood)
    observed, _, band, calculator = pair.hypotest("q0", 0.0)
    assert found.converged
    assert found.asimov == "dataset"
    assert found.p_value == pytest.approx(float(observed), abs=1e-5)
    assert found.expected[2] == pytest.approx(float(calculator.sqrtqmuA_v), abs=1e-5)
    expected = 0.5 * np.array([math.erfc(z / math.sqrt(2)) for z in found.expected])
    np.testing.assert_allclose(expected[::-1], np.array(band), atol=2e-6)
    assert found.significance >= 0


def test_discovery_in_closed_form():
    """Z = √(2(n ln(n/b) + b - n)) of a count over a known background (sect. 5.1)."""
    n, b, s = 31, 20.0, 8.0
    density = AnalyticLikelihood(
        [Parameter("mu", 1.0, (-2, 10), poi=True)],
        lambda p: n * np.log(p[:, 0] * s + b) - p[:, 0] * s,
    )
    found = discovery(density)
    assert found.significance == pytest.approx(math.sqrt(2 * (n * math.log(n / b) + b - n)))
    assert found.asimov == "wald"


@pytest.mark.parametrize("name", ["excess", "deficit", "expected"])
def test_a_copy_without_data_falls_back_on_wald(name):
    """The band is that of the exact one where the data are the expected ones; otherwise its
    information is off by the ratio of observed to expected counts."""
    exact = generated_pair(name).likelihood
    limit, copy = upper_limit(exact), upper_limit(Plain(exact))
    assert (limit.asimov, copy.asimov) == ("dataset", "wald")
    _, background, _, observed = GENERATED[name]
    ratio = sum(observed) / sum(background)
    precision = 1e-4 if name == "expected" else max(ratio, 1 / ratio) - 1
    np.testing.assert_allclose(copy.expected, limit.expected, rtol=precision)
    assert copy.observed == pytest.approx(limit.observed, rel=precision)


def test_without_gradients_and_data(tmp_path):
    """Plain NumPy counts: CL_s by finite differences and Wald."""
    tensor, plain = (counting(25, 10.0, 20.0, 40, 2.0, tensor=t) for t in (True, False))
    curves = [cls_curve(density, [0.5, 1.0, 2.0]) for density in (tensor, plain)]
    np.testing.assert_allclose(curves[0].cls, curves[1].cls, rtol=1e-4)


def test_a_limit_beyond_the_bound_is_not_a_number():
    """What is not reached is not invented; what is reached is given."""
    limit = upper_limit(gaussian(0.0, 0.5, (0, 1.2)))
    assert not limit.reached
    np.testing.assert_allclose(limit.expected[:3], 0.5 * expected_root(0.05)[:3], rtol=1e-4)
    assert np.isnan(limit.expected[3:]).all()
    assert limit.observed == pytest.approx(0.98, abs=1e-3)


def test_no_limit_at_all_without_gradients():
    """Plain NumPy, two parameters, a bound far too low: six times no number, no traceback."""
    density = AnalyticLikelihood(
        [Parameter("mu", 0.1, (0, 0.5), poi=True), Parameter("b", 0, (-5, 5))],
        lambda p: -0.5 * (p[:, 0] - p[:, 1]) ** 2 - 0.5 * p[:, 1] ** 2,
    )
    limit = upper_limit(density)
    assert not limit.reached
    assert np.isnan([limit.observed, *limit.expected]).all()


def test_a_discovery_beyond_what_p_values_hold():
    """Fifty standard deviations are fifty, although their p-value is 0."""
    found = discovery(gaussian(1.5, 0.03), signal=1.0)
    assert found.p_value == 0
    assert found.significance == pytest.approx(50, rel=1e-6)


@pytest.mark.parametrize("q", [0.0, 2e-10])
def test_no_signal_is_not_excluded(q):
    """At μ = 0, where √q_A is 0, CL_s is 1, whatever rounding leaves of q."""
    assert limit_p_values(q, 0.0, tilde=True).cls == 1


def test_many_values_are_in_their_order():
    """CL_s of unordered and repeated values."""
    density = gaussian(0.4)
    curve = cls_curve(density, [2.0, 0.5, 2.0])
    assert curve.cls[0] == curve.cls[2]
    assert curve.cls[1] > curve.cls[0]


@pytest.mark.parametrize("level", [0.0, 1.0, 95, math.nan])
def test_levels_are_fractions(level):
    """Percentages and certainty are refused."""
    with pytest.raises(InvalidInput, match="Received:"):
        upper_limit(gaussian(0.0), level=level)


@pytest.mark.parametrize("values", [[-0.5], [math.nan], [[1.0]], 1.0])
def test_values_of_a_limit_are_a_list_of_signals(values):
    """A negative signal has no upper limit."""
    with pytest.raises(InvalidInput, match="none negative"):
        cls_curve(gaussian(0.0), values)


def test_statistics_that_give_no_limit():
    """t is two-sided; q needs a parameter that may be negative."""
    with pytest.raises(InvalidInput, match=r"takes qtilde or q\. Received: 't'"):
        upper_limit(gaussian(0.0), test_statistic="t")
    with pytest.raises(InvalidParameters, match="use qtilde"):
        upper_limit(gaussian(0.0), test_statistic="q")
