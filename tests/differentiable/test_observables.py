"""Observables: summaries of events, and their histograms smooth and hard."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from analyses import assert_refused, events_of, network_of, problem_of

from dnnlik.differentiable import (
    Binning,
    CategoryObservable,
    Cut,
    CutObservable,
    NetworkObservable,
    Observable,
    SoftmaxObservable,
    dense_network,
    softmax_histogram,
)
from dnnlik.differentiable.analysis import has_scores
from dnnlik.differentiable.observables import Classifier, Network
from dnnlik.exceptions import InvalidInput

FEATURES = np.random.default_rng(1).normal(size=(200, 2)).astype(np.float32)
WEIGHTS = np.random.default_rng(2).choice([1.0, 2.5, -0.5], 200)
EDGES = [-1.0, 0.0, 0.5, 2.0]


def window():
    """Two cuts on feature 0 that make a window, feature 1 in bins."""
    return CutObservable(
        [Cut(0, -0.5, 4.0), Cut(0, 1.0, 4.0, keep="below")], 1, Binning(EDGES, 0.2, "drop")
    )


def test_cuts_are_numpy():
    """The hard window is a mask, the histogram numpy's, thresholds as in `to_json`."""
    observable = window()
    kept = (FEATURES[:, 0] >= -0.5) & (FEATURES[:, 0] < 1.0)
    expected = np.histogram(FEATURES[kept, 1], EDGES, weights=WEIGHTS[kept])[0]
    summary = observable.summary(tf.constant(FEATURES))
    np.testing.assert_allclose(observable.hard(summary, tf.constant(WEIGHTS)), expected)
    assert observable.to_json() == {
        "observable": "cuts",
        "cuts": [{"feature": 0, "keep": "above", "threshold": -0.5},
                 {"feature": 0, "keep": "below", "threshold": 1.0}],
        "feature": 1, "edges": EDGES, "outside": "drop", "bandwidth": observable.binning.bandwidth,
    }  # fmt: skip
    assert observable.describe() == {"cut_0": -0.5, "cut_1": 1.0}


def test_cuts_without_bins_count():
    """One bin of what passes: 1/(1+exp(-k(x-c))) each in training."""
    observable = CutObservable([Cut(1, 0.3, 5.0)])
    summary = observable.summary(tf.constant(FEATURES))
    x = FEATURES[:, 1].astype(float)
    smooth = (WEIGHTS / (1 + np.exp(-5 * (x - 0.3)))).sum()
    np.testing.assert_allclose(observable.smooth(summary, tf.constant(WEIGHTS)), [smooth])
    hard = WEIGHTS[x >= 0.3].sum()
    np.testing.assert_allclose(observable.hard(summary, tf.constant(WEIGHTS)), [hard])


def test_a_network_in_bins():
    """The summary is its output, counted by numpy; its weights and edges are trained."""
    observable = network_of(problem_of(events=events_of()), bins=4)
    summary = observable.summary(tf.constant(FEATURES))
    np.testing.assert_array_equal(summary, observable.network(FEATURES)[:, 0])
    expected = np.histogram(np.asarray(summary, float), np.linspace(0, 1, 5), weights=WEIGHTS)[0]
    np.testing.assert_allclose(observable.hard(summary, tf.constant(WEIGHTS)), expected)
    assert observable.to_json()["edges"] == [0, 0.25, 0.5, 0.75, 1]
    assert observable.to_json()["observable"] == "network"


def softmax(bins=4, temperature=0.5):
    """A network with an output a bin."""
    events = [events_of()["signal"]]
    network = dense_network(events, (5,), output="linear", outputs=bins, seed=1)
    return SoftmaxObservable(network, temperature)


def test_a_network_with_an_output_a_bin():
    """Soft shares in training, the largest output in hard bins, and no probabilities of classes."""
    observable = softmax()
    logits = observable.network(FEATURES).numpy()
    summary = observable.summary(tf.constant(FEATURES))
    np.testing.assert_allclose(
        observable.smooth(summary, tf.constant(WEIGHTS)),
        softmax_histogram(logits, 0.5, WEIGHTS),
        rtol=1e-5,
    )
    counts = np.bincount(logits.argmax(axis=1), weights=WEIGHTS, minlength=4)
    np.testing.assert_allclose(observable.hard(summary, tf.constant(WEIGHTS)), counts)
    assert observable.to_json() == {"observable": "softmax", "bins": 4, "temperature": 0.5}
    assert isinstance(observable, Network)
    assert not isinstance(observable, Classifier)


def test_what_is_exported_gives_probabilities_of_bins():
    """Rows of the softmax at the temperature, whose largest is the bin."""
    observable = softmax()
    found = observable.exportable()(FEATURES).numpy()
    logits = observable.network(FEATURES).numpy() / 0.5
    expected = np.exp(logits - logits.max(axis=1, keepdims=True))
    np.testing.assert_allclose(found, expected / expected.sum(axis=1, keepdims=True), rtol=1e-5)


