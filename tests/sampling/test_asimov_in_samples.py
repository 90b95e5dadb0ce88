"""The tables for upper limits travel: samples, surrogate, published file, upper limit."""

from __future__ import annotations

import json
from dataclasses import replace

import h5py
import numpy as np
import pytest

from dnnlik.asimov import curves_to_json
from dnnlik.exceptions import InvalidFile, InvalidInput
from dnnlik.inference import asimov_curve
from dnnlik.likelihoods import AnalyticLikelihood, open_likelihood
from dnnlik.onnx.graph import surrogate_model
from dnnlik.onnx.metadata import metadata_properties
from dnnlik.onnx.runtime import PublishedLikelihood
from dnnlik.onnx.verify import write
from dnnlik.parameters import Normal, Parameter
from dnnlik.reweighting import resampled, reweighted
from dnnlik.sampling import Samples, sample
from dnnlik.sampling.store import SampleStore
from dnnlik.surrogate.ensemble import train
from dnnlik.surrogate.file import load_surrogate, save_surrogate
from dnnlik.surrogate.likelihood import SurrogateLikelihood
from dnnlik.surrogate.settings import TrainingSettings

SIGNAL, BACKGROUND, OBSERVED = 12.0, 50.0, 47.0


@pytest.fixture(scope="module")
def counting(tmp_path_factory):
    """n ~ Pois(μ s + b (1 ± 2 %)), nearly a count over a known background."""
    systematic = {"name": "sys", "type": "normsys", "data": {"hi": 1.02, "lo": 0.98}}
    mu = {"name": "mu", "type": "normfactor", "data": None}
    document = {
        "version": "1.0.0",
        "channels": [{"name": "c", "samples": [
            {"name": "s", "data": [SIGNAL], "modifiers": [mu]},
            {"name": "b", "data": [BACKGROUND], "modifiers": [systematic]}]}],
        "observations": [{"name": "c", "data": [OBSERVED]}],
        "measurements": [{"name": "m", "config": {"poi": "mu", "parameters": []}}],
    }  # fmt: skip
    path = tmp_path_factory.mktemp("counting") / "workspace.json"
    path.write_text(json.dumps(document))
    return open_likelihood(path)


@pytest.fixture(scope="module")
def file(counting, tmp_path_factory):
    path = tmp_path_factory.mktemp("counting") / "samples.h5"
    sample(counting, path, strategy="mixed", points=4000, seed=5)
    return path


@pytest.fixture(scope="module")
def trained(file):
    settings = TrainingSettings(layers=(8,), max_epochs=1, batch_size=256)
    return train(Samples.open(file), settings)


def same(found, wanted):
    assert [c.poi for c in found] == [c.poi for c in wanted] == ["mu"]
    np.testing.assert_array_equal(found[0].values, wanted[0].values)
    np.testing.assert_array_equal(found[0].root, wanted[0].root)


def test_samples_hold_the_table_of_the_exact_likelihood(counting, file):
    """What a sample file says is what fits of the exact likelihood say; its rows keep it."""
    samples, curve = Samples.open(file), asimov_curve(counting)
    assert "without_asimov_curve" not in samples.diagnostics
    np.testing.assert_allclose(samples.asimov[0].root_at([1.0]), curve.root_at([1.0]), rtol=1e-4)
    # q_{μ,A} = 2(μs - b ln(1 + μs/b)), a little less with the systematic.
    known = np.sqrt(2 * (SIGNAL - BACKGROUND * np.log1p(SIGNAL / BACKGROUND)))
    assert 0.97 * known < float(curve.root_at(1.0)) < known
    same(samples.rows(np.arange(5)).asimov, samples.asimov)


def test_files_of_before_and_damaged_ones(file, tmp_path):
    """Without the dataset there are no tables; one that means nothing is damage."""
    for damage, text in (("gone", None), ("nan", "[{}]"), ("half", '[{"poi')):
        path = tmp_path / f"{damage}.h5"
        path.write_bytes(file.read_bytes())
        with h5py.File(path, "r+") as old:
            if text is None:
                del old["asimov"]
            else:
                room = old["asimov"].size
                old["asimov"][:] = np.frombuffer(text.encode().ljust(room), "u1")
        if text is None:
            assert Samples.open(path).asimov == ()
        else:
            with pytest.raises(InvalidFile, match="damaged"):
                Samples.open(path)


