"""The interpolation codes against pyhf's own interpolators."""

import numpy as np
import pyhf
import pytest
import tensorflow as tf

from dnnlik.histfactory.interpolation import (
    ADDITIVE,
    code1_factor,
    code4_coefficients,
    code4_factor,
)

PYHF_CODES = {"code0": 0, "code1": 1, "code2": 2, "code4": 4, "code4p": "4p"}
ALPHAS = np.concatenate(
    [
        [0.0, 1.0, -1.0, 5.0, -5.0, 8.0, -8.0],
        [1 - 1e-9, 1 + 1e-9, -1 + 1e-9, -1 - 1e-9, 1e-9, -1e-9],
        np.linspace(-1, 1, 41),
        np.linspace(-6, 6, 61),
        np.random.default_rng(2).normal(0, 2, 50),
    ]
)
# Down, nominal and up of three bins; rising, falling, one-sided, shrinking on both sides.
HISTOGRAMS = np.array(
    [
        [[9.0, 4.0, 1.0], [10.0, 5.0, 2.0], [11.0, 7.0, 2.5]],
        [[12.0, 6.0, 0.0], [10.0, 5.0, 2.0], [9.5, 5.0, 3.0]],
        [[8.0, 4.5, 3.0], [10.0, 5.0, 2.0], [9.0, 4.9, 3.5]],
    ]
)
FACTORS = np.array([[0.9, 1.2, 0.7, 1.0, 1.05], [1.1, 0.85, 0.6, 1.3, 1.2]])


def additive_shift(code, alphas, histograms):
    """The shift of a (3, bins) set of histograms: (B,) → (B, bins)."""
    down, nominal, up = histograms
    odd, even = ADDITIVE[code](tf.constant(alphas))
    odd, even = odd.numpy()[:, None], even.numpy()[:, None]
    return odd * 0.5 * (up - down) + even * (0.5 * (up + down) - nominal)


def multiplicative_factor(code, alphas, up, down):
    """The product over N parameters, (B, N) and (N, C) → (B, C), as a tensor."""
    up, down, rows = tf.constant(up), tf.constant(down), tf.transpose(alphas)
    if code == "code1":
        return tf.transpose(code1_factor(rows, tf.math.log(up), tf.math.log(down)))
    return tf.transpose(product_of_code4(rows, up, down))


def product_of_code4(alphas, up, down):
    """(N, B) and (N, C) → (C, B)."""
    up, down = tf.convert_to_tensor(up), tf.convert_to_tensor(down)
    polynomial = code4_coefficients(up, down)
    return code4_factor(alphas, tf.math.log(up), tf.math.log(down), polynomial)


def one_factor(code, alphas, up, down):
    """One factor of one parameter: tensor (B,) → (B,)."""
    ups, downs = np.array([[float(up)]]), np.array([[float(down)]])
    return multiplicative_factor(code, alphas[:, None], ups, downs)[:, 0]


def pyhf_values(code, alphas, histograms):
    """pyhf's interpolation of (3, bins): (B,) → (B, bins); shifts or factors."""
    interpolate = pyhf.interpolators.get(PYHF_CODES[code])([[histograms.tolist()]])
    return np.asarray(interpolate(alphas[None]))[0, 0]


def derivatives(function, alpha):
    """Value, first and second derivative of a tensor function (B,) → (B,) at a number."""
    x = tf.constant([float(alpha)], tf.float64)
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            value = function(x)
        first = inner.gradient(value, x)
    second = outer.gradient(first, x, unconnected_gradients="zero")
    return np.array([value.numpy()[0], first.numpy()[0], second.numpy()[0]])


