"""The files of an optimised analysis, read with nothing but their own tools."""

import errno
import json
import os
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import onnxruntime
import pyhf
import pytest

from dnnlik import analysis_files
from dnnlik.analysis_files import write_analysis
from dnnlik.differentiable import (
    OBJECTIVES,
    Binning,
    Constraint,
    Cut,
    CutObservable,
    Events,
    NetworkObservable,
    Problem,
    Settings,
    dense_network,
    optimise,
    training,
)
from dnnlik.differentiable.methods import category_observable
from dnnlik.differentiable.problems import two_signals_problem
from dnnlik.exceptions import InvalidFile

RNG = np.random.default_rng(0)
CENTRES = {"signal": 1.5, "background": 0.0, "up": 0.3, "down": -0.2}
YIELDS = {"signal": 20.0, "background": 100.0, "up": 104.0, "down": 97.0}
PROBLEM = Problem(
    events={n: Events(RNG.normal(c, 1, (80, 2)), RNG.uniform(0.5, 1.5, 80))
            for n, c in CENTRES.items()},
    yields=YIELDS,
    floor=0.01,
    channels=[{"name": "SR", "samples": [
        {"name": "signal", "data": "signal",
         "modifiers": [{"name": "mu", "type": "normfactor", "data": None}]},
        {"name": "background", "data": "background", "modifiers": [
            {"name": "shape", "type": "histosys", "data": {"hi_data": "up", "lo_data": "down"}},
            {"name": "stat", "type": "staterror", "data": "background"}]}]}],
)  # fmt: skip


@pytest.fixture(scope="module")
def result():
    """A short training for CLs."""
    network = dense_network([PROBLEM.events[n] for n in PROBLEM.names], (4,), seed=1)
    observable = NetworkObservable(network, Binning([0.0, 0.5, 1.0], 0.1))
    return optimise(PROBLEM, observable, Settings("cls", epochs=2, learning_rate=0.02))


@pytest.fixture(scope="module")
def folder(result, tmp_path_factory):
    folder = tmp_path_factory.mktemp("analysis") / "new"
    names = write_analysis(result, folder)
    assert sorted(names) == sorted(p.name for p in folder.iterdir())
    return folder


def read(path):
    """JSON as the standard has it, without NaN."""

    def refuse(name):
        raise AssertionError(f"{name} in {path}")

    return json.loads(path.read_text(), parse_constant=refuse)


def test_history(folder, result):
    """Settings, versions, a record an epoch and the impacts; null where a number is not finite."""
    history = read(folder / "history.json")
    assert history["settings"] == {**asdict(result.settings), "tracked": []}
    (impacts,) = history["impacts"]
    assert impacts["total"] == pytest.approx(result.metrics["sigma_mu"])
    assert set(impacts["impacts"]) == {"shape", "stat[0]", "stat[1]"}
    assert history["best_epoch"] == result.best_epoch
    assert history["epochs"][0]["loss"] is None
    assert [record["epoch"] for record in history["epochs"]] == [0, 1, 2]
    assert history["epochs"][result.best_epoch]["cls"] == result.metrics["cls"]
    assert history["objectives"]["cls"].startswith("Expected CLs")
    assert "dnnlik" in history["versions"]


@pytest.mark.parametrize(("optimizer", "rtol"), [({}, 2e-6), ({"tolerance": 1e-10}, 2e-7)])
def test_pyhf_finds_the_cls_of_the_metrics(folder, result, optimizer, rtol):
    """In the workspace as it is, with its fits of default tolerance and with better ones."""
    document = read(folder / "workspace.json")
    pyhf.schema.validate(document, "workspace.json")
    workspace = pyhf.Workspace(document)
    model = workspace.model()
    backend, before = pyhf.get_backend()
    pyhf.set_backend("numpy", pyhf.optimize.scipy_optimizer(**optimizer))
    try:
        cls = float(pyhf.infer.hypotest(1.0, workspace.data(model), model, test_stat="qtilde"))
    finally:
        pyhf.set_backend(backend, before)
    np.testing.assert_allclose(cls, result.metrics["cls"], rtol=rtol)


def test_the_published_files_reproduce_the_templates(folder, result):
    """observable.onnx, bins.json and events alone: the numbers of workspace.json."""
    session = onnxruntime.InferenceSession(folder / "observable.onnx")
    bins = read(folder / "bins.json")
    metadata = session.get_modelmeta().custom_metadata_map["dnnlik.observable"]
    assert json.loads(metadata) == {"problem": "analysis", "objective": "cls", **bins}
    assert (bins["observable"], bins["outside"]) == ("network", "include")

    def histogram(name, power=1):
        sample = result.held_out[name]
        (summary,) = session.run(["summary"], {"features": sample.features})
        weights = sample.weights * YIELDS[name] / sample.weights.sum()
        inner = np.searchsorted(bins["edges"][1:-1], summary, side="right")
        return np.bincount(inner, weights**power, len(bins["edges"]) - 1)

    (channel,) = read(folder / "workspace.json")["channels"]
    signal, background = channel["samples"]
    np.testing.assert_allclose(signal["data"], histogram("signal") + 0.01)
    np.testing.assert_allclose(background["data"], histogram("background") + 0.01)
    shape, stat = background["modifiers"]
    np.testing.assert_allclose(shape["data"]["hi_data"], histogram("up") + 0.01)
    np.testing.assert_allclose(shape["data"]["lo_data"], histogram("down") + 0.01)
    # The uncertainty of all events, of which these are a quarter.
    np.testing.assert_allclose(stat["data"], 0.5 * np.sqrt(histogram("background", 2)))


