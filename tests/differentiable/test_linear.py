"""Systems of equations, some of which have no solution."""

import numpy as np
import pytest
import tensorflow as tf

from dnnlik.differentiable.linear import positive_definite, solve

ROOT = np.random.default_rng(3).normal(size=(3, 3))
REGULAR = ROOT @ ROOT.T + np.eye(3)
BAD = {
    "zero": np.zeros((3, 3)),
    "singular": np.ones((3, 3)),
    "indefinite": np.diag([1.0, -1.0, 1.0]),
    "NaN": np.full((3, 3), np.nan),
    "one NaN": REGULAR + np.diag([0.0, 0.0, np.nan]),
    "infinite": REGULAR + np.diag([0.0, np.inf, 0.0]),
}


@pytest.mark.parametrize("wrapped", [lambda f: f, tf.function, tf.function(jit_compile=True)])
def test_one_bad_matrix_spoils_no_other(wrapped):
    """Those of a batch that can be solved are, as NumPy does; the others give NaN."""
    matrices = np.stack([REGULAR, *BAD.values(), 2 * REGULAR])
    right = np.random.default_rng(4).normal(size=(len(matrices), 3))
    received = wrapped(solve)(tf.constant(matrices), tf.constant(right)).numpy()
    expected = np.linalg.solve(REGULAR, right[[0, -1]].T).T / [[1], [2]]
    np.testing.assert_allclose(received[[0, -1]], expected, rtol=1e-12)
    assert np.isnan(received[1:-1]).all()
    good = wrapped(positive_definite)(tf.constant(matrices)).numpy()
    assert good.tolist() == [True, *[False] * len(BAD), True]
