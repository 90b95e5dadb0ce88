"""Models of tensor histograms against pyhf."""

import copy
import itertools

import numpy as np
import pyhf
import pytest
import tensorflow as tf
from workspaces import (
    EVERYTHING,
    OBSERVED,
    PARAMETERS,
    assert_same_as_pyhf,
    by_bin,
    content_of,
    data_of,
    factor,
    in_order,
    jacobian_and_differences,
    model_of,
    pyhf_of,
    region,
    sample,
    scale,
    scattered,
    shape,
    shared_workspace,
    worst,
)

from dnnlik.differentiable.fits import points_of
from dnnlik.differentiable.model import Data, HistFactoryModel, StatisticalModel, rows_of
from dnnlik.exceptions import InvalidInput, InvalidLikelihood, InvalidParameters

CONTENT = content_of(EVERYTHING)
CODES = list(itertools.product(["code1", "code4"], ["code0", "code2", "code4p"]))


@pytest.mark.parametrize(("normsys", "histosys"), CODES)
def test_every_modifier_is_that_of_pyhf(normsys, histosys):
    """Predictions, parameters and log-likelihood differences, in each interpolation."""
    model = model_of(EVERYTHING, normsys_code=normsys, histosys_code=histosys)
    settings = {"normsys": {"interpcode": normsys}, "histosys": {"interpcode": histosys}}
    reference = pyhf.Model(
        {"channels": EVERYTHING, "parameters": PARAMETERS},
        poi_name="mu", validate=False, modifier_settings=settings,
    )  # fmt: skip
    counts = in_order(model, EVERYTHING, OBSERVED)
    data = np.concatenate([counts, reference.config.auxdata])
    assert_same_as_pyhf(model, reference, data, scattered(model))


@pytest.mark.parametrize("name", ["three_regions_13p", "sbottom_66p"])
def test_published_workspaces_are_those_of_pyhf(name):
    """The channels of a file, given as they are."""
    _, document = shared_workspace(name)
    workspace = pyhf.Workspace(document, validate=False)
    reference = workspace.model(validate=False)
    config = document["measurements"][0]["config"]
    model = HistFactoryModel(document["channels"], config["poi"], config["parameters"])
    data = np.array(workspace.data(reference))
    assert_same_as_pyhf(model, reference, data, scattered(model))


def test_a_model_is_a_statistical_model():
    """The protocol that inference asks for; several parameters of interest."""
    model = model_of(EVERYTHING, poi=["kappa", "mu"])
    assert isinstance(model, StatisticalModel)
    assert model.parameters.poi_names == ("kappa", "mu")
    assert model.models == 1
    assert model.expected_events(points_of(model, {})).dtype == tf.float64


def several(seed=0, models=3):
    """Contents of models that differ in each number, (models, K)."""
    return CONTENT * np.random.default_rng(seed).uniform(0.93, 1.07, (models, CONTENT.size))


@pytest.mark.parametrize(("normsys", "histosys"), CODES)
def test_many_models_are_each_of_them(normsys, histosys):
    """With a leading axis: the same as one by one, also where points repeat the models."""
    codes = {"normsys_code": normsys, "histosys_code": histosys}
    content = tf.constant(several())
    models = model_of(EVERYTHING, content, **codes)
    points = scattered(models, 6)
    data = data_of(models, in_order(models, EVERYTHING, OBSERVED))
    value, predicted = models.log_likelihood(points, data), models.expected_data(points)
    for row in range(6):
        one = slice(row % 3, row % 3 + 1)
        model = model_of(EVERYTHING, content[one], **codes)
        point = points[row : row + 1]
        expected = model.log_likelihood(point, Data(data.main[one], data.auxiliary[one]))
        np.testing.assert_allclose(value[row], expected[0], rtol=1e-13)
        alone = model.expected_data(point)
        np.testing.assert_allclose(predicted.main[row], alone.main[0], rtol=1e-13)
        np.testing.assert_allclose(predicted.auxiliary[row], alone.auxiliary[0], rtol=1e-13)


def test_an_axis_for_some_histograms_only():
    """The others are shared by all models."""
    channels = copy.deepcopy(EVERYTHING)
    factors = np.array([0.9, 1.0, 1.2])
    channels[0]["samples"][0]["data"] = np.outer(factors, [6.0, 14.0])
    channels[0]["samples"][1]["modifiers"][1]["data"]["hi"] = tf.constant(0.96 * factors)
    models = model_of(channels)
    points = tf.tile(scattered(models, 1), [3, 1])
    for row, size in enumerate(factors):
        channels[0]["samples"][0]["data"] = [6.0 * size, 14.0 * size]
        channels[0]["samples"][1]["modifiers"][1]["data"]["hi"] = 0.96 * size
        expected = model_of(channels).expected_events(points[:1])[0]
        np.testing.assert_allclose(models.expected_events(points)[row], expected, rtol=1e-13)


