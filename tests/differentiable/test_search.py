"""A published workspace with one region made of events: real templates, trained bins."""

import json
from pathlib import Path

import numpy as np
import pytest

from dnnlik.differentiable import OBJECTIVES, Binning, CutObservable, TrainableEdges
from dnnlik.differentiable.analysis import analysed, batches
from dnnlik.differentiable.expression import parse_loss
from dnnlik.differentiable.training import Trainer
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


def with_systematics(workspace, count):
    """The workspace with as many of its histosys and normsys."""
    samples = [s for channel in workspace["channels"] for s in channel["samples"]]
    kinds = ("histosys", "normsys")
    names = sorted({m["name"] for s in samples for m in s["modifiers"] if m["type"] in kinds})
    smaller = json.loads(json.dumps(workspace))
    for sample in (s for channel in smaller["channels"] for s in channel["samples"]):
        sample["modifiers"] = [
            m for m in sample["modifiers"] if m["type"] not in kinds or m["name"] in names[:count]
        ]
    return smaller


@pytest.mark.slow
def test_training_moves_the_edges_to_a_better_measurement(published):
    """The uncertainty of the signal falls in hard bins, edges stay in order, and no step fails;
    with some of the systematics, for the sake of compiling (the benchmark has all)."""
    workspace, _, observable = published
    problem = search.problem_of(with_systematics(workspace, 6))
    samples = batches(problem, {name: problem.events[name] for name in problem.names})

    def uncertainty():
        trained = analysed(problem, observable, samples, hard=True)
        return float(OBJECTIVES["sigma_mu"].function(trained))

    before, loss = uncertainty(), parse_loss("sigma_mu")
    trainer = Trainer(
        problem, problem.events, observable, loss, batch_size=10**6, learning_rate=0.05
    )
    skipped = sum(trainer.epoch(number)["skipped_steps"] for number in range(8))
    assert skipped == 0
    assert uncertainty() < 0.95 * before
    edges = np.asarray(observable.binning.edges())
    assert edges[0] == 0.0
    assert edges[-1] == 4.0
    assert (np.diff(edges) > 0).all()
