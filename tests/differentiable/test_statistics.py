"""Test statistics and p-values against pyhf, published numbers and closed forms."""

import numpy as np
import pyhf
import pytest
import tensorflow as tf
from scipy.stats import norm
from workspaces import (
    EVERYTHING,
    OBSERVED,
    by_bin,
    content_of,
    data_of,
    factor,
    in_order,
    jacobian_and_differences,
    model_of,
    precise,
    pyhf_of,
    region,
    sample,
    scale,
    shape,
    worst,
)

from dnnlik.differentiable.fits import fit, points_of
from dnnlik.differentiable.model import HistFactoryModel
from dnnlik.differentiable.statistics import (
    asimov_statistic,
    cls_of,
    discovery_statistic,
    expected_cls,
    limit_statistic,
    log_normal_tail,
    normal_tail,
    root,
    statistic,
)

CONTENT = content_of(EVERYTHING)
RESULTS = [
    "expected p0", "expected CLs", "CLs band -1", "CLs band 2", "two parameters",
    "observed q", "observed CLs",
]  # fmt: skip


def observed_asimov(model, data, tested):
    """q_A of the background that fits the data best, as pyhf takes it."""
    background = fit(model, data, {"mu": 0.0}).points
    truth = dict(zip(model.parameters.names, tf.unstack(background, axis=1), strict=True))
    return asimov_statistic(model, truth, {"mu": tested})


def everything(content):
    """All `RESULTS`, (models, results)."""
    model = model_of(EVERYTHING, content)
    data = data_of(model, in_order(model, EVERYTHING, OBSERVED))
    q = asimov_statistic(model, {"mu": 0.0}, {"mu": 1.0})
    discovery = asimov_statistic(model, {"mu": 1.0}, {"mu": 0.0})
    seen = limit_statistic(model, data, "mu", 1.9)
    return tf.stack(
        [
            normal_tail(root(discovery)),
            expected_cls(q),
            expected_cls(q, -1.0),
            expected_cls(q, 2.0),
            asimov_statistic(model, {"mu": 1.0}, {"mu": 0.5, "kappa": 0.8}),
            seen,
            cls_of(seen, observed_asimov(model, data, 1.9)),
        ],
        axis=1,
    )


@pytest.fixture(scope="module")
def chain():
    """The received Jacobian of `everything`, and that by differences."""
    return jacobian_and_differences(everything, CONTENT, len(RESULTS))


@pytest.mark.parametrize("name", RESULTS)
def test_the_whole_chain_against_differences(name, chain):
    """With respect to every number of every template."""
    row = [RESULTS.index(name)]
    received, expected = (side[row] for side in chain[:2])
    assert np.abs(expected).max() > 1e-6
    assert worst(received, expected) < 2e-6


@pytest.fixture(scope="module")
def values(chain):
    return dict(zip(RESULTS, chain[2], strict=True))


def test_observed_results_are_those_of_pyhf(values):
    """q̃, CLs and p0 of data, with every modifier."""
    reference, data = pyhf_of(EVERYTHING, observed=OBSERVED)
    with precise():
        cls = pyhf.infer.hypotest(1.9, data, reference, test_stat="qtilde")
        p0 = pyhf.infer.hypotest(0.0, data, reference, test_stat="q0")
        q = pyhf.infer.test_statistics.qmu_tilde(
            1.9, data, reference, reference.config.suggested_init(),
            reference.config.suggested_bounds(), reference.config.suggested_fixed(),
        )  # fmt: skip
    assert values["observed q"] == pytest.approx(float(q), abs=1e-6)
    assert values["observed CLs"] == pytest.approx(float(cls), rel=1e-5)
    model = model_of(EVERYTHING)
    data = data_of(model, in_order(model, EVERYTHING, OBSERVED))
    received = normal_tail(root(discovery_statistic(model, data, "mu")))
    assert received.numpy() == pytest.approx(float(p0), rel=1e-5)


def test_expected_results_are_those_of_pyhf(values):
    """CLs and its band on the Asimov data without signal, p0 on those with it."""
    reference, _ = pyhf_of(EVERYTHING)
    point = np.array(reference.config.suggested_init())
    with precise():
        point[reference.config.poi_index] = 0
        background = reference.expected_data(point)
        observed, band = pyhf.infer.hypotest(
            1.0, background, reference, test_stat="qtilde", return_expected_set=True
        )
        point[reference.config.poi_index] = 1
        signal = reference.expected_data(point)
        p0 = pyhf.infer.hypotest(0.0, signal, reference, test_stat="q0")
    # The data of the band's median are the Asimov data: CLb is one half.
    assert float(observed) == pytest.approx(float(band[2]), rel=1e-5)
    assert values["expected CLs"] == pytest.approx(float(band[2]), rel=1e-5)
    assert values["CLs band -1"] == pytest.approx(float(band[1]), rel=1e-5)
    assert values["CLs band 2"] == pytest.approx(float(band[4]), rel=1e-5)
    assert values["expected p0"] == pytest.approx(float(p0), rel=1e-5)


