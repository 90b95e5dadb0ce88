"""Many signals in one batch of fits: each is the likelihood of its patch."""

import json
from pathlib import Path

import numpy as np
import pytest

from dnnlik.exceptions import InvalidLikelihood
from dnnlik.inference import fit, fit_many
from dnnlik.likelihoods import open_likelihood
from dnnlik.likelihoods.signals import SignalProblems
from dnnlik.typing import Problems

ROOT = Path(__file__).resolve().parents[2]
WORKSPACE = ROOT / "likelihoods" / "two_regions" / "workspace.json"
DATA = ROOT.parent / "shared" / "data"


def with_signal(folder, factor, **changes):
    """The shipped workspace with its signal scaled, and other changes to its text."""
    document = json.loads(WORKSPACE.read_text())
    for channel in document["channels"]:
        for sample in channel["samples"]:
            if any(m["type"] == "normfactor" for m in sample["modifiers"]):
                sample["data"] = [factor * x for x in sample["data"]]
    if "observed" in changes:
        document["observations"][0]["data"][0] += changes["observed"]
    path = folder / f"signal_{factor}.json"
    path.write_text(json.dumps(document))
    return open_likelihood(path)


def test_each_signal_is_its_own_likelihood(tmp_path):
    """Values and gradients of every problem are those of its workspace alone."""
    likelihoods = [with_signal(tmp_path, factor) for factor in (0.5, 1.0, 3.0)]
    problems = SignalProblems(likelihoods)
    assert isinstance(problems, Problems)
    assert len(problems) == 3
    p = problems.parameters
    points = p.inits + 0.1 * np.random.default_rng(0).normal(size=(7, len(p))) * p.scales
    points = np.clip(points, p.lower + 1e-6, p.upper)
    rows = np.array([2, 0, 1, 2, 2, 0, 1])
    value, gradient = problems.value_and_gradient(points, rows)
    for i, row in enumerate(rows):
        expected, slope = likelihoods[row].value_and_gradient(points[i : i + 1])
        assert value[i] == pytest.approx(expected[0], rel=1e-12)
        np.testing.assert_allclose(gradient[i], slope[0], rtol=1e-9, atol=1e-9)


def test_fits_of_all_signals_are_those_of_each(tmp_path):
    """One batch finds the maxima that fits one by one find."""
    likelihoods = [with_signal(tmp_path, factor) for factor in (0.5, 1.0, 2.0)]
    fits = fit_many(SignalProblems(likelihoods)).checked()
    for i, likelihood in enumerate(likelihoods):
        alone = fit(likelihood)
        assert fits.log_likelihood[i] == pytest.approx(alone.log_likelihood, abs=1e-7)


def test_other_data_are_refused(tmp_path):
    """Signals share data and structure; what differs is named."""
    pair = [with_signal(tmp_path, 1.0), with_signal(tmp_path, 2.0, observed=1)]
    with pytest.raises(InvalidLikelihood, match="Received: other data"):
        SignalProblems(pair)
    with pytest.raises(InvalidLikelihood, match="Received: none"):
        SignalProblems([])


@pytest.mark.skipif(not DATA.is_dir(), reason="the shared folder with workspaces is absent")
def test_patches_with_parameters_of_their_own_are_refused():
    """Those of the ATLAS three-lepton search have: the error says what differs."""
    patchset = DATA / "3L_patchset.json"
    names = [p["metadata"]["name"] for p in json.loads(patchset.read_text())["patches"]][:2]
    background = DATA / "3L_background_only.json"
    pair = [open_likelihood(background, patchset=patchset, patch=name) for name in names]
    with pytest.raises(InvalidLikelihood, match="Received: other parameters"):
        SignalProblems(pair)
