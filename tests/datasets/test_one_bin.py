"""The one-bin toy: its optimum by brute force."""

import numpy as np
import pytest
import tensorflow as tf
from scipy.optimize import minimize_scalar
from scipy.stats import norm

from dnnlik.datasets.one_bin import OPTIMUM, expected


def p0(phi, constraint):
    """The p-value of no signal on the expected data, by a fit of the background's factor."""
    s, b, sigma = expected(phi)
    tau = (b / sigma) ** 2

    def nll(factor, mu):
        rate = mu * s + factor * b
        auxiliary = {
            "poisson": tau * factor - tau * np.log(tau * factor),
            "normal": 0.5 * tau * (factor - 1) ** 2,
        }[constraint]
        return rate - (s + b) * np.log(rate) + auxiliary

    best = minimize_scalar(lambda g: nll(g, 0), bounds=(0.2, 3), options={"xatol": 1e-12})
    return norm.sf(np.sqrt(2 * (best.fun - nll(1, 1))))


@pytest.mark.parametrize("constraint", OPTIMUM)
def test_the_optimum_is_the_smallest_p_value(constraint):
    """A search over φ ends at the optimum; the p-values are those listed."""
    optimum = OPTIMUM[constraint]
    found = minimize_scalar(
        lambda phi: p0(phi, constraint), bounds=(0, 10), options={"xatol": 1e-8}
    )
    assert found.x == pytest.approx(optimum.phi, abs=1e-3)
    assert found.fun == pytest.approx(optimum.p0, abs=1e-6)
    assert p0(0, constraint) == pytest.approx(optimum.p0_at_0, abs=1e-5)
    assert p0(10, constraint) == pytest.approx(optimum.p0_at_10, abs=1e-5)


def test_numbers_arrays_and_tensors():
    """The same yields of a number, an array and a tensor, which has the slopes 1, -2 and φ/5."""
    yields = [[15, 25], [45, 25], [0.5, 10.5]]
    np.testing.assert_allclose(expected(np.array([0.0, 10.0])), yields)
    phi = tf.constant(5.0)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(phi)
        yields = expected(phi)
    np.testing.assert_allclose(yields, expected(5.0))
    assert [float(tape.gradient(y, phi)) for y in yields] == [1, -2, 1]