@pytest.mark.parametrize(("normsys", "histosys"), [("code4", "code4p"), ("code1", "code2")])
def test_gradients_of_the_likelihood(normsys, histosys):
    """With respect to all numbers of the templates, against differences."""
    point = scattered(model_of(EVERYTHING), 1, seed=5)

    def function(content):
        model = model_of(EVERYTHING, content, normsys_code=normsys, histosys_code=histosys)
        points = tf.tile(point, [model.models, 1])
        data = data_of(model, in_order(model, EVERYTHING, OBSERVED))
        return tf.concat(
            [model.log_likelihood(points, data)[:, None], model.expected_events(points)], axis=1
        )

    received, expected, _ = jacobian_and_differences(function, CONTENT, 6)
    assert worst(received, expected) < 1e-7


def test_points_of_fills_in_the_inits():
    """By name, numbers with all their digits, or one a row."""
    model = model_of(EVERYTHING, parameters=[{**p, "inits": [0.7]} for p in PARAMETERS])
    points = points_of(model, {"mu": 0.1, "theory": tf.constant([0.2, -0.3])}, 2).numpy()
    expected = np.tile(model.parameters.inits, (2, 1))
    expected[:, model.parameters.index("mu")] = 0.1
    expected[:, model.parameters.index("theory")] = np.float32([0.2, -0.3])
    np.testing.assert_array_equal(points, expected)
    with pytest.raises(InvalidParameters, match="nothing"):
        points_of(model, {"nothing": 1.0})


def test_counts_of_any_kind():
    """Integers, single precision and arrays are counts as well."""
    model = model_of(EVERYTHING)
    points = points_of(model, {})
    auxiliary = model.expected_data(points).auxiliary
    counts = in_order(model, EVERYTHING, OBSERVED)
    expected = model.log_likelihood(points, Data(tf.constant(counts[None]), auxiliary))
    for kind in (np.int64, np.float32):
        data = Data(tf.constant(counts[None].astype(kind)), auxiliary)
        assert model.log_likelihood(points, data) == expected


def background(*modifiers, data=(50.0, 40.0)):
    """Signal and background in two bins."""
    signal = sample("signal", [5.0, 8.0], factor("mu"))
    return region(signal, sample("background", list(data), *modifiers))


def test_a_variation_equal_to_nominal_does_nothing():
    """Rates do not move, the constraint does; pyhf agrees."""
    channels = background(shape("flat", [50.0, 40.0], [50.0, 40.0]), scale("none", 1.0, 1.0))
    model = model_of(channels)
    reference, data = pyhf_of(channels, observed=[[55.0, 43.0]])
    assert_same_as_pyhf(model, reference, data, scattered(model))


@pytest.mark.parametrize("kind", ["shapesys", "staterror"])
def test_vanishing_uncertainties_are_tiny_ones(kind):
    """As of 1e-4 of the yield, with gradient zero; a bin without yield has a constraint
    of one, for a parameter that does nothing there."""
    spread = tf.constant([[0.0, 2.0, 0.0], [50e-4, 2.0, 7.0]], tf.float64)
    nominal = tf.constant([50.0, 40.0, 0.0], tf.float64)
    signal = sample("signal", [1.0, 2.0, 3.0], factor("mu"))
    other = sample("background", nominal, by_bin("g", kind, spread))
    with tf.GradientTape() as tape:
        tape.watch(spread)
        other["modifiers"][0]["data"] = spread
        model = HistFactoryModel(region(signal, other))
        points = points_of(model, {"g[0]": 1.001, "g[1]": 1.02, "g[2]": 1.5}, 2)
        data = model.expected_data(points_of(model, {}, 2))
        value = model.log_likelihood(points, data)
    assert value[0] == value[1]
    slope = tape.gradient(value, spread).numpy()
    assert (slope[:, [0, 2]][0] == 0).all()
    assert (slope[:, 1] > 0).all()
    assert np.isfinite(slope).all()


