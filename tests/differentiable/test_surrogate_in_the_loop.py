"""One analysis optimised twice: through the exact likelihood and through a surrogate of it."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from dnnlik.datasets.one_bin import OPTIMUM
from dnnlik.likelihoods import open_likelihood
from dnnlik.surrogate.settings import TrainingSettings

ROOT = Path(__file__).resolve().parents[2]


def benchmark():
    """The program that the table in the documentation was made with."""
    path = ROOT / "benchmarks" / "surrogate_in_the_loop.py"
    spec = importlib.util.spec_from_file_location("surrogate_in_the_loop", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where its dataclasses look for themselves
    spec.loader.exec_module(module)
    return module


loop = benchmark()


@pytest.fixture(scope="module")
def likelihood():
    return open_likelihood(ROOT / "likelihoods" / "one_bin_yields" / "likelihood.py")


@pytest.fixture(scope="module")
def trained(likelihood, tmp_path_factory):
    """A small surrogate, and its samples."""
    settings = TrainingSettings(layers=(64, 64), batch_size=64, max_epochs=40)
    return loop.trained_on(likelihood, tmp_path_factory.mktemp("yields"), 20_000, settings)


@pytest.mark.parametrize("name", loop.HYPOTHESES)
def test_the_likelihood_of_yields_is_the_exact_model(likelihood, name):
    """t of the analysis at eleven φ, by the shipped definition and by HistFactory: 1e-9."""
    phi = np.linspace(0, 10, 11)
    makes = loop.exact_model, loop.surrogate_model(likelihood)
    exact, written = (loop.t_of_phi(make, phi, name) for make in makes)
    np.testing.assert_allclose(written, exact, rtol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["p0"])  # the benchmark does cls as well
def test_the_optimum_is_the_same_within_the_stated_accuracy(trained, name):
    """With ε the largest error of t at held-out yields: the surrogate's t there is within ε,
    the exact t there within 2ε of its largest, and φ in the level set which that bounds.
    No step is lost to a fit that does not converge."""
    row = loop.compared(*trained, name)
    if name == "p0":  # the exact loop ends at the known optimum
        assert row.exact.phi == pytest.approx(OPTIMUM["normal"].phi, abs=1e-2)
        assert row.exact.value == pytest.approx(OPTIMUM["normal"].p0, abs=1e-6)
    assert row.surrogate.skipped == 0
    assert row.t_exact - row.t_there <= 2 * row.accuracy.largest
    assert row.allowed[0] <= row.surrogate.phi <= row.allowed[1]
    # An accuracy that allowed anything would be none.
    assert row.allowed[1] - row.allowed[0] < 0.7 * (loop.RANGE[1] - loop.RANGE[0])
    assert abs(row.t_surrogate - row.t_there) <= row.accuracy.largest
