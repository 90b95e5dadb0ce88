"""Categories of a network with several outputs: the histogram, its derivative, and classes."""

import json

import keras
import numpy as np
import onnxruntime
import pytest
import tensorflow as tf
from analyses import assert_refused, trained_of, trainer_of
from finite_differences import differences
from scipy.stats import norm

from dnnlik.datasets.two_signals import CLASSES, MEANS, log_densities
from dnnlik.differentiable import (
    OBJECTIVES,
    Binning,
    CategoryObservable,
    Events,
    NetworkObservable,
    Observable,
    TrainableEdges,
    dense_network,
    evaluate,
    training,
)
from dnnlik.differentiable.binning import HardBinning
from dnnlik.differentiable.methods import category_observable, hard_observable
from dnnlik.differentiable.objectives import cross_entropy, sigma_sum
from dnnlik.differentiable.observables import Classifier, Network, category_edges
from dnnlik.differentiable.problems import two_signals_problem
from dnnlik.exceptions import InvalidInput
from dnnlik.onnx.observable import write_observable

RNG = np.random.default_rng(4)
FEATURES = RNG.normal(size=(300, 2)).astype(np.float32)
WEIGHTS = RNG.choice([1.0, 2.5, -0.5], 300)
EDGES = np.array([1 / 3, 0.5, 0.6, 1.0])
NAMES = ("background", "left", "right")


def network(outputs=3, seed=1, output="linear"):
    return dense_network([Events(FEATURES)], (6,), output=output, outputs=outputs, seed=seed)


def probabilities(logits):
    odds = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return odds / odds.sum(axis=-1, keepdims=True)


def test_events_are_counted_in_the_category_of_their_largest_probability():
    """Numpy's histogram of the largest probability, one category after the other."""
    observable = CategoryObservable(network(), Binning(EDGES, 0.1))
    summary = observable.summary(tf.constant(FEATURES))
    expected = probabilities(observable.network(FEATURES).numpy())
    np.testing.assert_allclose(summary, expected, rtol=1e-5)
    largest, category = expected.max(axis=1), expected.argmax(axis=1)
    parts = [
        np.histogram(largest[category == k], EDGES, weights=WEIGHTS[category == k])[0]
        for k in range(3)
    ]
    found = observable.hard(summary, tf.constant(WEIGHTS))
    np.testing.assert_allclose(found, np.concatenate(parts), rtol=1e-12)
    assert set(category) == {0, 1, 2}


def test_two_categories_are_the_bins_of_a_sigmoid():
    """From the background's surest events to the signal's: the first half turned round."""
    alone = dense_network([Events(FEATURES)], (6,), seed=1)
    signal = NetworkObservable(alone, Binning(np.linspace(0, 1, 9), 0.1))
    both = CategoryObservable(network(2), 4)
    score = signal.summary(tf.constant(FEATURES))
    pair = tf.stack([1.0 - score, score], axis=-1)
    found = both.hard(pair, tf.constant(WEIGHTS)).numpy()
    expected = signal.hard(score, tf.constant(WEIGHTS))
    np.testing.assert_allclose(np.append(found[3::-1], found[4:]), expected, rtol=1e-12)


def slopes_of(binning, logits, coefficients):
    """Derivative of Σ c ν in the logits, (n, 3)."""
    observable = CategoryObservable(network(), binning)
    values = tf.constant(logits)
    with tf.GradientTape() as tape:
        tape.watch(values)
        summary = tf.nn.softmax(values)
        yields = observable.smooth(summary, tf.constant(WEIGHTS[: len(logits)]))
        total = tf.reduce_sum(yields * coefficients)
    return yields.numpy(), tape.gradient(total, values).numpy()


