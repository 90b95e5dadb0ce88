"""The shipped files opened the way a user opens them."""

import math
from pathlib import Path

import numpy as np
import pytest

from dnnlik.likelihoods import open_likelihood

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ROOT / "likelihoods"
FILES = {
    "lhc_like_search/likelihood.py": 95,
    "mass_peak/likelihood.py": 7,
    "one_bin_yields/likelihood.py": 6,
    "two_regions/workspace.json": 17,
}


@pytest.mark.parametrize("file", FILES)
def test_shipped_files_open_as_likelihoods(file):
    """Each opens with its number of parameters, one of interest, and a finite density."""
    likelihood = open_likelihood(SHIPPED / file)
    assert len(likelihood.parameters) == FILES[file]
    assert likelihood.parameters.poi_names == ("mu",)
    points = likelihood.parameters.inits[None]
    terms = likelihood.log_main(points) + likelihood.log_constraint(points)
    assert math.isfinite(terms[0])
    np.testing.assert_allclose(terms, likelihood.log_likelihood(points), rtol=1e-14)


@pytest.mark.parametrize("file", FILES)
def test_shipped_files_have_gradients(file):
    """value_and_gradient is there and agrees with central differences."""
    likelihood = open_likelihood(SHIPPED / file)
    parameters = likelihood.parameters
    points = parameters.inits + 0.1 * parameters.scales
    steps = np.diag(1e-5 * parameters.scales)
    _, gradient = likelihood.value_and_gradient(points[None])
    ahead, behind = (likelihood.log_likelihood(points + s * steps) for s in (1, -1))
    difference = (ahead - behind) / 2e-5
    np.testing.assert_allclose(gradient[0] * parameters.scales, difference, rtol=1e-5, atol=1e-5)


def test_paper_toy_opens_with_the_data_of_the_environment(monkeypatch):
    """The benchmark's file defines likelihood() on whatever DNNLIK_PAPER_TOY names."""
    monkeypatch.setenv("DNNLIK_PAPER_TOY", str(SHIPPED / "lhc_like_search" / "data.json"))
    toy = open_likelihood(ROOT / "benchmarks" / "paper_toy.py")
    shipped = open_likelihood(SHIPPED / "lhc_like_search" / "likelihood.py")
    points = shipped.parameters.inits[None]
    assert toy.log_main(points) == shipped.log_main(points)