def test_two_tested_parameters(values):
    """On Asimov data t with the best fit is that with the truth; zero at the truth."""
    model = model_of(EVERYTHING)
    data = model.expected_data(points_of(model, {"mu": 1.0}))
    both = statistic(model, data, {"mu": 0.5, "kappa": 0.8})
    assert values["two parameters"] == pytest.approx(float(both[0]), rel=1e-9)
    truth = asimov_statistic(model, {"mu": 1.0}, {"mu": 1.0, "kappa": 1.0})
    assert truth.numpy() == pytest.approx(0, abs=1e-9)


# (up, down): the landscape of two bins, computed on its own.
LANDSCAPE = {
    (0, 0): (0.1080, 0.0488), (5, 5): (0.1103, 0.0488), (5, -5): (0.1161, 0.0542),
    (10, -10): (0.1226, 0.0573), (10, 0): (0.1199, 0.0518),
}  # fmt: skip


def test_the_landscape_of_two_bins():
    """CLs and p0 for five variations at once."""
    moves = np.array(list(LANDSCAPE), dtype=float)
    signs = np.array([1.0, -1.0])
    tilt = shape("tilt", 50 + moves[:, :1] * signs, 50 + moves[:, 1:] * signs)
    model = HistFactoryModel(
        region(
            sample("signal", [5.0, 11.0], factor("mu")), sample("background", [50.0, 50.0], tilt)
        )
    )
    cls = expected_cls(asimov_statistic(model, {"mu": 0.0}, {"mu": 1.0}))
    p0 = normal_tail(root(asimov_statistic(model, {"mu": 1.0}, {"mu": 0.0})))
    received = np.stack([cls, p0], axis=1)
    np.testing.assert_allclose(received, list(LANDSCAPE.values()), atol=6e-5)


def one_bin(phi, kind):
    """The toy of the neos paper: p0 of s = 15 + φ, b = 45 - 2φ ± (0.5 + 0.1 φ²)."""
    b, spread = 45 - 2 * phi, 0.5 + 0.1 * phi**2
    modifier = by_bin("g", kind, spread[:, None])
    model = HistFactoryModel(
        region(
            sample("signal", 15 + phi[:, None], factor("mu")),
            sample("background", b[:, None], modifier),
        )
    )
    return normal_tail(root(asimov_statistic(model, {"mu": 1.0}, {"mu": 0.0})))


TOY = {
    "shapesys": {0.0: 0.01700, 4.635: 0.003076, 10.0: 0.04325},
    "staterror": {4.841: 0.002933},
}


@pytest.mark.parametrize("kind", TOY)
def test_the_toy_of_one_bin(kind):
    """Published p0, and the slope changes its sign at the published optimum."""
    expected = TOY[kind]
    best = min(expected, key=expected.__getitem__)
    phi = tf.constant([*expected, best - 1e-3, best + 1e-3], tf.float64)
    with tf.GradientTape() as tape:
        tape.watch(phi)
        p0 = one_bin(phi, kind)
    slope = tape.gradient(p0, phi).numpy()
    np.testing.assert_allclose(p0.numpy()[:-2], list(expected.values()), rtol=6e-4)
    assert slope[-2] < 0 < slope[-1]


def test_a_known_background():
    """q_A = 2 [s - b ln(1 + s/b)] and q0 = 2 [(s+b) ln(1 + s/b) - s], and their gradients."""
    s, b = np.array([5.0, 1.0, 30.0]), np.array([20.0, 0.5, 3.0])
    content = tf.constant(np.stack([s, b], axis=1))
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(content)
        model = HistFactoryModel(
            region(
                sample("signal", content[:, :1], factor("mu")), sample("background", content[:, 1:])
            )
        )
        exclusion = asimov_statistic(model, {"mu": 0.0}, {"mu": 1.0})
        discovery = asimov_statistic(model, {"mu": 1.0}, {"mu": 0.0})
    log = np.log1p(s / b)
    np.testing.assert_allclose(exclusion, 2 * (s - b * log), rtol=1e-10)
    np.testing.assert_allclose(discovery, 2 * ((s + b) * log - s), rtol=1e-10)
    np.testing.assert_allclose(
        tape.gradient(exclusion, content),
        2 * np.stack([s / (s + b), s / (s + b) - log], axis=1), rtol=1e-9,
    )  # fmt: skip
    np.testing.assert_allclose(
        tape.gradient(discovery, content), 2 * np.stack([log, log - s / b], axis=1), rtol=1e-9
    )


def kinks(function, lower=-10.0):
    """A statistic of one bin of 50 ± 10 % and signal 10 for 45, 50 and 70 events, and its
    slope in the signal."""
    signal = tf.constant([[10.0]] * 3, tf.float64)
    with tf.GradientTape() as tape:
        tape.watch(signal)
        channels = region(
            sample("signal", signal, factor("mu")),
            sample("background", [50.0], scale("rate", 1.1, 0.9)),
        )
        bounds = [{"name": "mu", "inits": [1.0], "bounds": [[lower, 20.0]]}]
        model = model_of(channels, parameters=bounds)
        data = data_of(model, [0.0])._replace(main=tf.constant([[45.0], [50.0], [70.0]]))
        value = function(model, data)
    return value.numpy(), tape.gradient(value, signal).numpy()[:, 0]