def shapes_of(kind):
    """B of the largest probability (n,) at the bins that the events are in, (bins, n)."""
    centres, widths = 0.5 * (EDGES[1:] + EDGES[:-1])[:, None], np.diff(EDGES)[:, None]

    def linear(x, inside):
        return inside * (1 - (2 * (x - centres) / widths) ** 2)

    def kernel(x, inside):
        lower, upper = EDGES[:-1].copy(), EDGES[1:].copy()
        lower[0], upper[-1] = -np.inf, np.inf  # what lies outside is in the end bins
        return norm.cdf((upper[:, None] - x) / 0.05) - norm.cdf((lower[:, None] - x) / 0.05)

    return {"linear": linear, "kernel": kernel}[kind]


@pytest.mark.parametrize("kind", ["linear", "kernel"])
def test_derivatives_are_those_of_the_shape_within_the_category(kind):
    """By differences of the shape at the largest probability, the category held fixed; a kernel
    histogram is smooth in value too."""
    logits = RNG.normal(0, 1, (30, 3))
    coefficients = RNG.normal(size=9)
    category = np.eye(3)[:, logits.argmax(axis=1)]
    largest = probabilities(logits).max(axis=1)
    inside = (largest >= EDGES[:-1, None]) & (largest < EDGES[1:, None])

    def total(values):
        own = (probabilities(values.reshape(30, 3)) * category.T).sum(axis=1)
        shares = shapes_of(kind)(own, inside)
        yields = np.einsum("kn,bn,n->kb", category, shares, WEIGHTS[:30])
        return yields.ravel() @ coefficients

    binning = HardBinning(EDGES) if kind == "linear" else Binning(EDGES, 0.05)
    yields, found = slopes_of(binning, logits, coefficients)
    (expected,) = differences(total, logits.ravel())
    np.testing.assert_allclose(found.ravel(), expected, rtol=1e-6, atol=1e-8)
    shares = inside if kind == "linear" else shapes_of(kind)(largest, inside)
    np.testing.assert_allclose(
        yields, np.einsum("kn,bn,n->kb", category, shares, WEIGHTS[:30]).ravel(), rtol=1e-9
    )


def test_a_probability_below_the_first_edge_is_in_the_first_bin():
    """Thirds in float32 are on either side of 1/3; of equals the first category."""
    observable = CategoryObservable(network(), 2)
    third = tf.constant([[0.3333333, 0.3333333, 0.3333333], [0.2, 0.4, 0.4]])
    found = observable.hard(third, tf.constant([1.0, 10.0])).numpy()
    assert found.tolist() == [1.0, 0.0, 10.0, 0.0, 0.0, 0.0]


@pytest.mark.parametrize("kind", ["smooth", "hard"])
def test_many_samples_at_once_are_each_of_them(kind):
    """A first axis of samples gives the histogram of each."""
    count = getattr(CategoryObservable(network(), 4), kind)
    summaries = [tf.nn.softmax(tf.constant(RNG.normal(size=(50, 3)))) for _ in range(2)]
    weights = [tf.constant(WEIGHTS[:50]), tf.constant(WEIGHTS[50:100])]
    together = count(tf.stack(summaries), tf.stack(weights))
    for row, summary, weight in zip(together, summaries, weights, strict=True):
        np.testing.assert_allclose(row, count(summary, weight), rtol=1e-9)


def test_what_it_says_of_itself(tmp_path):
    """The protocols of training and export; categories and edges in JSON; edges that are
    trained; the probabilities of the file."""
    observable = CategoryObservable(network(), 2, NAMES)
    assert all(isinstance(observable, kind) for kind in (Observable, Classifier, Network))
    summary = observable.summary(tf.constant(FEATURES))
    assert observable.probabilities(summary) is summary
    assert observable.to_json() == {
        "observable": "categories", "categories": list(NAMES), "outside": "include",
        "edges": pytest.approx([1 / 3, 2 / 3, 1.0]), "gradient": "linear",
    }  # fmt: skip
    assert observable.describe() == {}
    moving = CategoryObservable(network(), Binning(TrainableEdges(EDGES), 0.1))
    assert set(moving.describe()) == {"edge_1", "edge_2"}
    assert len(moving.trainable_variables) == len(observable.trainable_variables) + 1
    path = tmp_path / "observable.onnx"
    write_observable(observable.exportable(), path, FEATURES, observable.to_json())
    session = onnxruntime.InferenceSession(path)
    (found,) = session.run(["class_probabilities"], {"features": FEATURES})
    np.testing.assert_allclose(found, summary, rtol=1e-5, atol=1e-6)
    metadata = session.get_modelmeta().custom_metadata_map["dnnlik.observable"]
    assert json.loads(metadata)["categories"] == list(NAMES)