def test_categories_are_applied_by_other_tools(tmp_path):
    """observable.onnx, bins.json and events alone: category, then bin, the numbers of the
    workspace; which pyhf reads."""
    problem = two_signals_problem(3, 400)
    settings = Settings("sigma_sum", epochs=1, pretraining=1, constraint=Constraint())
    with pytest.MonkeyPatch.context() as patch:
        chosen = ("sigma_sum", "cross_entropy")  # compiled quickly
        patch.setattr(training, "OBJECTIVES", {name: OBJECTIVES[name] for name in chosen})
        result = optimise(problem, category_observable(problem, 4), settings)
    drawn = dict.fromkeys(("cls", "p0", "sigma_mu", "limit"), 0.5)
    result = replace(result, history=tuple(drawn | record for record in result.history))
    names = write_analysis(result, tmp_path)
    assert {"contours.png", "templates.png", "workspace.json"} <= set(names)
    bins = read(tmp_path / "bins.json")
    assert bins["categories"] == ["background", "mu_left", "mu_right"]
    session = onnxruntime.InferenceSession(tmp_path / "observable.onnx")
    workspace = pyhf.Workspace(read(tmp_path / "workspace.json"))
    samples = {s["name"]: s for s in workspace["channels"][0]["samples"]}
    for name in ("background", "left", "right"):
        held_out = result.held_out[name]
        (found,) = session.run(["class_probabilities"], {"features": held_out.features})
        place = np.searchsorted(bins["edges"][1:-1], found.max(axis=1), side="right")
        number = (len(bins["edges"]) - 1) * found.argmax(axis=1) + place
        weights = held_out.weights * problem.expected(name) / held_out.weights.sum()
        expected = np.bincount(number, weights, 12) + problem.floor
        np.testing.assert_allclose(samples[name]["data"], expected, rtol=1e-9)
    # Without the signal of the first parameter of interest, as the objective ``cls``.
    there = np.add(samples["background"]["data"], samples["right"]["data"])
    np.testing.assert_allclose(workspace.data(workspace.model())[:12], there, rtol=1e-12)
    assert set(workspace.model().config.par_order) == {
        "mu_left", "mu_right", "background_shape", "right_shape"}  # fmt: skip
    records = read(tmp_path / "history.json")["epochs"]
    assert records[0]["cross_entropy_bound"] is None
    assert records[2]["cross_entropy_bound"] > 0
    assert records[2]["multiplier"] >= 0


def test_figures(folder):
    """Metrics, templates, and contours of two features."""
    for name in ("metrics", "templates", "contours"):
        assert (folder / f"{name}.png").read_bytes().startswith(b"\x89PNG")


def test_cuts_have_no_network(result, tmp_path):
    """Thresholds instead."""
    cut = replace(result, observable=CutObservable([Cut(0, 0.5, 3.0)]))
    names = write_analysis(cut, tmp_path)
    assert sorted(names) == [
        "bins.json", "history.json", "metrics.png", "templates.png", "workspace.json"]  # fmt: skip
    assert read(tmp_path / "bins.json")["cuts"] == [
        {"feature": 0, "keep": "above", "threshold": 0.5}]  # fmt: skip


def test_nothing_of_another_analysis_is_left(result, tmp_path):
    """Its network and contours would be taken for those of this one; other files stay."""
    write_analysis(result, tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    names = write_analysis(replace(result, observable=CutObservable([Cut(0, 0.5, 3.0)])), tmp_path)
    assert "observable.onnx" not in names
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([*names, "notes.txt"])


def test_without_matplotlib(result, tmp_path, monkeypatch):
    """Everything else, and a word about it."""
    monkeypatch.setattr(analysis_files, "find_spec", lambda name: None)
    told = []
    names = write_analysis(result, tmp_path, progress=lambda text, *_: told.append(text))
    assert not [name for name in names if name.endswith(".png")]
    assert told == ["no figures: matplotlib is not installed (the extra `plots`)"]


def full(*_, **__):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("place", [".json", ".onnx", ".png"])
def test_a_full_disk_is_one_line(result, tmp_path, monkeypatch, place):
    """Wherever it strikes, a document, the network or a figure; nothing half written is
    left."""
    whole = os.replace

    def into_place(source, target):
        return full() if Path(target).suffix == place else whole(source, target)

    monkeypatch.setattr(os, "replace", into_place)
    with pytest.raises(InvalidFile, match="No space left on device") as error:
        write_analysis(result, tmp_path)
    assert "\n" not in str(error.value)
    assert not [p for p in tmp_path.iterdir() if p.suffix in (".new", place)]


def test_a_file_in_place_of_the_folder(result, tmp_path):
    """One line."""
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidFile, match="cannot write the file"):
        write_analysis(result, tmp_path / "file")