def test_a_likelihood_without_other_data_has_no_room(tmp_path):
    """The file of an analytic function is what it was before."""
    density = AnalyticLikelihood(
        [Parameter("mu", 0, (-5, 5), poi=True)], lambda x: -0.5 * x[:, 0] ** 2
    )
    found = sample(density, tmp_path / "s.h5", strategy="mixed", points=2000, seed=0)
    assert found.asimov == ()
    with h5py.File(tmp_path / "s.h5") as content:
        assert "asimov" not in content


def test_no_background_hypothesis_is_stated_and_no_failure(counting, tmp_path):
    """A parameter without 0 in its bounds: samples, no table, and the reason."""
    document = json.loads(json.dumps(counting_document()))
    document["measurements"][0]["config"]["parameters"] = [
        {"name": "mu", "bounds": [[0.2, 5.0]], "inits": [1.0]}
    ]
    path = tmp_path / "away.json"
    path.write_text(json.dumps(document))
    found = sample(open_likelihood(path), tmp_path / "s.h5", strategy="mixed", points=2000, seed=0)
    assert found.asimov == ()
    assert "needs 0 within" in found.diagnostics["without_asimov_curve"]["mu"]


def counting_document():
    mu = {"name": "mu", "type": "normfactor", "data": None}
    return {
        "version": "1.0.0",
        "channels": [{"name": "c", "samples": [{"name": "s", "data": [9.0], "modifiers": [mu]}]}],
        "observations": [{"name": "c", "data": [10.0]}],
        "measurements": [{"name": "m", "config": {"poi": "mu", "parameters": []}}],
    }


def test_tables_that_exceed_their_room_are_refused(counting, file, tmp_path):
    """Nothing is cut silently."""
    store = SampleStore.open(tmp_path / "s.h5", counting, 10, {"request": {}})
    with pytest.raises(InvalidInput, match="exceed their room"):
        store.write_asimov(Samples.open(file).asimov * 9)


def test_other_priors_keep_the_table(file, tmp_path):
    """Resampling under another prior of mu changes no fit."""
    samples = Samples.open(file)
    found = reweighted(samples, {"mu": Normal(0.5, 5.0)})
    drawn = resampled(samples, found, tmp_path / "new.h5", points=300, seed=1)
    same(drawn.asimov, samples.asimov)


def test_from_samples_to_a_published_file(trained, file, tmp_path):
    """Training, the surrogate's file and the ONNX file hand it on, number by number; no
    value depends on it."""
    wanted = Samples.open(file).asimov
    same(trained.asimov, wanted)
    assert trained.digest() == replace(trained, asimov=()).digest()
    save_surrogate(trained, tmp_path / "surrogate.h5")
    description = load_surrogate(tmp_path / "surrogate.h5")
    same([SurrogateLikelihood(description).asimov_curve("mu")], wanted)
    assert SurrogateLikelihood(description).asimov_curve("sys") is None
    properties = metadata_properties(description, accuracy={}, author="A", license="CC0-1.0")
    assert json.loads(properties["dnnlik.asimov"]) == curves_to_json(wanted)
    write(surrogate_model(description, metadata=properties), tmp_path / "likelihood.onnx")
    published = PublishedLikelihood.open(tmp_path / "likelihood.onnx", threads=1)
    same([published.asimov_curve("mu")], wanted)
    assert published.asimov_curve("sys") is None


def test_surrogate_files_without_and_with_bad_tables(trained, tmp_path):
    """Those of before have none; a damaged one is refused."""
    path = tmp_path / "surrogate.h5"
    save_surrogate(replace(trained, asimov=()), path)
    assert load_surrogate(path).asimov == ()
    with h5py.File(path, "r+") as content:
        assert "asimov" not in content
        content["asimov"] = json.dumps([{"poi": "mu", "values": [0, 1], "root": [0, None]}])
    with pytest.raises(InvalidFile, match="no surrogate"):
        load_surrogate(path)