def best_observable(bins):
    """The best classifier of the toy: unit normals have linear logarithms of ratios."""
    means = np.array([MEANS[name] for name in CLASSES])
    dense = keras.layers.Dense(3)
    observable = CategoryObservable(keras.Sequential([keras.Input((2,)), dense]), bins, CLASSES)
    dense.set_weights([means.T, -0.5 * (means**2).sum(axis=1)])
    return observable


@pytest.fixture(scope="module")
def toy():
    return two_signals_problem(5, 200_000)


@pytest.mark.parametrize(("bins", "known"), [(8, 0.956), (20, 0.930)])
def test_the_best_classifier_of_the_toy(toy, bins, known):
    """Its Σ σ and cross-entropy through the problem are those of sums over a grid and of the
    densities at the events."""
    trained = trained_of(toy, best_observable(bins), hard=True)
    assert float(sigma_sum(trained)) == pytest.approx(known, rel=0.01)
    own = [
        np.log(probabilities(log_densities(toy.events[name].features))[:, k]).mean()
        for k, name in enumerate(CLASSES)
    ]
    assert float(cross_entropy(trained)) == pytest.approx(-np.mean(own), rel=1e-5)


def test_classes_of_the_toy(toy):
    """Background first, then the signal of each parameter of interest, as the categories are."""
    assert toy.classes(variations=False) == (("background",), ("left",), ("right",))
    observable = category_observable(two_signals_problem(0, 50))
    assert observable.names == ("background", *toy.pois)
    assert observable.to_json()["edges"] == pytest.approx(list(np.linspace(1 / 3, 1, 9)))


def test_a_network_of_two_classes_has_no_cross_entropy_of_three(monkeypatch):
    """It is an analysis all the same; cross-entropy is refused in one line."""
    chosen = ("sigma_sum", "cross_entropy")
    monkeypatch.setattr(training, "OBJECTIVES", {name: OBJECTIVES[name] for name in chosen})
    problem = two_signals_problem(0, 500)
    observable = hard_observable(problem, 4)
    assert set(evaluate(problem, observable, problem.events)) == {"sigma_sum"}
    with pytest.raises(InvalidInput, match=r"3 classes.*mu_left, mu_right.*Received: .* of 2"):
        trainer_of(problem, observable, "cross_entropy")


REFUSED = {
    "one output": (lambda: CategoryObservable(network(1)), "1"),
    "a network of unknown shape": (
        lambda: CategoryObservable(keras.Sequential([keras.layers.Dense(3)])), "not built"),
    "a softmax of its own": (lambda: CategoryObservable(network(output="softmax")), "softmax"),
    "too few names": (lambda: CategoryObservable(network(), 2, ("a", "b")), "a, b"),
    "no bins": (lambda: CategoryObservable(network(), 0), "bins=0"),
    "one category": (lambda: category_edges(1, 3), "categories=1"),
    "edges that fall": (lambda: CategoryObservable(network(), HardBinning([1.0, 0.5])).hard(
        tf.constant([[0.5, 0.3, 0.2]]), tf.constant([1.0])), r"\[1.0, 0.5\]"),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_refused(kind):
    """One line each."""
    assert_refused(*REFUSED[kind])