@pytest.mark.parametrize("lower", [-10.0, 0.0])
def test_one_sided_statistics_are_cut(lower):
    """q is zero above the tested signal, q0 at a deficit; there the slope is zero too, and
    elsewhere both are those of t."""
    q, q_slope = kinks(lambda m, d: limit_statistic(m, d, "mu", 1.5), lower)
    q0, q0_slope = kinks(lambda m, d: discovery_statistic(m, d, "mu"), lower)
    t, t_slope = kinks(lambda m, d: statistic(m, d, {"mu": 1.5}), lower)
    t0, t0_slope = kinks(lambda m, d: statistic(m, d, {"mu": 0.0}), lower)
    assert (q[2], q_slope[2]) == (0, 0)
    assert (q0[0], q0_slope[0]) == (0, 0)
    assert t[2] > 0.1
    np.testing.assert_allclose(q[:2], t[:2])
    np.testing.assert_allclose(q_slope[:2], t_slope[:2])
    np.testing.assert_allclose(q0[2], t0[2])
    np.testing.assert_allclose(q0_slope[2], t0_slope[2])
    assert (q[:2] > 0).all()
    assert q0[2] > 0


def test_without_signal_nothing_can_be_told():
    """q = 0, CLs = 1 and p0 = ½ for a signal that is nowhere; no NaN in any gradient."""
    signal = tf.constant([[0.0, 0.0], [5.0, 2.0]], tf.float64)
    with tf.GradientTape() as tape:
        tape.watch(signal)
        model = HistFactoryModel(
            region(
                sample("signal", signal, factor("mu")),
                sample("background", [50.0, 0.0], scale("rate", 1.1, 0.9)),
            )
        )
        q = asimov_statistic(model, {"mu": 0.0}, {"mu": 1.0})
        discovery = asimov_statistic(model, {"mu": 1.0}, {"mu": 0.0})
        cls, p0 = expected_cls(q), normal_tail(root(discovery))
        total = tf.reduce_sum(cls + p0)
    # In the empty bin the second signal cannot be a background.
    assert discovery.numpy().tolist() == [0, np.inf]
    assert (q[0], cls[0]) == (0, 1)
    assert p0.numpy().tolist() == [0.5, 0]
    assert np.isfinite(tape.gradient(total, signal).numpy()).all()


@pytest.mark.parametrize("function", [root, expected_cls, normal_tail])
def test_not_a_number_stays_what_it_is(function):
    """It is never taken for zero."""
    assert np.isnan(function(tf.constant([np.nan], tf.float64)).numpy()).all()


def test_not_a_number_in_a_histogram():
    """The statistic of that model is NaN, and that of no other."""
    signal = tf.constant([[5.0], [np.nan], [6.0]], tf.float64)
    model = HistFactoryModel(
        region(
            sample("signal", signal, factor("mu")),
            sample("background", [50.0], scale("rate", 1.1, 0.9)),
        )
    )
    data = data_of(model, [55.0])
    for values in (
        asimov_statistic(model, {"mu": 0.0}, {"mu": 1.0}),
        discovery_statistic(model, data, "mu"),
        limit_statistic(model, data, "mu", 2.0),
    ):
        assert np.isnan(values.numpy()).tolist() == [False, True, False]


@pytest.mark.parametrize("bounded", [True, False])
def test_cls_joins_smoothly(bounded):
    """Below and above the Asimov value, against pyhf's distributions; smooth between."""
    from pyhf.infer.calculators import AsymptoticTestStatDistribution as Distribution

    observed = np.array([0.0, 0.5, 3.9999999, 4.0000001, 9.0])
    received = cls_of(tf.constant(observed), tf.constant(np.full(5, 4.0)), bounded).numpy()
    there = np.full(5, 2.0)
    shifted = np.sqrt(observed) - there
    if bounded:
        shifted = np.where(observed > 4, (observed - 4) / (2 * there), shifted)
    expected = [
        float(Distribution(-a).pvalue(x) / Distribution(0.0).pvalue(x))
        for a, x in zip(there, shifted, strict=True)
    ]
    np.testing.assert_allclose(received, expected, rtol=1e-12)


def test_tails_too_small_to_be_numbers():
    """Their logarithm is SciPy's, with the derivative of the tail, from 0 to 1000."""
    z = np.concatenate([np.linspace(0.0, 40.0, 181), [100.0, 1000.0]])
    points = tf.constant(z)
    with tf.GradientTape() as tape:
        tape.watch(points)
        value = log_normal_tail(points)
    np.testing.assert_allclose(value, norm.logsf(z), rtol=1e-12)
    expected = -np.exp(norm.logpdf(z) - norm.logsf(z))
    np.testing.assert_allclose(tape.gradient(value, points), expected, rtol=1e-9)
