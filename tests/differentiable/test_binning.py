"""Bins of a trained quantity: what training and evaluation see of the same edges."""

import json

import numpy as np
import pytest
import tensorflow as tf
from scipy.stats import norm

from dnnlik.differentiable import Binning, TrainableEdges
from dnnlik.differentiable.binning import HardBinning
from dnnlik.exceptions import InvalidInput

EDGES = [0.0, 0.2, 0.7, 1.0]
VALUES = np.array([-0.3, 0.0, 0.1, 0.2, 0.65, 0.7, 1.0, 1.4])
WEIGHTS = np.array([1.0, 2.0, -0.5, 3.0, 0.25, 1.0, 4.0, 8.0])


@pytest.mark.parametrize("edges", [EDGES, TrainableEdges(EDGES, dtype=tf.float64)])
@pytest.mark.parametrize("outside", ["include", "drop"])
def test_hard_is_numpy(edges, outside):
    """Weighted counts, values outside in the end bins or nowhere."""
    binning = Binning(edges, 0.1, outside)
    values = np.clip(VALUES, 0, 1) if outside == "include" else VALUES
    expected = np.histogram(values, EDGES, weights=WEIGHTS)[0]
    np.testing.assert_allclose(binning.hard(tf.constant(VALUES), tf.constant(WEIGHTS)), expected)
    assert binning.bins == 3


@pytest.mark.parametrize("outside", ["include", "drop"])
def test_smooth_is_a_sum_of_normal_integrals(outside):
    """The kernel of the bandwidth, in the dtype of the values."""
    ends = (-np.inf, np.inf) if outside == "include" else (0.0, 1.0)
    open_edges = np.array([ends[0], 0.2, 0.7, ends[1]])
    expected = np.diff(norm.cdf((open_edges[:, None] - VALUES) / 0.1), axis=0) @ WEIGHTS
    found = Binning(EDGES, 0.1, outside).smooth(tf.constant(VALUES), tf.constant(WEIGHTS))
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_one_outer_convention_for_both():
    """The smooth histogram becomes the hard one as the bandwidth shrinks."""
    values, weights = tf.constant(VALUES + 1e-3), tf.constant(WEIGHTS)
    for outside in ("include", "drop", "reflect"):
        binning = Binning(EDGES, 1e-6, outside)
        np.testing.assert_allclose(
            binning.smooth(values, weights), binning.hard(values, weights), atol=1e-12
        )


def test_edges_are_written_with_every_digit():
    """Events lie on edges, and edges may be tiny."""
    edges = TrainableEdges([0.0, 0.3, 1.0])
    tiny = Binning([0.0, 1e-14, 3e-14], 1e-14)
    for binning in (Binning(edges, 0.1), tiny):
        written = json.loads(json.dumps(binning.to_json()))
        again = Binning(written["edges"], written["bandwidth"], written["outside"])
        np.testing.assert_array_equal(again.edges(), binning.edges())


REFUSED = {
    "descending": (lambda: Binning([1.0, 0.0], 0.1), "[1.0, 0.0]"),
    "one edge": (lambda: Binning([1.0], 0.1), "shape (1,)"),
    "NaN": (lambda: Binning([0.0, np.nan], 0.1), "nan"),
    "text": (lambda: Binning([0.0, "x"], 0.1), "'x'"),
    "none": (lambda: Binning(None, 0.1), "shape ()"),
    "outside of what": (lambda: Binning([0.0, 1.0], 0.1, "foo"), "'foo'"),
    "an infinite bandwidth": (lambda: Binning([0.0, 1.0], np.inf), "inf"),
    "hard edges that move": (lambda: HardBinning(TrainableEdges(EDGES)), "TrainableEdges"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_refused(kind):
    """When it is made, in one line."""
    make, received = REFUSED[kind]
    with pytest.raises(InvalidInput) as error:
        make()
    assert received in str(error.value).split("Received: ")[1]


def test_what_is_trained():
    """The variable of trainable edges, described by its inner edges; none of fixed ones."""
    fixed, trained = Binning(EDGES, 0.1), Binning(TrainableEdges(EDGES), 0.1)
    assert fixed.trainable_variables == []
    assert fixed.describe() == {}
    assert len(trained.trainable_variables) == 1
    assert trained.describe() == pytest.approx({"edge_1": 0.2, "edge_2": 0.7})
    assert fixed.to_json() == {"edges": EDGES, "outside": "include", "bandwidth": fixed.bandwidth}
    trained.trainable_variables[0].assign([3.0, 0.0, 0.0])
    moved = trained.to_json()["edges"]
    assert moved == pytest.approx([0.0, *trained.describe().values(), 1.0])
    assert moved[1] > 0.7


@pytest.mark.parametrize("bandwidth", [0.0, -1.0, np.nan])
def test_bandwidths_that_are_refused(bandwidth):
    """Training has no gradient at zero."""
    with pytest.raises(InvalidInput, match=f"Received: {bandwidth}"):
        Binning(EDGES, bandwidth)
