"""Uncertainties of single bins where templates have a leading axis of models, or are traced."""

import numpy as np
import pytest
import tensorflow as tf

from dnnlik.differentiable.model import HistFactoryModel

BACKGROUND = np.array([[50.0, 40.0, 30.0], [60.0, 45.0, 20.0]])


def model_of(kind, background):
    """One channel of three bins with 10 % of each bin uncertain."""
    modifiers = [{"name": "gamma", "type": kind, "data": 0.1 * background}]
    mu = {"name": "mu", "type": "normfactor", "data": None}
    samples = [
        {"name": "signal", "data": [5.0, 6.0, 7.0], "modifiers": [mu]},
        {"name": "background", "data": background, "modifiers": modifiers},
    ]
    return HistFactoryModel([{"name": "SR", "samples": samples}])


def value(kind, background):
    """The log-likelihood away from the maximum, which depends on every width."""
    model = model_of(kind, background)
    truth = tf.constant([[1.0, 1.0, 1.0, 1.0]] * model.models, tf.float64)
    moved = truth + tf.constant([0.1, 0.05, -0.02, 0.03], tf.float64)
    return model.log_likelihood(moved, model.expected_data(truth))


@pytest.mark.parametrize("kind", ["shapesys", "staterror"])
def test_every_bin_of_every_model_has_its_width(kind):
    """Fewer models than bins: each model as if it were alone."""
    together = value(kind, tf.constant(BACKGROUND))
    alone = np.concatenate([value(kind, tf.constant(row)) for row in BACKGROUND])
    np.testing.assert_allclose(together, alone, rtol=1e-13)


@pytest.mark.parametrize("kind", ["shapesys", "staterror"])
def test_it_can_be_traced(kind):
    """In a graph, where a tensor has a shape but no length, the same number."""
    traced = tf.function(lambda background: value(kind, background), autograph=False)
    background = tf.constant(BACKGROUND)
    np.testing.assert_allclose(traced(background), value(kind, background), rtol=1e-13)
