"""Models of tensor histograms for the tests, and the same ones for pyhf."""

import copy
import json
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyhf
import pytest
import tensorflow as tf

from dnnlik.differentiable.model import Data, HistFactoryModel

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
HISTOGRAMS = {"histosys": ("hi_data", "lo_data"), "normsys": ("hi", "lo")}


def factor(name, kind="normfactor"):
    return {"name": name, "type": kind, "data": None}


def scale(name, high, low):
    return {"name": name, "type": "normsys", "data": {"hi": high, "lo": low}}


def shape(name, high, low):
    return {"name": name, "type": "histosys", "data": {"hi_data": high, "lo_data": low}}


def by_bin(name, kind, uncertainties):
    return {"name": name, "type": kind, "data": uncertainties}


def sample(name, data, *modifiers):
    return {"name": name, "data": data, "modifiers": list(modifiers)}


def region(*samples):
    """The channels of a model with one channel."""
    return [{"name": "SR", "samples": list(samples)}]


# Every modifier; three channels; shared and own parameters; two parameters of interest.
EVERYTHING = [
    {"name": "SR", "samples": [
        sample("signal", [6.0, 14.0], factor("mu"), factor("lumi", "lumi"),
               scale("theory", 1.12, 0.91), by_bin("mc_SR", "staterror", [0.4, 0.7])),
        sample("other", [4.0, 2.5], factor("kappa"), scale("theory", 0.96, 1.05)),
        sample("background", [52.0, 31.0], factor("lumi", "lumi"),
               scale("rate", 1.08, 0.94), shape("tilt", [55.0, 29.5], [48.0, 33.0]),
               by_bin("mc_SR", "staterror", [2.1, 1.6])),
        sample("fakes", [9.0, 7.0], by_bin("fakes", "shapesys", [2.0, 1.5]),
               factor("unknown", "shapefactor")),
    ]},
    {"name": "CR", "samples": [
        sample("background", [85.0, 64.0], factor("lumi", "lumi"), scale("rate", 1.05, 0.97),
               shape("tilt", [88.0, 62.0], [81.0, 65.5])),
        sample("fakes", [40.0, 36.0], factor("unknown", "shapefactor")),
        sample("other", [18.0, 25.0], factor("kappa")),
    ]},
    {"name": "VR", "samples": [
        sample("other", [60.0], factor("kappa"), scale("theory", 1.03, 0.99)),
        sample("background", [12.0], factor("lumi", "lumi"), by_bin("mc_VR", "staterror", [1.1])),
    ]},
]  # fmt: skip
PARAMETERS = [
    {"name": "mu", "inits": [1.0], "bounds": [[0.0, 10.0]]},
    {"name": "kappa", "inits": [1.0], "bounds": [[-5.0, 10.0]]},
    {"name": "lumi", "inits": [1.0], "bounds": [[0.5, 1.5]], "auxdata": [1.0], "sigmas": [0.02]},
]
OBSERVED = [[76.0, 56.0], [139.0, 128.0], [77.0]]  # SR, CR, VR


def slots_of(channels):
    """The places of all histograms and scale factors: (container, key) of a document."""
    found = []
    for each in (s for channel in channels for s in channel["samples"]):
        found.append((each, "data"))
        for modifier in each["modifiers"]:
            if modifier["type"] in HISTOGRAMS:
                found += [(modifier["data"], key) for key in HISTOGRAMS[modifier["type"]]]
            elif modifier["type"] in ("shapesys", "staterror"):
                found.append((modifier, "data"))
    return found


def content_of(channels):
    """All numbers of the histograms and scale factors, (K,)."""
    return np.concatenate([np.atleast_1d(place[key]) for place, key in slots_of(channels)])


def filled(channels, content):
    """The channels with tensors of ``content`` (models, K) for histograms and factors."""
    filled = copy.deepcopy(channels)
    first = 0
    for place, key in slots_of(filled):
        size = np.size(place[key])
        part = content[:, first : first + size]
        place[key] = part if isinstance(place[key], list) else part[:, 0]
        first += size
    return filled


def model_of(channels, content=None, parameters=PARAMETERS, **options):
    """A model of fixed histograms, or of those in ``content`` (models, K)."""
    names = {m["name"] for c in channels for s in c["samples"] for m in s["modifiers"]}
    known = [p for p in parameters if p["name"] in names]
    channels = channels if content is None else filled(channels, content)
    return HistFactoryModel(channels, parameters=known, **options)


