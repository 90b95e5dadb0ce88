"""Expected limits against pyhf, closed forms and differences."""

import numpy as np
import pyhf
import pytest
import tensorflow as tf
from scipy.optimize import brentq
from scipy.stats import norm
from workspaces import (
    EVERYTHING,
    by_bin,
    content_of,
    factor,
    jacobian_and_differences,
    model_of,
    precise,
    pyhf_of,
    region,
    sample,
    scale,
    worst,
)

from dnnlik.differentiable.limits import expected_limit
from dnnlik.differentiable.model import HistFactoryModel
from dnnlik.exceptions import InvalidInput

CONTENT = content_of(EVERYTHING)


def test_the_whole_chain_against_differences():
    """The median limit, with respect to every number of every template; its CLs by pyhf."""
    received, expected, limit = jacobian_and_differences(
        lambda content: expected_limit(model_of(EVERYTHING, content), "mu")[:, None], CONTENT, 1
    )
    assert worst(received, expected) < 1e-6
    assert cls_by_pyhf(EVERYTHING, limit[0])[2] == pytest.approx(0.05, rel=1e-5)


def cls_by_pyhf(channels, tested):
    """Expected CLs at -2, ..., 2 standard deviations."""
    reference, _ = pyhf_of(channels)
    point = np.array(reference.config.suggested_init())
    point[reference.config.poi_index] = 0
    background = reference.expected_data(point)
    with precise():
        return pyhf.infer.hypotest(tested, background, reference, return_expected_set=True)[1]


SMALL = region(
    sample("signal", [5.0, 12.0], factor("mu")),
    sample("background", [50.0, 20.0], by_bin("free", "shapesys", [6.0, 3.0]),
           scale("rate", 1.06, 0.95)),
)  # fmt: skip


def test_limits_are_those_of_pyhf():
    """The median and its band, as pyhf's own root finder has them."""
    reference, _ = pyhf_of(SMALL)
    point = np.array(reference.config.suggested_init())
    point[reference.config.poi_index] = 0
    background = reference.expected_data(point)
    with precise():
        _, expected = pyhf.infer.intervals.upper_limits.upper_limit(background, reference)
    model = model_of(SMALL)
    received = [expected_limit(model, "mu", sigmas=sigmas) for sigmas in (-1.0, 0.0, 2.0)]
    np.testing.assert_allclose(
        np.ravel(received), [float(expected[k]) for k in (1, 2, 4)], rtol=1e-5
    )


def counting(signal, background=(50.0,), error=1e-9):
    """One bin for each model of a signal, its background known but for an error."""
    return HistFactoryModel(
        region(
            sample("signal", signal, factor("mu")),
            sample("background", list(background), scale("rate", 1 + error, 1 / (1 + error))),
        )
    )


@pytest.mark.parametrize("background", [0.3, 4.0, 50.0, 1e6])
@pytest.mark.parametrize(("confidence", "sigmas"), [(0.95, 0.0), (0.9, 1.0), (0.99, -2.0)])
def test_a_known_background(background, confidence, sigmas):
    """The root of 2 [μs - b ln(1 + μs/b)] = z²; it goes as 1/s, with slope -μ/s."""
    target = norm.isf((1 - confidence) * norm.cdf(sigmas)) + sigmas

    def distance(x):
        return 2 * (x - background * np.log1p(x / background)) - target**2

    expected = brentq(distance, 1e-9, 100 * (background + 10), xtol=1e-13, rtol=1e-14)
    signal = tf.constant([[2.0], [0.01], [300.0]], tf.float64)
    with tf.GradientTape() as tape:
        tape.watch(signal)
        limit = expected_limit(counting(signal, [background]), "mu", confidence, sigmas)
    np.testing.assert_allclose(limit, expected / signal.numpy()[:, 0], rtol=1e-9)
    slope = tape.gradient(limit, signal).numpy()
    np.testing.assert_allclose(slope, -limit.numpy()[:, None] / signal.numpy(), rtol=1e-8)


def test_compiled_with_xla():
    """Loops in loops: the same limits and gradients."""

    def both(signal):
        with tf.GradientTape() as tape:
            tape.watch(signal)
            spread = by_bin("free", "shapesys", [5.0])
            model = HistFactoryModel(
                region(sample("signal", signal, factor("mu")), sample("background", [50.0], spread))
            )
            limit = expected_limit(model, "mu")
        return limit, tape.gradient(limit, signal)

    signal = tf.constant([[5.0], [9.0]], tf.float64)
    expected = both(signal)
    received = tf.function(both, jit_compile=True)(signal)
    np.testing.assert_allclose(received[0], expected[0], rtol=1e-10)
    np.testing.assert_allclose(received[1], expected[1], rtol=1e-9)


def test_one_model_without_a_limit_spoils_no_other():
    """NaN for a signal that is nowhere, or not a number; the gradient of what they share,
    and of the others, is that without it."""
    signal, shared = [[5.0], [0.0], [np.nan], [9.0]], tf.constant(50.0, tf.float64)
    results = []
    for rows in ([0, 1, 2, 3], [0, 3]):
        some = tf.constant([signal[row] for row in rows], tf.float64)
        with tf.GradientTape() as tape:
            tape.watch([some, shared])
            limit = expected_limit(counting(some, [shared], 0.1), "mu")
            total = tf.reduce_sum(tf.boolean_mask(limit, tf.math.is_finite(limit)))
        results.append((limit.numpy(), *tape.gradient(total, [some, shared])))
    assert np.isnan(results[0][0]).tolist() == [False, True, True, False]
    np.testing.assert_allclose(results[0][0][[0, 3]], results[1][0], rtol=1e-10)
    np.testing.assert_allclose(results[0][1].numpy()[[0, 3]], results[1][1], rtol=1e-8)
    np.testing.assert_allclose(results[0][2], results[1][2], rtol=1e-8)


def test_a_parameter_that_does_nothing():
    """Changes no limit: a factor of a sample that is empty."""
    channels = region(
        sample("signal", [5.0], factor("mu")),
        sample("background", [50.0]),
        sample("empty", [0.0], factor("idle")),
    )
    received = expected_limit(HistFactoryModel(channels), "mu")
    del channels[0]["samples"][2]
    np.testing.assert_allclose(
        received, expected_limit(HistFactoryModel(channels), "mu"), rtol=1e-9
    )


def test_a_limit_beyond_the_bound():
    """Is the same as with a wider bound."""
    narrow, wide = (
        model_of(SMALL, parameters=[{"name": "mu", "inits": [0.1], "bounds": [[0.0, upper]]}])
        for upper in (0.3, 30.0)
    )
    limit = expected_limit(narrow, "mu")
    assert limit > 0.3
    np.testing.assert_allclose(limit, expected_limit(wide, "mu"), rtol=1e-9)


@pytest.mark.parametrize("poi", ["nothing", "lumi"])
def test_no_limit_of_what_is_fixed_or_unknown(poi):
    """One line that names it."""
    fixed = {"name": "lumi", "inits": [1.0], "bounds": [[0.5, 1.5]], "auxdata": [1.0],
             "sigmas": [0.02], "fixed": True}  # fmt: skip
    model = model_of(EVERYTHING, parameters=[fixed])
    with pytest.raises(InvalidInput, match=poi):
        expected_limit(model, poi)
