"""Fits against the fitter in NumPy, pyhf, and each other."""

import json

import numpy as np
import pyhf
import pytest
import tensorflow as tf
from workspaces import (
    EVERYTHING,
    OBSERVED,
    PARAMETERS,
    content_of,
    data_of,
    factor,
    in_order,
    model_of,
    precise,
    region,
    sample,
    scale,
    shape,
    shared_workspace,
)

from dnnlik.differentiable.fits import fit
from dnnlik.differentiable.information import covariance, observed_information
from dnnlik.differentiable.model import HistFactoryModel
from dnnlik.differentiable.statistics import asimov_statistic
from dnnlik.exceptions import InvalidParameters
from dnnlik.inference import fit as fit_in_numpy
from dnnlik.inference import uncertainties
from dnnlik.likelihoods import open_likelihood


def everything(folder):
    """The file of `EVERYTHING` with its observations."""
    names = [c["name"] for c in EVERYTHING]
    document = {
        "channels": EVERYTHING,
        "observations": [
            {"name": n, "data": d} for n, d in zip(names, OBSERVED, strict=True)
        ],
        "measurements": [{"name": "m", "config": {"poi": "mu", "parameters": PARAMETERS}}],
        "version": "1.0.0",
    }  # fmt: skip
    path = folder / "workspace.json"
    path.write_text(json.dumps(document))
    return path, document


@pytest.mark.parametrize("name", ["everything", "sbottom_66p"])
def test_best_fits_are_those_in_numpy(name, tmp_path):
    """Points, maxima and uncertainties of the same workspaces, free and at a tested signal."""
    path, document = everything(tmp_path) if name == "everything" else shared_workspace(name)
    likelihood = open_likelihood(path)
    config = document["measurements"][0]["config"]
    model = HistFactoryModel(document["channels"], config["poi"], config["parameters"])
    counts = {o["name"]: o["data"] for o in document["observations"]}
    data = data_of(model, np.concatenate([counts[n] for n, _ in model.channels]))
    free = ~model.fixed
    both = [({}, None), ({config["poi"]: 1.3}, None)]
    received = [
        tf.function(lambda held=h: fit(model, data, held), autograph=False)() for h, _ in both
    ]
    expected = [fit_in_numpy(likelihood), fit_in_numpy(likelihood, fixed={config["poi"]: 1.3})]
    for mine, theirs in zip(received, expected, strict=True):
        assert mine.converged.numpy().all()
        there = likelihood.log_likelihood(mine.points.numpy()[:, free])[0]
        assert there >= theirs.log_likelihood - 1e-9
        assert there == pytest.approx(theirs.log_likelihood, abs=1e-6)
    gain = float(received[0].log_likelihood[0] - received[1].log_likelihood[0])
    assert gain == pytest.approx(expected[0].log_likelihood - expected[1].log_likelihood, abs=1e-6)
    if name == "everything":
        points = received[0].points
        np.testing.assert_allclose(points.numpy()[0, free], expected[0].point, atol=1e-4)
        errors = np.sqrt(np.linalg.diagonal(covariance(observed_information(model, points, data))))
        np.testing.assert_allclose(
            errors[0], uncertainties(likelihood, expected[0]).errors, rtol=1e-3
        )


def test_the_best_fit_is_that_of_pyhf(tmp_path):
    """Every modifier; fixed parameters stay."""
    parameters = [{**p, "fixed": True} if p["name"] == "lumi" else p for p in PARAMETERS]
    model = model_of(EVERYTHING, parameters=parameters)
    reference = pyhf.Model({"channels": EVERYTHING, "parameters": parameters}, poi_name="mu",
                           validate=False)  # fmt: skip
    counts = in_order(model, EVERYTHING, OBSERVED)
    with precise():
        expected = pyhf.infer.mle.fit([*counts, *reference.config.auxdata], reference)
    found = fit(model, data_of(model, counts))
    np.testing.assert_allclose(found.points[0], expected, atol=2e-4)
    assert found.points[0, model.parameters.index("lumi")] == 1


SMALL = region(
    sample("signal", [5.0, 12.0], factor("mu")),
    sample("background", [50.0, 20.0], shape("tilt", [54.0, 18.5], [47.0, 22.0]),
           scale("rate", 1.06, 0.95)),
)  # fmt: skip


def results(content):
    """A fit, a statistic, and the gradient of both, (models, ...)."""
    with tf.GradientTape() as tape:
        tape.watch(content)
        model = model_of(SMALL, content)
        found = fit(model, data_of(model, [57.0, 29.0]))
        q = asimov_statistic(model, {"mu": 0.0}, {"mu": 1.0})
        values = tf.concat([found.points, q[:, None]], axis=1)
        total = tf.reduce_sum(values * np.arange(1.0, values.shape[1] + 1))
    return values, found.log_likelihood, found.converged, tape.gradient(total, content)


@pytest.fixture(scope="module")
def contents():
    content = content_of(SMALL)
    return tf.constant(content * np.random.default_rng(0).uniform(0.9, 1.1, (3, content.size)))


@pytest.fixture(scope="module")
def eager(contents):
    return results(contents)


