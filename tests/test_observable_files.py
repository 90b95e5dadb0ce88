"""Trained observables from their files, and what is made of other events with them."""

import json

import numpy as np
import pytest
import tensorflow as tf

from dnnlik.analysis_files import write_analysis
from dnnlik.differentiable import (
    Binning,
    CategoryObservable,
    Cut,
    CutObservable,
    Events,
    NetworkObservable,
    Settings,
    SoftmaxObservable,
    TrainableEdges,
    dense_network,
    evaluate,
    optimise,
    workspace_of,
)
from dnnlik.differentiable.problems import blobs_problem
from dnnlik.exceptions import InvalidFile, InvalidInput
from dnnlik.observable_files import counted, open_observable
from dnnlik.onnx.observable import write_observable

PROBLEM = blobs_problem(1, 400)
OTHER = blobs_problem(2, 300)
SHOWN = ("sigma_mu", "asimov_significance")
EVENTS = [PROBLEM.events[name] for name in PROBLEM.names]


def network():
    return NetworkObservable(dense_network(EVENTS, (8,)), Binning([0.0, 0.3, 0.8, 1.0], 0.1))


def softmax():
    built = dense_network(EVENTS, (8,), output="linear", outputs=4)
    return SoftmaxObservable(built, temperature=0.5)


def categories():
    built = dense_network(EVENTS, (8,), output="linear", outputs=2)
    return CategoryObservable(built, Binning([0.5, 0.6, 0.8, 1.0], 0.1))


def cuts():
    return CutObservable([Cut(0, 0.5, 5.0, "below")], 1, Binning([-1.0, 0.0, 2.0], 0.1))


@pytest.fixture(scope="module", params=[network, categories, softmax, cuts])
def trained(request, tmp_path_factory):
    """An observable after an epoch, and its folder."""
    folder = tmp_path_factory.mktemp("analysis")
    settings = Settings("sigma_mu", epochs=1, batch_size=200, tracked=SHOWN)
    result = optimise(PROBLEM, request.param(), settings)
    write_analysis(result, folder)
    return result.observable, folder


def test_it_counts_as_what_was_trained(trained):
    """The same histograms and objectives of other events, with weights and without."""
    observable, folder = trained
    opened = open_observable(folder)
    rng = np.random.default_rng(1)
    features, weights = rng.normal(0, 2, (500, 2)), rng.normal(1, 1, 500)
    for given in (None, weights):
        expected = counted(observable, features, given)
        np.testing.assert_allclose(counted(opened, features, given), expected, rtol=1e-12)
    found, wanted = (evaluate(OTHER, one, OTHER.events, SHOWN) for one in (opened, observable))
    assert set(found) == set(SHOWN)
    for name in found:
        np.testing.assert_allclose(found[name], wanted[name], rtol=1e-6, err_msg=name)
    assert opened.to_json() == json.loads((folder / "bins.json").read_text())


def test_counts_of_data():
    """Those of NumPy, of an observable that is a feature."""
    observable = CutObservable([Cut(0, -9.0, 1.0)], 0, Binning([0.0, 1.0, 2.0], 0.1, "drop"))
    x = np.random.default_rng(1).uniform(-1, 3, (200, 1))
    np.testing.assert_array_equal(counted(observable, x), np.histogram(x[:, 0], [0, 1, 2])[0])


def test_a_workspace_with_data(trained):
    """The templates of other events, and counts that were observed, channel by channel."""
    _, folder = trained
    opened = open_observable(folder)
    counts = counted(opened, OTHER.events["background"].features[:100])
    workspace = workspace_of(OTHER, opened, OTHER.events, {"blobs": counts})
    assert workspace["observations"] == [{"name": "blobs", "data": counts.tolist()}]
    signal = workspace["channels"][0]["samples"][0]["data"]
    passed = counted(opened, OTHER.events["signal"].features)
    np.testing.assert_allclose(signal, 20 * passed / 300 + 1e-3, rtol=1e-9)


@pytest.mark.parametrize(
    "observed",
    [{}, {"other": [1.0, 2.0]}, {"blobs": [1.0]}, {"blobs": [[1.0, 2.0]]},
     {"blobs": [1.0, -2.0]}, {"blobs": [1.0, np.nan]}],
)  # fmt: skip
def test_wrong_data(observed):
    """Counts of other channels or bins, and negative ones, are refused."""
    with pytest.raises(InvalidInput, match="Received: "):
        workspace_of(OTHER, cuts(), OTHER.events, observed)