def jacobian_and_differences(function, content, results):
    """Of (models, K) → (models, R) at (K,): the Jacobian (R, K), the same by central
    differences, extrapolated in the step (Richardson), and the values (R,).

    One compiled program for all: compiling is what takes time.
    """

    @tf.function(autograph=False)
    def program(points, weights):
        with tf.GradientTape() as tape:
            tape.watch(points)
            values = function(points)
            # Products with a weight of 0 would let NaN of other results in.
            chosen = tf.reduce_sum(tf.where(weights > 0, values, tf.zeros_like(values)))
        return values, tape.gradient(chosen, points)

    step = 1e-3 * np.maximum(np.abs(content), 1.0)
    points = content + np.concatenate([k * np.diag(step) for k in (1, -1, 2, -2)])
    weights = np.eye(len(points), results)
    one, less_one, two, less_two = np.split(program(points, 0 * weights)[0].numpy(), 4)
    differences = (8 * (one - less_one) - (two - less_two)) / (12 * step[:, None])
    values, gradients = program(np.tile(content, (len(points), 1)), weights)
    return gradients.numpy()[:results], differences.T, values.numpy()[0]


def worst(received, expected):
    """The largest error of a Jacobian (R, K), relative to the largest of its row."""
    size = np.abs(expected).max(axis=1, keepdims=True)
    return float((np.abs(received - expected) / np.where(size > 0, size, 1)).max())


def pyhf_of(channels, parameters=PARAMETERS, observed=None, poi="mu"):
    """pyhf's model of fixed histograms, and its data (the model's own prediction else)."""
    names = {m["name"] for c in channels for s in c["samples"] for m in s["modifiers"]}
    config = {"poi": poi, "parameters": [p for p in parameters if p["name"] in names]}
    model = pyhf.Model(
        {"channels": channels, "parameters": config["parameters"]}, poi_name=poi, validate=False
    )
    if observed is None:
        return model, model.expected_data(model.config.suggested_init())
    counts = {c["name"]: data for c, data in zip(channels, observed, strict=True)}
    main = np.concatenate([counts[name] for name in model.config.channels])
    return model, np.concatenate([main, model.config.auxdata])


def data_of(model, main, rows=1):
    """Counts with the auxiliary data of the model's inits."""
    inits = tf.constant(np.tile(model.parameters.inits, (rows * model.models, 1)))
    auxiliary = model.expected_data(inits).auxiliary
    return Data(tf.constant(np.tile(main, (auxiliary.shape[0], 1))), auxiliary)


def in_order(model, channels, observed):
    """Counts of each channel, one after the other in the order of the model."""
    counts = {c["name"]: data for c, data in zip(channels, observed, strict=True)}
    return np.concatenate([counts[name] for name, _ in model.channels])


def scattered(model, count=40, seed=1):
    """Points within the bounds, some of them far outside of ±1."""
    parameters = model.parameters
    generator = np.random.default_rng(seed)
    moves = 1.5 * generator.normal(size=(count, len(parameters))) * parameters.scales
    points = np.clip(parameters.inits + moves, parameters.lower, parameters.upper)
    return tf.constant(np.where(model.fixed, parameters.inits, points))


def assert_same_as_pyhf(model, reference, data, points):
    """Rates, auxiliary data, and log-likelihoods up to a constant (logpdf: with ln n!)."""
    assert list(model.parameters.names) == reference.config.par_names
    bounds = np.array(reference.config.suggested_bounds())
    np.testing.assert_array_equal(np.stack([model.parameters.lower, model.parameters.upper], 1),
                                  bounds)  # fmt: skip
    assert model.fixed.tolist() == reference.config.suggested_fixed()
    expected = np.array([reference.expected_data(p) for p in points.numpy()])
    predicted = model.expected_data(points)
    bins = predicted.main.shape[1]
    np.testing.assert_allclose(predicted.main, expected[:, :bins], rtol=1e-11, atol=1e-11)
    order = [
        reference.config.par_names.index(name)
        for p in reference.config.auxdata_order
        for name in reference.config.par_names[reference.config.par_slice(p)]
    ]
    auxiliary = predicted.auxiliary.numpy()[:, order]
    np.testing.assert_allclose(auxiliary, expected[:, bins:], rtol=1e-11, atol=1e-11)
    measured = np.zeros((1, len(model.parameters)))
    measured[0, order] = data[bins:]
    received = model.log_likelihood(points, Data(tf.constant(data[None, :bins]), measured)).numpy()
    logpdf = np.array([reference.logpdf(p, data)[0] for p in points.numpy()])
    possible = (expected[:, :bins] > 0).all(axis=1)
    assert possible.sum() > 5
    assert (received[~possible] == -np.inf).all()
    difference = received[possible] - logpdf[possible]
    np.testing.assert_allclose(difference, difference[0], atol=1e-9)


@contextmanager
def precise():
    """pyhf with fits that go on to 1e-10, instead of 1e-6."""
    backend, optimizer = pyhf.get_backend()
    pyhf.set_backend("numpy", pyhf.optimize.scipy_optimizer(tolerance=1e-10))
    try:
        yield
    finally:
        pyhf.set_backend(backend, optimizer)


def shared_workspace(name):
    """A published workspace, where they are."""
    path = SHARED / f"{name}.json"
    if not path.is_file():
        pytest.skip("the shared folder with published workspaces is absent")
    return path, json.loads(path.read_text())