@pytest.mark.parametrize("compiled", ["graph, one by one", "XLA"])
def test_all_ways_of_running_agree(compiled, contents, eager):
    """Values and gradients of eager mode, a graph, XLA, and of single models."""
    if compiled == "XLA":
        received = tf.function(results, jit_compile=True)(contents)
    else:
        parts = map(tf.function(results, autograph=False), tf.split(contents, 3))
        received = [np.concatenate([p.numpy() for p in part]) for part in zip(*parts, strict=True)]
    assert eager[2].numpy().all()
    np.testing.assert_array_equal(received[2], eager[2])
    np.testing.assert_allclose(received[0], eager[0], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(received[1], eager[1], rtol=1e-12)
    np.testing.assert_allclose(received[3], eager[3], rtol=1e-8, atol=1e-9)


def test_many_datasets_of_one_model():
    """Each is fitted for itself; from any start the same."""
    model = model_of(SMALL)
    counts = np.array([[57.0, 29.0], [61.0, 40.0], [50.0, 35.0]])
    data = data_of(model, [0.0, 0.0], 3)._replace(main=tf.constant(counts))
    found = fit(model, data)
    start = np.random.default_rng(1).uniform(0, 1, (3, 3))
    again = fit(model, data, start=tf.constant(start))
    np.testing.assert_allclose(again.points, found.points, atol=1e-7)
    for row in range(3):
        alone = fit(model, data_of(model, counts[row]))
        np.testing.assert_allclose(found.points[row], alone.points[0], atol=1e-8)
        np.testing.assert_allclose(found.log_likelihood[row], alone.log_likelihood[0], rtol=1e-12)


def test_a_tested_value_outside_of_the_bounds():
    """Is the caller's choice: the same as with wider bounds."""
    data = data_of(model_of(SMALL), [57.0, 29.0])
    narrow = [{"name": "mu", "inits": [1.0], "bounds": [[0.0, 2.0]]}]
    wide = [{"name": "mu", "inits": [1.0], "bounds": [[-5.0, 20.0]]}]
    for tested in (-0.5, 7.0):
        two = [fit(model_of(SMALL, parameters=p), data, {"mu": tested}) for p in (narrow, wide)]
        assert two[0].points[0, model_of(SMALL).parameters.index("mu")] == tested
        np.testing.assert_allclose(two[0].points, two[1].points, atol=1e-8)
        assert two[0].converged.numpy().all()


def test_an_unknown_held_parameter():
    """Named in the error."""
    model = model_of(SMALL)
    with pytest.raises(InvalidParameters, match="nothing"):
        fit(model, data_of(model, [57.0, 29.0]), {"nothing": 1.0})


@pytest.mark.parametrize("place", [0, 2, 7])
def test_not_a_number_in_one_model(place, contents):
    """It is impossible and does not converge; the others and their gradients are right."""
    content = contents.numpy()
    content[1, place] = np.nan
    content = tf.constant(content)
    with tf.GradientTape() as tape:
        tape.watch(content)
        model = model_of(SMALL, content)
        found = fit(model, data_of(model, [57.0, 29.0]))
        total = tf.reduce_sum(tf.where(found.converged[:, None], found.points, 0.0))
    slope = tape.gradient(total, content).numpy()
    assert found.converged.numpy().tolist() == [True, False, True]
    assert np.isfinite(slope[[0, 2]]).all()
    assert np.isfinite(found.log_likelihood.numpy()).tolist() == [True, False, True]
    alone = fit(model_of(SMALL, content[:1]), data_of(model_of(SMALL), [57.0, 29.0]))
    np.testing.assert_allclose(found.points[0], alone.points[0], atol=1e-8)


def test_a_saddle_by_symmetry():
    """A variation that is the same up and down: its parameter leaves 0 where the data say so."""
    both = shape("tilt", [60.0, 30.0], [60.0, 30.0])
    channels = region(
        sample("signal", [0.5, 0.1], factor("mu")), sample("background", [50.0, 20.0], both)
    )
    model = HistFactoryModel(channels)
    found = fit(model, data_of(model, [70.0, 38.0]), {"mu": 0.0})
    assert found.converged.numpy().all()
    assert abs(found.points[0, model.parameters.index("tilt")]) > 1


@pytest.mark.parametrize(("seen", "found"), [(3.0, True), (0.0, True)])
def test_an_empty_background(seen, found):
    """Only signal in the bin: μ̂ = n/s, from inits where the likelihood is zero."""
    channels = region(
        sample("signal", [2.0], factor("mu")), sample("background", [0.0], scale("rate", 1.1, 0.9))
    )
    parameters = [{"name": "mu", "inits": [0.0], "bounds": [[0.0, 10.0]]}]
    model = model_of(channels, parameters=parameters)
    received = fit(model, data_of(model, [seen]))
    assert bool(received.converged[0]) == found
    assert received.points[0, model.parameters.index("mu")].numpy() == pytest.approx(
        seen / 2, abs=1e-8
    )


def test_a_start_without_likelihood():
    """Events where nothing can be expected: not converged, minus infinity, nothing else."""
    channels = region(sample("signal", [2.0, 0.0], factor("mu")), sample("background", [10.0, 0.0]))
    model = model_of(channels)
    found = fit(model, data_of(model, [12.0, 1.0]))
    assert not found.converged.numpy().any()
    assert found.log_likelihood.numpy() == -np.inf
    assert np.isfinite(found.points.numpy()).all()