def test_it_is_not_trained_again(tmp_path):
    """A file has no gradient; what would need one says so."""
    settings = Settings("sigma_mu", epochs=1, tracked=SHOWN)
    write_analysis(optimise(PROBLEM, network(), settings), tmp_path)
    opened = open_observable(tmp_path)
    with pytest.raises(InvalidInput, match="not trained any more"):
        opened.smooth(opened.summary(tf.zeros([3, 2])), tf.ones([3], tf.float64))
    with pytest.raises(InvalidInput, match=r"nothing to train.*PublishedObservable"):
        optimise(PROBLEM, opened, "cls")
    with pytest.raises(InvalidInput, match=r"events have 3 features. Received: a network of 2"):
        counted(opened, np.zeros((4, 3)))


def test_edges_alone(tmp_path):
    """What has no cut is written and opened as well."""
    observable = CutObservable([], 1, Binning(TrainableEdges([-2.0, 0.3, 2.0]), 0.1))
    (tmp_path / "bins.json").write_text(json.dumps(observable.to_json()))
    opened = open_observable(tmp_path)
    x = np.random.default_rng(1).normal(size=(200, 2))
    x[:9, 1] = np.float32(observable.binning.edges()[1])  # on the edge itself
    np.testing.assert_array_equal(counted(opened, x), counted(observable, x))
    with pytest.raises(InvalidInput, match="nothing to train"):
        optimise(PROBLEM, opened, "cls")


BINS = {"observable": "network", "edges": [0.0, 1.0], "outside": "include", "bandwidth": 0.1}
WRONG = {
    "no edges": {**BINS, "edges": None},
    "edges in words": {**BINS, "edges": [0.0, "x", 1.0]},
    "another kind": {**BINS, "observable": "trees"},
    "edges that descend": {**BINS, "edges": [1.0, 0.0]},
    "outside of what": {**BINS, "outside": "foo"},
    "bins of another network": {"observable": "softmax", "bins": 7},
    "categories of another network": {**BINS, "observable": "categories", "categories": ["a", "b"]},
    "no kind": {},
    "a cut that is none": {"observable": "cuts", "cuts": [{"feature": 0}]},
}


@pytest.fixture(scope="module")
def onnx_file(tmp_path_factory):
    """A network of two features and one output."""
    path = tmp_path_factory.mktemp("network") / "observable.onnx"
    write_observable(network().exportable(), path, EVENTS[0].features[:5], {})
    return path.read_bytes()


@pytest.mark.parametrize("kind", WRONG)
def test_broken_files(kind, onnx_file, tmp_path):
    """One line that names the file; what is not broken opens."""
    (tmp_path / "observable.onnx").write_bytes(onnx_file)
    (tmp_path / "bins.json").write_text(json.dumps(BINS))
    assert counted(open_observable(tmp_path), np.zeros((2, 2))).sum() == 2
    (tmp_path / "bins.json").write_text(json.dumps(WRONG[kind]))
    with pytest.raises(InvalidFile, match=r"(?s)Received: .*bins\.json") as error:
        open_observable(tmp_path)
    assert "\n" not in str(error.value)


def test_no_network_beside_the_bins(tmp_path):
    """A file that is none, none at all, and no folder."""
    (tmp_path / "bins.json").write_text(json.dumps(BINS))
    (tmp_path / "observable.onnx").write_text("nothing")
    with pytest.raises(InvalidFile, match=r"expected a network of dnnlik optimise. Received: "):
        open_observable(tmp_path)
    (tmp_path / "observable.onnx").unlink()
    with pytest.raises(InvalidFile, match=r"expected a network of dnnlik optimise. Received: "):
        open_observable(tmp_path)
    with pytest.raises(InvalidFile, match="no such file"):
        open_observable(tmp_path / "nowhere")


def test_events_are_checked():
    """NaN and wrong shapes are refused as everywhere."""
    with pytest.raises(InvalidInput, match="Received: "):
        counted(cuts(), [[np.nan, 1.0]])
    assert isinstance(PROBLEM.events["signal"], Events)