def test_a_binary_network_gives_probabilities_of_classes():
    """Of background and signal, which sum up to one."""
    observable = network_of(problem_of(events=events_of()))
    summary = observable.summary(tf.constant(FEATURES))
    found = observable.probabilities(summary).numpy()
    np.testing.assert_allclose(found[:, 1], summary)
    np.testing.assert_allclose(found.sum(axis=1), 1.0, rtol=1e-6)
    assert isinstance(observable, Classifier)


@pytest.mark.parametrize("make", [window, lambda: network_of(problem_of()), softmax])
@pytest.mark.parametrize("kind", ["smooth", "hard"])
def test_many_samples_at_once_are_each_of_them(make, kind):
    """A first axis of samples gives the histogram of each."""
    observable = make()
    count = getattr(observable, kind)
    summaries = [observable.summary(tf.constant(FEATURES + d)) for d in (0.0, 0.4)]
    weights = [tf.constant(WEIGHTS), tf.constant(WEIGHTS**2)]
    together = count(tf.stack(summaries), tf.stack(weights))
    for row, summary, weight in zip(together, summaries, weights, strict=True):
        np.testing.assert_allclose(row, count(summary, weight), rtol=1e-5)


@pytest.mark.parametrize("make", [window, lambda: network_of(problem_of()), softmax])
def test_they_are_observables(make):
    """The protocol of training; what is trained comes first among what changes."""
    observable = make()
    assert isinstance(observable, Observable)
    trained = observable.trainable_variables
    for one, other in zip(trained, observable.variables, strict=False):
        assert one is other


def test_a_network_changes_more_than_its_weights():
    """Moving averages of a batch normalisation belong to what is kept of it."""
    network = keras.Sequential(
        [keras.Input((2,)), keras.layers.BatchNormalization(), keras.layers.Dense(1)]
    )
    observable = NetworkObservable(network, Binning(EDGES, 0.2))
    assert len(observable.variables) == len(observable.trainable_variables) + 2


def ending(activation):
    """A network of three outputs that ends in an activation, or in a layer of that name."""
    dense = keras.layers.Dense(3, None if activation == "Softmax" else activation)
    last = [keras.layers.Softmax()] if activation == "Softmax" else []
    return keras.Sequential([keras.Input((2,)), dense, *last])


AROUND = {"softmax": SoftmaxObservable, "categories": CategoryObservable}
REFUSED = {
    "two outputs": (
        lambda: NetworkObservable(keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)]),
                                  Binning(EDGES, 0.2)), "2"),
    "a network of unknown shape": (
        lambda: NetworkObservable(keras.Sequential([keras.layers.Dense(1)]),
                                  Binning(EDGES, 0.2)), "not built"),
    "a softmax of unknown size": (
        lambda: SoftmaxObservable(keras.Sequential([keras.layers.Dense(3)])), "not built"),
    "no temperature": (lambda: softmax(temperature=0.0), "0.0"),
    "an unknown side": (lambda: Cut(0, 1.0, 1.0, keep="inside"), "'inside'"),
    "a flat cut": (lambda: Cut(0, 1.0, 0.0), "0.0"),
    "a cut nowhere": (lambda: Cut(0, np.nan, 1.0), "nan"),
    "a feature before the first": (lambda: Cut(-1, 1.0, 1.0), "-1"),
    **{f"{kind} that ends in {end}": (
        lambda kind=kind, end=end: AROUND[kind](ending(end)), end.lower())
       for kind in ("softmax", "categories") for end in ("softmax", "sigmoid", "Softmax")},
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_refused(kind):
    """One line each."""
    assert_refused(*REFUSED[kind])


@pytest.mark.parametrize("make", [window, lambda: network_of(problem_of()), softmax])
def test_events_of_other_features(make):
    """One line with both numbers, before anything is computed."""
    with pytest.raises(InvalidInput, match=r"Received: .*\d"):
        make().summary(tf.zeros([4, 1]))
    if make is not window:  # cuts look at the features that they are for
        with pytest.raises(InvalidInput, match=r"events have 3 features. Received: a network of 2"):
            make().summary(tf.zeros([4, 3]))


@pytest.mark.parametrize(("activation", "classes"), [("sigmoid", 2), ("linear", 1), ("tanh", 1)])
def test_only_a_probability_classifies(activation, classes):
    """An output of any size has no cross-entropy."""
    problem = problem_of()
    network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, activation)])
    observable = NetworkObservable(network, Binning(EDGES, 0.2))
    assert observable.classes == classes
    assert has_scores(problem, observable) == (classes == 2)


def test_edges_alone_may_be_trained():
    """A cut is not needed where the edges are trainable."""
    from dnnlik.differentiable import TrainableEdges

    observable = CutObservable([], 0, Binning(TrainableEdges(EDGES), 0.2))
    assert len(observable.trainable_variables) == 1
    assert set(observable.describe()) == {"edge_1", "edge_2"}