@pytest.mark.parametrize("seen", [0.0, 2.0])
def test_an_empty_bin(seen):
    """Impossible exactly where events were seen and none are expected; gradients finite."""
    channels = background(scale("rate", 1.1, 0.9), data=(50.0, 0.0))
    channels[0]["samples"][0]["data"] = [5.0, 4.0]
    reference, data = pyhf_of(channels, observed=[[52.0, seen]])
    content = tf.constant(content_of(channels)[None])
    with tf.GradientTape() as tape:
        tape.watch(content)
        model = model_of(channels, tf.tile(content, [2, 1]))
        points = points_of(model, {"mu": tf.constant([0.0, 1.5])}, 2)
        value = model.log_likelihood(points, data_of(model, [52.0, seen]))
    assert np.isfinite(tape.gradient(value, content).numpy()).all()
    assert np.isfinite(value.numpy()).tolist() == [seen == 0, True]
    if seen == 0:
        expected = [reference.logpdf(p, data)[0] for p in points.numpy()]
        np.testing.assert_allclose(value[1] - value[0], expected[1] - expected[0], rtol=1e-9)


def test_a_negative_template():
    """Counts like any other where the bin's rate is positive, and is impossible elsewhere."""
    channels = background(scale("rate", 1.1, 0.9), data=(50.0, -3.0))
    model = model_of(channels)
    reference, data = pyhf_of(channels, observed=[[55.0, 4.0]])
    assert_same_as_pyhf(model, reference, data, scattered(model))


def changed(*path, value):
    """The channels with one entry replaced, or left out where ``value`` is None."""
    channels = copy.deepcopy(EVERYTHING)
    place = channels
    for key in path[:-1]:
        place = place[key]
    if value is None:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return channels


SAMPLE, MODIFIERS = (0, "samples", 2), (0, "samples", 2, "modifiers")
WRONG = {
    "a channel without samples": (changed(1, "samples", value=[]), "sample"),
    "a channel without name": (changed(1, "name", value=None), "name"),
    "no list of channels": (3.0, "channels"),
    "a sample without data": (changed(*SAMPLE, "data", value=None), "data"),
    "a sample without name": (changed(*SAMPLE, "name", value=None), "name"),
    "a sample without modifiers": (changed(*SAMPLE, "modifiers", value=None), "modifiers"),
    "text for numbers": (changed(*SAMPLE, "data", value=["a", "b"]), "'a', 'b'"),
    "a number for a histogram": (changed(*SAMPLE, "data", value=3.0), "shape"),
    "three axes": (changed(*SAMPLE, "data", value=np.ones((2, 2, 2))), "shape"),
    "another number of bins": (changed(*SAMPLE, "data", value=[1.0, 2.0, 3.0]), "size sample"),
    "a modifier without type": (changed(*MODIFIERS, 0, "type", value=None), "type"),
    "an unknown modifier": (changed(*MODIFIERS, 0, "type", value="magic"), "magic"),
    "half a variation": (changed(*MODIFIERS, 2, "data", "lo_data", value=None), "lo_data"),
    "a longer variation": (
        changed(*MODIFIERS, 2, "data", "hi_data", value=[1.0, 2.0, 3.0]), "tilt"),
    "a histogram for a scale factor": (
        changed(*MODIFIERS, 1, "data", "hi", value=np.ones((2, 2))), "scale factor"),
    "too many uncertainties": (changed(*MODIFIERS, 3, "data", value=[1.0, 2.0, 3.0]), "mc_SR"),
    "no uncertainties": (changed(*MODIFIERS, 3, "data", value=None), "None"),
    "different numbers of models": (
        changed(*SAMPLE, "data", value=np.ones((2, 2)))[:1]
        + changed(1, "samples", 0, "data", value=np.ones((3, 2)))[1:], r"\[2, 3\]"),
}  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_specifications_are_one_line(wrong):
    """What was received, and where."""
    channels, named = WRONG[wrong]
    with pytest.raises(InvalidLikelihood, match=named) as error:
        HistFactoryModel(channels, parameters=PARAMETERS)
    assert "\n" not in str(error.value)
    assert "Received" in str(error.value)


@pytest.mark.parametrize("poi", ["nothing", ["mu", "nothing"]])
def test_unknown_parameters_of_interest(poi):
    """Named in the error."""
    with pytest.raises(InvalidInput, match="nothing"):
        model_of(EVERYTHING, poi=poi)


def test_points_that_do_not_fit_the_models():
    """Two points for three models, three for two datasets."""
    models = model_of(EVERYTHING, tf.constant(several()))
    with pytest.raises(InvalidLikelihood, match="2 points for 3"):
        models.expected_events(points_of(models, {}, 2))
    with pytest.raises(InvalidLikelihood, match="3 points for 2"):
        rows_of(tf.zeros([2, 4]), points_of(models, {}, 3))
