"""What analyses are trained for: each number against an independent calculation."""

import numpy as np
import pyhf
import pytest
import tensorflow as tf
from scipy.stats import norm
from workspaces import factor, precise, region, sample, shape

from dnnlik.datasets.cut import asimov_significance
from dnnlik.differentiable import OBJECTIVES, HistFactoryModel, Trained
from dnnlik.differentiable.impacts import impacts_of_model
from dnnlik.differentiable.objectives import Scores
from dnnlik.exceptions import InvalidInput

BINS = 2
STATISTICAL = [name for name, o in OBJECTIVES.items() if not o.needs_scores]


def channels_of(signal, background, up, down):
    return region(
        sample("signal", signal, factor("mu")),
        sample("background", background, shape("tilt", up, down)),
    )


@tf.function(autograph=False, input_signature=[tf.TensorSpec([BINS], tf.float64) for _ in range(4)])
def program(signal, background, up, down):
    """All statistical objectives, traced once."""
    trained = Trained(HistFactoryModel(channels_of(signal, background, up, down)))
    return {name: OBJECTIVES[name].function(trained) for name in STATISTICAL}


def values_of(*templates):
    found = program(*(tf.constant(t, tf.float64) for t in templates))
    return {name: float(value) for name, value in found.items()}


# The landscape of the thesis: s = [5, 11], b = [50, 50], up and down by bin.
LANDSCAPE = {
    (0, 0): (0.1080, 0.0488, 0.6404, 0.4101),
    (5, 5): (0.1103, 0.0488, 0.6404, 0.4101),
    (5, -5): (0.1161, 0.0542, 0.6550, 0.2301),
    (10, -10): (0.1226, 0.0573, 0.6654, 0.0993),
    (10, 0): (0.1199, 0.0518, 0.6550, 0.2301),
}
CASES = {
    **{str(k): ([5, 11], [50, 50], [50 + k[0], 50 - k[0]], [50 + k[1], 50 - k[1]])
       for k in LANDSCAPE},
    "uneven": ([3.0, 14.0], [61.0, 22.0], [66.0, 21.0], [58.0, 25.0]),
    "an empty bin": ([3.0, 0.0], [31.0, 0.0], [34.0, 0.0], [29.0, 0.0]),
}  # fmt: skip


@pytest.fixture(scope="module", params=CASES)
def case(request):
    """Templates, and the values of the objectives."""
    templates = [np.asarray(t, float) for t in CASES[request.param]]
    return templates, values_of(*templates)


def pyhf_model(templates):
    channels = channels_of(*(list(map(float, t)) for t in templates))
    return pyhf.Model({"channels": channels}, poi_name="mu", validate=False)


def point_of(model, mu, tilt=0.0):
    return [{"mu": mu, "tilt": tilt}[name] for name in model.config.par_names]


def beside(model):
    """Where pyhf is to begin: at no tilt it would stay at the saddle that equal variations
    have there."""
    return point_of(model, 1.0, -0.3)


def information_of(signal, background, up, down):
    """Of (mu, tilt) at mu = 1: dν/dmu = s, dν/dα = (up - down)/2 (code 4p), unit constraint."""
    seen = signal + background > 0
    slopes = np.stack([signal, (up - down) / 2])[:, seen]
    return slopes / (signal + background)[seen] @ slopes.T + np.diag([0.0, 1.0])


@pytest.mark.parametrize("key", LANDSCAPE)
def test_published_landscape(key):
    """CLs, p0, σ_μ and det C of the two-bin toy as published, to the digits there."""
    found = values_of(*CASES[str(key)])
    names = ("cls", "p0", "sigma_mu", "generalised_variance")
    np.testing.assert_allclose([found[n] for n in names], LANDSCAPE[key], atol=6e-5)


