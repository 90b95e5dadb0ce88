"""The two-bin landscape: its table by brute force."""

import numpy as np
import pytest
import tensorflow as tf
from scipy.optimize import minimize_scalar
from scipy.stats import norm

from dnnlik.datasets.two_bin import TABLE, templates


def objectives(u, d):
    """CLs, p₀, error of μ and determinant of the covariance, by fits of the nuisance parameter."""
    signal, background, up, down = templates(u, d)

    def rate(mu, alpha):
        """Code 4p as in CERN-OPEN-2012-016."""
        even = (15 * alpha**2 - 10 * alpha**4 + 3 * alpha**6) / 8
        even = even if abs(alpha) < 1 else abs(alpha)
        shift = 0.5 * (up - down) * alpha + (0.5 * (up + down) - background) * even
        return mu * signal + background + shift

    def nll(mu, alpha, data):
        return np.sum(rate(mu, alpha) - data * np.log(rate(mu, alpha))) + 0.5 * alpha**2

    def q(tested, true):
        """-2 ln of the profile likelihood ratio of expected data, the best of three ranges."""
        data = rate(true, 0.0)
        fits = [
            minimize_scalar(lambda a: nll(tested, a, data), bounds=ends, options={"xatol": 1e-9})
            for ends in ((-4, 0), (0, 4), (-4, 4))
        ]
        return 2 * (min(fit.fun for fit in fits) - nll(true, 0.0, data))

    data, slope = rate(1, 0.0), (rate(1, 1e-5) - rate(1, -1e-5)) / 2e-5
    jacobian = np.stack([signal, slope])
    covariance = np.linalg.inv(jacobian / data @ jacobian.T + np.diag([0, 1]))
    # CLs = CLsb/CLb, and CLb is ½ on the expected data of the background.
    cls, p0 = norm.sf(np.sqrt(q(1, 0))) / 0.5, norm.sf(np.sqrt(q(0, 1)))
    return cls, p0, np.sqrt(covariance[0, 0]), np.linalg.det(covariance)


@pytest.mark.parametrize("row", TABLE)
def test_the_table(row):
    """Each row is what fits by brute force give, to four decimals."""
    assert objectives(row.u, row.d) == pytest.approx(row[2:], abs=6e-5)


@pytest.mark.parametrize("dtype", [tf.float32, tf.float64])
def test_tensors(dtype):
    """Of tensors the variations are tensors of their dtype, with the slopes ±1."""
    u, d = tf.constant(3.0, dtype), tf.constant(-2.0, dtype)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch((u, d))
        _, _, up, down = templates(u, d)
    assert up.dtype == down.dtype == dtype
    np.testing.assert_allclose([up, down], [[53, 47], [48, 52]])
    np.testing.assert_array_equal(tape.jacobian(up, u), [1, -1])
    np.testing.assert_array_equal(tape.jacobian(down, d), [1, -1])


def test_templates_are_copies():
    """Changing what was received changes nothing for others."""
    for template in templates(0.0, 0.0):
        template[:] = 0.0
    assert [t.tolist() for t in templates(0.0, 0.0)] == [[5, 11], [50, 50], [50, 50], [50, 50]]
