"""A published workspace with one region made of events: real templates, trained bins."""

import json
from pathlib import Path

import numpy as np
import pytest

from dnnlik.differentiable import (
    Binning,
    CutObservable,
    Settings,
    TrainableEdges,
    optimise,
)
from dnnlik.differentiable.workspace import workspace_of
from dnnlik.user_files import run_file

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data" / "sbottom_66p.json"
search = run_file(ROOT / "benchmarks" / "binning_of_a_search.py")

pytestmark = pytest.mark.skipif(not DATA.is_file(), reason="needs the workspaces beside it")


@pytest.fixture(scope="module")
def published():
    """The workspace, the problem made of it, and its published bins."""
    workspace = json.loads(DATA.read_text())
    binning = Binning(TrainableEdges(np.arange(5.0)), bandwidth=0.1)
    return workspace, search.problem_of(workspace), CutObservable([], binning=binning)


def test_published_bins_give_the_published_templates(published):
    """Events in hard bins are the histograms and variations that they were made of."""
    workspace, problem, observable = published
    made = workspace_of(problem, observable, problem.events)
    for given, found in zip(workspace["channels"], made["channels"], strict=True):
        for theirs, ours in zip(given["samples"], found["samples"], strict=True):
            np.testing.assert_allclose(ours["data"], theirs["data"], rtol=1e-12, atol=1e-12)
            variations = {m["name"]: m["data"] for m in theirs["modifiers"]}
            for modifier in ours["modifiers"]:
                if modifier["type"] == "histosys":
                    for key, histogram in modifier["data"].items():
                        expected = variations[modifier["name"]][key]
                        np.testing.assert_allclose(histogram, expected, rtol=1e-5, atol=1e-9)


@pytest.mark.slow
def test_training_moves_the_edges_to_a_better_measurement(published):
    """Hundreds of histograms through one program: the uncertainty of the signal falls in hard
    bins, edges stay in order, and no step fails."""
    _, problem, observable = published
    result = optimise(problem, observable, Settings("sigma_mu", 8, 10**6, 0.05))
    assert result.metrics["sigma_mu"] < 0.95 * result.history[0]["sigma_mu"]
    edges = np.asarray(observable.binning.edges())
    assert edges[0] == 0.0
    assert edges[-1] == 4.0
    assert (np.diff(edges) > 0).all()
    assert sum(record["skipped_steps"] for record in result.history) == 0