def test_p_values_are_those_of_pyhf(case):
    """CLs of q̃ on data without signal, p0 of q₀ on data with it, and their logarithms."""
    templates, found = case
    model = pyhf_model(templates)
    none, one = (model.expected_data(point_of(model, mu)) for mu in (0.0, 1.0))
    with precise():
        cls = float(pyhf.infer.hypotest(1.0, none, model, beside(model), test_stat="qtilde"))
        p0 = float(pyhf.infer.hypotest(0.0, one, model, beside(model), test_stat="q0"))
    np.testing.assert_allclose([found["cls"], found["p0"]], [cls, p0], rtol=2e-6)
    np.testing.assert_allclose([found["log_cls"], found["log_p0"]], np.log([cls, p0]), rtol=1e-6)
    np.testing.assert_allclose(found["significance"], norm.isf(p0), rtol=1e-6)


def test_the_limit_is_where_pyhf_has_five_percent(case):
    """CLs of that much signal on data without any."""
    templates, found = case
    model = pyhf_model(templates)
    none = model.expected_data([0.0, 0.0])
    with precise():
        cls = pyhf.infer.hypotest(found["limit"], none, model, beside(model), test_stat="qtilde")
    np.testing.assert_allclose(cls, 0.05, rtol=1e-6)


def test_closed_forms_of_the_information(case):
    """σ_μ, det C and the width of the nuisance parameter."""
    templates, found = case
    covariance = np.linalg.inv(information_of(*templates))
    np.testing.assert_allclose(found["sigma_mu"], np.sqrt(covariance[0, 0]), rtol=1e-12)
    np.testing.assert_allclose(found["generalised_variance"], np.linalg.det(covariance), rtol=1e-11)
    width = (1 - np.sqrt(covariance[1, 1])) ** 2
    np.testing.assert_allclose(found["nuisance_width"], width, rtol=1e-9, atol=1e-14)


def test_pulls_are_those_of_pyhf(case):
    """The squared pull where mu = 1 is fitted to data without signal."""
    templates, found = case
    model = pyhf_model(templates)
    with precise():
        none = model.expected_data([0.0, 0.0])
        fitted = pyhf.infer.mle.fixed_poi_fit(1.0, none, model, beside(model))
    tilt = fitted[model.config.par_slice("tilt")][0]
    np.testing.assert_allclose(found["pulls"], tilt**2, rtol=2e-4, atol=1e-8)


def test_gaussianity_is_a_mean_over_draws(case):
    """(ln L - ln L_max + z²/2)², of the draws of seed 0, with the likelihood of pyhf."""
    templates, found = case
    model = pyhf_model(templates)
    point = np.array(point_of(model, 1.0))
    data = model.expected_data(point)
    order = [("mu", "tilt").index(name) for name in model.config.par_names]
    information = information_of(*templates)[np.ix_(order, order)]
    factor = np.linalg.cholesky(np.linalg.inv(information))
    z = np.random.default_rng(0).standard_normal((64, 2))
    trials = point + z @ factor.T
    with np.errstate(all="ignore"):
        value = np.array([model.logpdf(t, data)[0] for t in trials])
        rates = np.array([model.expected_data(t)[:BINS] for t in trials])
    kept = ((rates > 0) | (data[:BINS] == 0)).all(axis=1) & np.isfinite(value)
    squares = (value - model.logpdf(point, data)[0] + 0.5 * (z * z).sum(1)) ** 2
    np.testing.assert_allclose(found["gaussianity"], squares[kept].mean(), rtol=1e-6)


def test_asimov_significance_is_that_of_numpy(case):
    """The formula for a known background; bins without background are left out."""
    (signal, background, *_), found = case
    some = background > 0
    expected = asimov_significance(signal[some], background[some])
    np.testing.assert_allclose(found["asimov_significance"], expected, rtol=1e-12)


@pytest.mark.parametrize("size", [1e-7, 1e-4, 0.049, 0.051, 30.0])
def test_asimov_significance_of_little_signal(size):
    """Value and slope keep their digits where s is far below b: a training that starts there
    finds its way; s/√b for small s."""
    signal = tf.constant([size, 0.0], tf.float64)
    with tf.GradientTape() as tape:
        tape.watch(signal)
        channels = region(
            sample("signal", signal, factor("mu")), sample("background", [50.0, 20.0])
        )
        value = OBJECTIVES["asimov_significance"].function(Trained(HistFactoryModel(channels)))
    expected = asimov_significance(size, 50.0)
    np.testing.assert_allclose(value, expected, rtol=1e-7)
    slope = np.log1p(size / 50) / expected
    np.testing.assert_allclose(tape.gradient(value, signal)[0], slope, rtol=1e-6)