@pytest.mark.parametrize("histograms", HISTOGRAMS)
@pytest.mark.parametrize("code", ["code0", "code2", "code4p"])
def test_additive_codes_are_those_of_pyhf(code, histograms):
    """S·o(α) + A·e(α) is pyhf's shift, inside, outside and exactly at 0 and ±1."""
    expected = pyhf_values(code, ALPHAS, histograms)
    received = additive_shift(code, ALPHAS, histograms)
    np.testing.assert_allclose(received, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("down", "up"), FACTORS.T)
@pytest.mark.parametrize("code", ["code1", "code4"])
def test_multiplicative_codes_are_those_of_pyhf(code, down, up):
    """One factor is pyhf's, inside, outside and exactly at 0 and ±1."""
    expected = pyhf_values(code, ALPHAS, np.array([[down], [1.0], [up]]))[:, 0]
    received = one_factor(code, tf.constant(ALPHAS), up, down).numpy()
    np.testing.assert_allclose(received, expected, rtol=1e-12)


@pytest.mark.parametrize("code", ["code1", "code4"])
@pytest.mark.parametrize("count", [1, 2, 3, 5, 8])
def test_factors_of_several_parameters_multiply(code, count):
    """The factor of N parameters is the product of pyhf's N, for odd and even N."""
    generator = np.random.default_rng(count)
    alphas = generator.normal(0, 1.5, (20, count))
    up, down = generator.uniform(0.5, 1.6, (2, count, 3))
    expected = np.ones((20, 3))
    for i in range(count):
        histograms = np.stack([down[i], np.ones(3), up[i]])
        expected *= pyhf_values(code, alphas[:, i], histograms)
    received = multiplicative_factor(code, tf.constant(alphas), up, down).numpy()
    np.testing.assert_allclose(received, expected, rtol=1e-12)


@pytest.mark.parametrize("code", PYHF_CODES)
def test_templates_are_met_at_minus_one_zero_and_one(code):
    """α = -1, 0, 1 give the three templates back: what an interpolation is."""
    if code in ADDITIVE:
        received = HISTOGRAMS[0][1] + additive_shift(code, np.array([-1.0, 0, 1]), HISTOGRAMS[0])
        np.testing.assert_allclose(received, HISTOGRAMS[0], rtol=1e-13)
    else:
        received = one_factor(code, tf.constant([-1.0, 0, 1], tf.float64), 1.3, 0.6)
        np.testing.assert_allclose(received, [0.6, 1.0, 1.3], rtol=1e-13)


@pytest.mark.parametrize("edge", [-1.0, 0.0, 1.0])
@pytest.mark.parametrize("code", ["code4", "code4p"])
def test_codes_4_and_4p_are_twice_differentiable(code, edge):
    """Value, slope and curvature are continuous where the pieces meet, and at 0."""
    if code == "code4":
        curves = [lambda a, up=up, down=down: one_factor("code4", a, up, down)
                  for down, up in FACTORS.T]  # fmt: skip
    else:
        curves = [lambda a, i=i: ADDITIVE["code4p"](a)[i] for i in (0, 1)]
    for curve in curves:
        # Third derivatives are below 100 here, so 1e-9 changes the second by 1e-7.
        below, at, above = (derivatives(curve, edge + step) for step in (-1e-9, 0, 1e-9))
        np.testing.assert_allclose(below, at, atol=2e-7)
        np.testing.assert_allclose(above, at, atol=2e-7)


@pytest.mark.parametrize("alpha", [-3.0, -1.5, -0.7, -0.2, 0.3, 0.9, 1.2, 4.0])
@pytest.mark.parametrize("code", ["code1", "code4"])
def test_slopes_of_factors_are_finite_differences(code, alpha):
    """Automatic differentiation agrees with central differences of pyhf's factor."""
    histograms, step = np.array([[0.8], [1.0], [1.3]]), 1e-6
    ahead, behind = pyhf_values(code, np.array([alpha + step, alpha - step]), histograms)[:, 0]
    slope = derivatives(lambda a: one_factor(code, a, 1.3, 0.8), alpha)[1]
    assert slope == pytest.approx((ahead - behind) / (2 * step), rel=1e-7)


