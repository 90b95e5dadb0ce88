"""The bundles of models/ are whole, and of the likelihoods that ship with the project."""

from pathlib import Path

import numpy as np
import pytest

from dnnlik import load, open_likelihood
from dnnlik.bundle.archive import extract
from dnnlik.bundle.verification import verify_bundle
from dnnlik.inference import fit, profile

ROOT = Path(__file__).resolve().parents[1]
MODELS = {
    "two_regions": "likelihoods/two_regions/workspace.json",
    "two_regions_exact": "likelihoods/two_regions/workspace.json",
    "mass_peak": "likelihoods/mass_peak/likelihood.py",
    "lhc_like_search": "likelihoods/lhc_like_search/likelihood.py",
}


def test_every_model_is_tested():
    """No file beside those that are named here."""
    assert {path.stem for path in (ROOT / "models").glob("*.zip")} == set(MODELS)


@pytest.mark.parametrize("name", MODELS)
def test_a_model_is_whole(name, tmp_path):
    """Files, checksums, metadata and test vectors hold."""
    checks = verify_bundle(extract(ROOT / "models" / f"{name}.zip", tmp_path))
    assert [check.problem for check in checks if not check.passed] == []


@pytest.mark.parametrize("name", MODELS)
def test_a_model_is_of_its_likelihood(name):
    """t of the parameter of interest at its maximum, 1 and 2 beyond, from fits of both: within
    10⁻⁶ of the exact file, 0.02 of the learned ones."""
    exact = open_likelihood(ROOT / MODELS[name])
    published = load(ROOT / "models" / f"{name}.zip")
    assert published.parameters == exact.parameters
    best = fit(exact)
    low, high = exact.parameters["mu"].bounds
    values = np.clip(best["mu"] + np.array([0.0, 1.0, 2.0]), low, high)
    expected = profile(exact, "mu", values, best=best).t
    found = profile(published, "mu", values, best=fit(published, start=best.point)).t
    tolerance = 1e-6 if name.endswith("exact") else 0.02
    np.testing.assert_allclose(found, expected, atol=tolerance, rtol=tolerance)
