"""Widths of constraints: of single bins where templates have a leading axis of models, or are
traced; of variations, where they are not 1."""

import numpy as np
import pytest
import tensorflow as tf

from dnnlik.differentiable.information import covariance, fisher_information
from dnnlik.differentiable.model import HistFactoryModel
from dnnlik.exceptions import InvalidLikelihood

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


UP, DOWN = np.array([53.0, 44.0]), np.array([48.0, 45.0])
SIGNAL, NOMINAL = np.array([5.0, 11.0]), np.array([50.0, 45.0])


def varied(width):
    """One variation whose auxiliary measurement has a width."""
    shape = {"name": "shape", "type": "histosys", "data": {"hi_data": UP, "lo_data": DOWN}}
    mu = {"name": "mu", "type": "normfactor", "data": None}
    samples = [
        {"name": "signal", "data": SIGNAL, "modifiers": [mu]},
        {"name": "background", "data": NOMINAL, "modifiers": [shape]},
    ]
    return HistFactoryModel([{"name": "SR", "samples": samples}], widths={"shape": width})


@pytest.mark.parametrize("width", [0.3, 1.0, 2.0, np.inf])
def test_the_information_has_the_width_of_a_variation(width):
    """The Fisher matrix by hand: slopes over yields, and 1/width²; nothing where it is infinite."""
    model = varied(width)
    columns = [model.parameters.index(name) for name in ("mu", "shape")]
    point = np.zeros((1, 2))
    point[0, columns[0]] = 1.0
    found = fisher_information(model, tf.constant(point))[0].numpy()[np.ix_(columns, columns)]
    slopes = np.array([SIGNAL, 0.5 * (UP - DOWN)])
    expected = slopes / (SIGNAL + NOMINAL) @ slopes.T + np.diag([0.0, width**-2.0])
    np.testing.assert_allclose(found, expected, rtol=1e-10)
    assert np.isfinite(covariance(tf.constant(expected[None]))).all()


@pytest.mark.parametrize("widths", [{"shape": 0.0}, {"shape": np.nan}, {"mu": 2.0}, {"none": 2.0}])
def test_widths_of_what_has_none(widths):
    """Of parameters without a variation, of none, or that are not positive: one line."""
    mu = {"name": "mu", "type": "normfactor", "data": None}
    shape = {"name": "shape", "type": "histosys", "data": {"hi_data": UP, "lo_data": DOWN}}
    sample = {"name": "signal", "data": SIGNAL, "modifiers": [mu, shape]}
    with pytest.raises(InvalidLikelihood, match=r"widths are positive.*\(shape\).*Received"):
        HistFactoryModel([{"name": "SR", "samples": [sample]}], widths=widths)
