"""Trained observables as ONNX files, for readers that have nothing of dnnlik."""

import json

import keras
import numpy as np
import onnx
import onnxruntime
import pytest
import tensorflow as tf

from dnnlik.differentiable import Binning, Events, NetworkObservable, dense_network
from dnnlik.exceptions import InvalidFile
from dnnlik.onnx.observable import write_observable

FEATURES = np.random.default_rng(0).normal(3, 2, (50, 3)).astype(np.float32)


def exportable(built):
    return NetworkObservable(built, Binning([0.0, 1.0], 0.1)).exportable()


def network(scale=1.0):
    built = dense_network([Events(FEATURES)], (8, 4), output="linear", seed=2)
    if scale != 1:
        built.layers[-1].kernel.assign(scale * built.layers[-1].kernel.numpy())
    return built


def write(built, path):
    write_observable(exportable(built), path, FEATURES, {"objective": "cls"})


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    path = tmp_path_factory.mktemp("observable") / "observable.onnx"
    write(network(), path)
    return path


def test_the_graph_says_what_it_is(written):
    """Names, types, a dynamic batch, versions that old readers have, JSON of its origin."""
    model = onnx.load(written)
    onnx.checker.check_model(model, full_check=True)
    assert model.ir_version == 8
    assert {o.domain: o.version for o in model.opset_import}[""] == 15
    session = onnxruntime.InferenceSession(written, providers=["CPUExecutionProvider"])
    (inputs,), (outputs,) = session.get_inputs(), session.get_outputs()
    assert (inputs.name, inputs.type, inputs.shape[1]) == ("features", "tensor(float)", 3)
    assert (outputs.name, outputs.type, len(outputs.shape)) == ("summary", "tensor(float)", 1)
    assert not isinstance(inputs.shape[0], int)
    metadata = session.get_modelmeta().custom_metadata_map
    assert json.loads(metadata["dnnlik.observable"]) == {"objective": "cls"}


@pytest.mark.parametrize("size", [1, 7, 50])
def test_it_computes_what_keras_does(written, size):
    """For any number of events, none left out."""
    session = onnxruntime.InferenceSession(written, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"features": FEATURES[:size]})
    assert found.shape == (size,)
    np.testing.assert_allclose(found, network()(FEATURES[:size])[:, 0], rtol=1e-5, atol=1e-6)


def test_outputs_may_be_large(tmp_path):
    """A mass in GeV has fewer digits behind the point than a probability."""
    write(network(scale=1e4), tmp_path / "observable.onnx")


class Unknown(keras.layers.Layer):
    def call(self, x):
        return tf.math.lgamma(tf.abs(x) + 1.0)


@pytest.mark.parametrize("kind", ["a layer that ONNX has not", "a network that is NaN"])
def test_what_cannot_be_written_is_one_line(tmp_path, kind):
    """And leaves no file."""
    built = network()
    if kind == "a network that is NaN":
        built.layers[-1].bias.assign([np.nan])
    else:
        built = keras.Sequential([keras.Input((3,)), Unknown(), keras.layers.Dense(1)])
    with pytest.raises(InvalidFile, match="tf2onnx cannot translate") as error:
        write(built, tmp_path / "observable.onnx")
    assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_place_of_the_folder_is_one_line(tmp_path):
    """As for other published files."""
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidFile, match="cannot write the file"):
        write(network(), tmp_path / "file" / "observable.onnx")