def test_slope_at_the_kink_of_code_1_is_the_mean():
    """At α = 0 code 1 has two slopes, ln up and -ln down; ours is their mean.

    TensorFlow's maximum would add them. All nuisance parameters start at this kink.
    """
    slope = derivatives(lambda a: one_factor("code1", a, 1.3, 0.6), 0.0)[1]
    assert slope == pytest.approx(0.5 * (np.log(1.3) - np.log(0.6)), rel=1e-14)


def test_slope_at_the_kink_of_code_0_is_the_mean():
    """At α = 0 code 0 has the slopes S + A and S - A; ours is S."""
    odd, even = (derivatives(lambda a, i=i: ADDITIVE["code0"](a)[i], 0.0)[1] for i in (0, 1))
    assert (odd, even) == (1.0, 0.0)


@pytest.mark.parametrize("zeros", [1, 2])
def test_a_factor_of_exactly_zero_leaves_the_gradient_finite(zeros):
    """The product is 0 and so are the slopes of the other factors; nothing is 0/0.

    The slope of the factor that is 0 itself is given as 0: it is met at one point only.
    """
    slopes = np.array([-2.0, -2.0, 0.5, 0.3, 0.1])
    if zeros == 1:
        slopes[1] = 0.2
    coefficients = np.zeros((6, 5, 1))
    coefficients[0, :, 0] = slopes  # each factor is 1 + slope·α
    nothing, alphas = tf.zeros((5, 1), tf.float64), tf.constant(np.full((5, 1), 0.5))
    with tf.GradientTape() as tape:
        tape.watch(alphas)
        value = code4_factor(alphas, nothing, nothing, tf.constant(coefficients))
    assert value.numpy() == 0
    assert np.all(tape.gradient(value, alphas).numpy() == 0)


@pytest.mark.parametrize("point", [-1.7, -0.4, 0.0, 0.6, 2.5])
def test_second_derivatives_of_a_product(point):
    """The Hessian of a product of three code-4 factors is that of differences of slopes."""
    up, down = np.array([[1.3], [0.8], [1.1]]), np.array([[0.8], [1.1], [0.7]])

    def slopes(alphas):
        with tf.GradientTape() as tape:
            tape.watch(alphas)
            value = product_of_code4(alphas, up, down)
        return tape.gradient(value, alphas)

    alphas = tf.constant([[point], [0.3], [-1.2]], tf.float64)
    with tf.GradientTape() as tape:
        tape.watch(alphas)
        gradient = slopes(alphas)
    hessian = tape.jacobian(gradient, alphas).numpy()[:, 0, :, 0]
    step = 1e-6 * np.eye(3)[:, :, None]
    expected = [(slopes(alphas + h) - slopes(alphas - h)).numpy()[:, 0] / 2e-6 for h in step]
    np.testing.assert_allclose(hessian, expected, rtol=1e-7, atol=1e-9)


def test_gradients_with_respect_to_the_templates():
    """A product's slope in its up and down factors is that of differences."""
    alphas = tf.constant([[0.4, -1.5], [-0.8, 0.2]], tf.float64)
    up, down = tf.constant([[1.3, 0.9], [1.1, 1.2]]), tf.constant([[0.8, 1.2], [0.7, 1.05]])
    up, down = tf.cast(up, tf.float64), tf.cast(down, tf.float64)

    def total(up):
        return tf.reduce_sum(product_of_code4(alphas, up, down))

    with tf.GradientTape() as tape:
        tape.watch(up)
        value = total(up)
    gradient = tape.gradient(value, up).numpy()
    for i, j in np.ndindex(2, 2):
        step = np.zeros((2, 2))
        step[i, j] = 1e-6
        difference = (total(up + step) - total(up - step)).numpy() / 2e-6
        assert gradient[i, j] == pytest.approx(difference, rel=1e-8)