def test_no_signal_is_no_error():
    """Nothing to exclude or discover: CLs is 1, p0 is ½, σ_μ infinite, the rest a number or
    NaN, never an exception."""
    found = values_of([0, 0], [50, 40], [55, 38], [48, 41])
    assert found["cls"] == 1
    assert found["p0"] == 0.5
    assert found["significance"] == found["asimov_significance"] == 0
    assert found["sigma_mu"] == np.inf
    assert not np.isfinite(found["limit"])


def test_templates_that_are_nan():
    """Give NaN everywhere, and no exception."""
    found = values_of([np.nan, 1], [50, 40], [55, 38], [48, 41])
    assert np.isnan([*found.values()]).all(), found


def scores(seed, size):
    rng = np.random.default_rng(seed)
    return rng.uniform(0.02, 0.98, size), rng.choice([1.0, 2.5, -0.3], size, p=[0.6, 0.3, 0.1])


@pytest.mark.parametrize(("name", "which"), [("cross_entropy", 1), ("cross_entropy_varied", 2)])
def test_cross_entropy_is_that_of_numpy(name, which):
    """Weighted means of -ln p of both classes, each half."""
    parts = [scores(seed, size) for seed, size in ((1, 40), (2, 70), (3, 200))]
    (p, w), (q, v) = parts[0], parts[which]
    signal, *background = (
        (tf.constant(p if number == 0 else 1 - p), tf.constant(w))
        for number, (p, w) in enumerate(parts)
    )
    trained = Trained(None, Scores(*((other, signal) for other in background)))
    expected = -0.5 * (np.average(np.log(p), weights=w) + np.average(np.log(1 - q), weights=v))
    np.testing.assert_allclose(OBJECTIVES[name].function(trained), expected, rtol=1e-12)


def test_cross_entropy_of_certainty_is_finite():
    """Outputs of exactly 0 and 1 on the wrong side, in float32: -ln 1e-7, gradients finite."""
    score = tf.constant([1.0, 0.0], tf.float32)
    one = tf.ones(2, tf.float64)
    with tf.GradientTape() as tape:
        tape.watch(score)
        classes = ((1.0 - score, one), (score, one))
        trained = Trained(None, Scores(classes, classes))
        value = OBJECTIVES["cross_entropy"].function(trained)
    np.testing.assert_allclose(value, 0.5 * -np.log(1e-7), rtol=1e-2)
    assert np.isfinite(tape.gradient(value, score)).all()


@pytest.mark.parametrize("name", OBJECTIVES)
def test_what_is_missing_is_said(name):
    """Without a model, or without outputs of a network, in one line."""
    with pytest.raises(InvalidInput, match="Received: none"):
        OBJECTIVES[name].function(Trained(None))
    assert OBJECTIVES[name].description


def test_objectives_are_of_one_model():
    """Two models are refused, not cut to the first."""
    histogram = tf.constant([[5.0, 6.0], [7.0, 8.0]])
    mu = {"name": "mu", "type": "normfactor", "data": None}
    samples = [{"name": "signal", "data": histogram, "modifiers": [mu]}]
    model = HistFactoryModel([{"name": "SR", "samples": samples}])
    with pytest.raises(InvalidInput, match="Received: 2 models"):
        Trained(model)


@pytest.mark.parametrize("name", ["sigma_mu", "sigma_sum"])
def test_a_parameter_of_interest_that_is_fixed(name):
    """Has no uncertainty: one line."""
    channels = channels_of([4.0, 8.0], [50.0, 50.0], [52.0, 47.0], [48.0, 53.0])
    model = HistFactoryModel(channels, parameters=[{"name": "mu", "fixed": True}])
    with pytest.raises(InvalidInput, match=r"not fixed. Received: 'mu'"):
        OBJECTIVES[name].function(Trained(model))
    with pytest.raises(InvalidInput, match=r"not fixed. Received: 'mu'"):
        impacts_of_model(model)
