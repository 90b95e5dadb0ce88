"""Gradients of fitted values: closed forms, and differences through the whole chain."""

import numpy as np
import pytest
import tensorflow as tf
from workspaces import (
    EVERYTHING,
    OBSERVED,
    content_of,
    data_of,
    factor,
    in_order,
    jacobian_and_differences,
    model_of,
    region,
    sample,
    scale,
    worst,
)

from dnnlik.constraints import Normal
from dnnlik.differentiable.fits import fit
from dnnlik.differentiable.implicit import fitted_values
from dnnlik.differentiable.information import pulls, uncertainties
from dnnlik.differentiable.maximum import maximise
from dnnlik.differentiable.model import HistFactoryModel
from dnnlik.parameters import Parameter, ParameterSet

CONTENT = content_of(EVERYTHING)


@pytest.fixture(scope="module")
def chain():
    """Fitted values, their uncertainties and pulls as functions of all template contents:
    the received Jacobian, and that by differences."""

    def function(content):
        model = model_of(EVERYTHING, content)
        data = data_of(model, in_order(model, EVERYTHING, OBSERVED))
        points = fit(model, data).points
        errors = uncertainties(model, points, data)
        return tf.concat([points, errors, pulls(model, points, data)], axis=1)

    size = len(model_of(EVERYTHING).parameters)
    received, expected, _ = jacobian_and_differences(function, CONTENT, 3 * size)
    return np.split(received, 3), np.split(expected, 3)


@pytest.mark.parametrize("part", ["fitted values", "uncertainties", "pulls"])
def test_the_whole_chain_against_differences(part, chain):
    """Every parameter, with respect to every number of every template."""
    position = ["fitted values", "uncertainties", "pulls"].index(part)
    received, expected = (side[position] for side in chain)
    if part == "pulls":
        kinds = [p.constraint for p in model_of(EVERYTHING).parameters]
        measured = [isinstance(kind, Normal) for kind in kinds]
        assert not expected[np.logical_not(measured)].any()
        received, expected = received[measured], expected[measured]
    assert (np.abs(expected).max(axis=1) > 1e-6).all()
    assert worst(received, expected) < 1e-6


def counting(signal, background, observed, error=0.1, lower=0.0):
    """The fitted signal strength and background factor of one bin, and d/d(s, b, n)."""
    values = tf.constant([[signal, background, observed]], tf.float64)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(values)
        channels = region(
            sample("signal", values[:, :1], factor("mu")),
            sample("background", values[:, 1:2], scale("rate", 1 + error, 1 / (1 + error))),
        )  # fmt: skip
        bounds = {"name": "mu", "inits": [1.0], "bounds": [[lower, 20.0]]}
        model = HistFactoryModel(channels, parameters=[bounds], normsys_code="code1")
        data = data_of(model, [0.0])._replace(main=values[:, 2:])
        found = fit(model, data).points
        mu, rate = (found[:, model.parameters.index(name)] for name in ("mu", "rate"))
    return [(r.numpy()[0], tape.gradient(r, values).numpy()[0]) for r in (mu, rate)]


@pytest.mark.parametrize(("s", "b", "n"), [(10.0, 50.0, 63.0), (3.0, 0.5, 1.0), (7.0, 4.0, 4.0)])
def test_a_counting_experiment(s, b, n):
    """μ̂ = (n - b)/s: gradients 1/s, -1/s and -(n - b)/s²; its background is not pulled."""
    (mu, slope), (rate, none) = counting(s, b, n, lower=-10.0)
    assert mu == pytest.approx((n - b) / s, abs=1e-8)
    np.testing.assert_allclose(slope, [-(n - b) / s**2, -1 / s, 1 / s], rtol=1e-7, atol=1e-9)
    assert rate == pytest.approx(0, abs=1e-7)
    np.testing.assert_allclose(none, 0, atol=1e-7)


def test_at_a_bound_nothing_moves():
    """A deficit: μ̂ = 0 has gradient zero, and the background follows on its own,
    where θ = k (n - b e^{kθ}) with k = ln 1.1."""
    (mu, slope), (rate, own) = counting(10.0, 50.0, 40.0)
    k, here = np.log(1.1), 50 * np.exp(np.log(1.1) * rate)
    assert mu == 0
    assert (slope == 0).all()
    assert rate == pytest.approx(k * (40 - here), rel=1e-9)
    expected = np.array([0, -k * here / 50, k]) / (1 + k**2 * here)
    np.testing.assert_allclose(own, expected, rtol=1e-8)


def test_without_effect_there_is_no_gradient():
    """Of a signal that is nowhere; the background does not notice."""
    (_, slope), (rate, own) = counting(0.0, 50.0, 60.0)
    assert (slope == 0).all()
    k, here = np.log(1.1), 50 * np.exp(np.log(1.1) * rate)
    np.testing.assert_allclose(
        own[1:], np.array([-k * here / 50, k]) / (1 + k**2 * here), rtol=1e-8
    )


SIZE = 3


def fitted(centre, shared=0.0, function=None):
    """The maximum of -(x - c)²/2 of three parameters, the last of which acts with the first."""
    parameters = ParameterSet([Parameter(f"x{i}", 0.0, constraint=Normal(0, 1)) for i in range(3)])
    free = np.array([True, True, shared > 0])

    def quadratic(points):
        rest = points - tf.tile(centre, [points.shape[0] // centre.shape[0], 1])
        rest = tf.stack([rest[:, 0] + shared * points[:, 2], rest[:, 1]], axis=1)
        return -0.5 * tf.reduce_sum(rest**2, axis=1)

    start = tf.zeros_like(centre)
    function = function or quadratic
    return fitted_values(function, maximise(function, start, parameters, free), start, free)


def test_two_parameters_that_do_the_same():
    """Each has a finite gradient; that of their sum, which is measured, is right."""
    centre = tf.constant([[1.0, 2.0, 0.0]], tf.float64)
    with tf.GradientTape() as tape:
        tape.watch(centre)
        points = fitted(centre, shared=1.0)
        total = points[:, 0] + points[:, 2]
    assert total[0].numpy() == pytest.approx(1.0, rel=1e-9)
    np.testing.assert_allclose(tape.gradient(total, centre), [[1.0, 0.0, 0.0]], atol=1e-9)


def test_held_values_carry_their_own_gradient():
    """A value that is held may depend on what is trained: it follows, and so do the others."""
    channels = region(
        sample("signal", [10.0], factor("mu")), sample("background", [50.0], factor("k"))
    )
    model = HistFactoryModel(channels)
    data = data_of(model, [65.0])
    tested = tf.constant([1.2], tf.float64)
    with tf.GradientTape() as tape:
        tape.watch(tested)
        points = fit(model, data, {"mu": tested}).points
    slopes = tape.jacobian(points, tested).numpy()[0, :, 0]
    expected = {"mu": 1.0, "k": -0.2}
    np.testing.assert_allclose(slopes, [expected[n] for n in model.parameters.names], rtol=1e-9)


def test_where_no_maximum_was_found_there_is_no_gradient():
    """Neither of the row that is not a number, nor NaN in the others."""
    centre = tf.constant([[1.0, 2.0, 0.0], [np.nan, 1.0, 0.0], [0.5, 3.0, 0.0]], tf.float64)
    with tf.GradientTape() as tape:
        tape.watch(centre)
        total = tf.reduce_sum(fitted(centre)[:, :2])
    np.testing.assert_allclose(
        tape.gradient(total, centre).numpy()[[0, 2]], [[1, 1, 0], [1, 1, 0]], rtol=1e-9
    )
