"""The finished analysis as a pyhf workspace."""

import numpy as np
import pyhf
import pytest
from analyses import SHAPE, STAT, channel, cut_of, events_of, problem_of, trained_of
from workspaces import precise

from dnnlik.differentiable import OBJECTIVES, Binning
from dnnlik.differentiable.workspace import hard_templates, workspace_of

EDGES = [-1.0, 0.5, 1.5, 3.0]
FREE = {"name": "free", "type": "normfactor", "data": None}
NUMBERS = {"name": "CR", "samples": [
    {"name": "background", "data": np.array([30.0, 40.0]), "modifiers": [FREE]}]}  # fmt: skip
PROBLEM = problem_of(
    events=events_of(weights=True),
    channels=[channel(SHAPE, STAT, FREE), NUMBERS],
    parameters=[
        {"name": "free", "inits": [1.3], "bounds": [[0.1, 5.0]]},
        {"name": "mu", "inits": [0.4], "bounds": [[0.0, 20.0]]},
    ],
    floor=3.0,
)


@pytest.fixture(scope="module")
def made():
    """The workspace, and the observable it is made of."""
    observable = cut_of(binning=Binning(EDGES, 0.2), start=-9.0)
    return workspace_of(PROBLEM, observable, PROBLEM.events), observable


def test_it_passes_the_schema_of_pyhf(made):
    """Also where the channels had arrays; nothing of the problem is changed."""
    pyhf.schema.validate(made[0], "workspace.json")
    assert PROBLEM.channels[0]["samples"][0]["data"] == "signal"


def test_templates_are_those_of_numpy(made):
    """Hard counts of the events, scaled to the yields, with floor, in each place."""
    document, observable = made
    yields, uncertainties = hard_templates(PROBLEM, observable, PROBLEM.events)
    for name, sample in PROBLEM.events.items():
        values = np.clip(sample.features[:, 0].astype(float), EDGES[0], EDGES[-1])
        weights = sample.weights * PROBLEM.expected(name) / sample.weights.sum()
        expected = np.histogram(values, EDGES, weights=weights)[0] + 3
        np.testing.assert_allclose(yields[name], expected)
    signal, background = document["channels"][0]["samples"]
    assert signal["data"] == yields["signal"].tolist()
    shape, stat, _ = background["modifiers"]
    assert shape["data"] == {"hi_data": yields["up"].tolist(), "lo_data": yields["down"].tolist()}
    assert stat["data"] == uncertainties["background"].tolist()
    assert document["channels"][1]["samples"][0]["data"] == [30, 40]


def test_observations_are_those_expected_without_signal(made):
    """At the inits of the other parameters, here 1.3 times the background."""
    workspace = pyhf.Workspace(made[0])
    model = workspace.model()
    point = model.config.suggested_init()
    point[model.config.poi_index] = 0.0
    np.testing.assert_allclose(workspace.data(model), model.expected_data(point), rtol=1e-12)


def test_its_observed_cls_is_the_expected_one_of_training(made):
    """By pyhf, with fits to 1e-10."""
    workspace = pyhf.Workspace(made[0])
    model = workspace.model()
    with precise():
        cls = float(pyhf.infer.hypotest(1.0, workspace.data(model), model, test_stat="qtilde"))
    trained = trained_of(PROBLEM, made[1], hard=True)
    np.testing.assert_allclose(OBJECTIVES["cls"].function(trained), cls, rtol=2e-7)
