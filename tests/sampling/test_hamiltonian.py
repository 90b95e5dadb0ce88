"""Hamiltonian Monte Carlo on densities whose moments are known."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from dnnlik.exceptions import InvalidInput, InvalidLikelihood
from dnnlik.likelihoods import AnalyticLikelihood, open_likelihood
from dnnlik.parameters import Normal, Parameter
from dnnlik.sampling import Samples, hamiltonian, sample
from dnnlik.sampling.adaptation import DualAveraging
from dnnlik.sampling.reference import Reference
from dnnlik.sampling.reflection import Arcs
from dnnlik.sampling.trajectories import position, trajectory, transition

ROOT = Path(__file__).resolve().parents[2]


def with_gradient(parameters, log_main, slope):
    """A NumPy likelihood that knows the slope of its main term."""
    found = AnalyticLikelihood(parameters, log_main)
    found.value_and_gradient = lambda x: (
        log_main(x) + found.log_constraint(x),
        slope(x) + found.parameters.log_constraint_gradient(x),
    )
    return found


def gaussian():
    """Correlated, with widths from 10⁻⁴ to 10⁴."""
    widths = np.array([1e-4, 1.0, 1e4, 30.0])
    correlation = np.array(
        [[1, 0.9, 0, 0.2], [0.9, 1, 0.1, 0], [0, 0.1, 1, -0.7], [0.2, 0, -0.7, 1]]
    )
    covariance = correlation * np.outer(widths, widths)
    # In units of the widths: the inverse of the covariance itself has few digits.
    inverse = np.linalg.inv(correlation) / np.outer(widths, widths)
    parameters = [
        Parameter(f"x{i}", 0, (-50 * w, 50 * w), poi=i == 0) for i, w in enumerate(widths)
    ]
    density = with_gradient(
        parameters, lambda x: -0.5 * ((x @ inverse) * x).sum(axis=1), lambda x: -x @ inverse
    )
    return density, np.zeros(4), covariance


def cut():
    """Normals cut by their bounds: the highest density at one, from both sides, by none;
    a normal prior, and a constraint instead of a main term."""
    marginals = [
        stats.truncnorm(1.0, 40.0),  # falls from the bound on
        stats.truncnorm(-0.5, 0.8),
        stats.norm(1.0, 2.0),
        stats.norm(-1.0, 0.3),
        stats.truncnorm(-1.0, np.inf),
    ]
    parameters = [
        Parameter("falling", 2, (1, 40), poi=True),
        Parameter("both", 0, (-0.5, 0.8)),
        Parameter("prior", 0, prior=Normal(1, 2)),
        Parameter("constraint", 0, constraint=Normal(-1, 0.3)),
        Parameter("half", 0, (-1, np.inf), constraint=Normal(0, 1)),
    ]
    used = np.array([1.0, 1.0, 0.0, 0.0, 0.0])
    density = with_gradient(parameters, lambda x: -0.5 * (x**2) @ used, lambda x: -x * used)
    mean, variance = np.array([m.stats("mv") for m in marginals]).T
    return density, mean, np.diag(variance)


def exponential():
    """x ~ Exp(1) on the positive axis and y ~ Gamma(3), with no density at zero."""
    parameters = [Parameter("x", 1, (0, 60), poi=True), Parameter("y", 1, (0, 60))]
    density = with_gradient(
        parameters,
        lambda x: -x[:, 0] + 2 * np.log(np.maximum(x[:, 1], 1e-300)) - x[:, 1],
        lambda x: np.stack([-np.ones(len(x)), 2 / np.maximum(x[:, 1], 1e-300) - 1], axis=1),
    )
    return density, np.array([1.0, 3.0]), np.diag([1.0, 3.0])


def banana():
    """x ~ N(0, 1), y ~ N(b (x² - 1), s²): uncorrelated, var y = s² + 2b²."""
    b, s = 0.7, 0.5
    parameters = [Parameter("x", 0, (-20, 20), poi=True), Parameter("y", 0, (-200, 400))]

    def slope(x):
        r = (x[:, 1] - b * (x[:, 0] ** 2 - 1)) / s**2
        return np.stack([-x[:, 0] + 2 * b * x[:, 0] * r, -r], axis=1)

    density = with_gradient(
        parameters,
        lambda x: -0.5 * (x[:, 0] ** 2 + ((x[:, 1] - b * (x[:, 0] ** 2 - 1)) / s) ** 2),
        slope,
    )
    return density, np.zeros(2), np.diag([1.0, s**2 + 2 * b**2])


@pytest.mark.parametrize(
    ("problem", "least", "r_hat"),
    # The ends of the banana are too stiff for the step of its middle: trajectories diverge
    # there, chains stay longer, and the effective number must know.
    [(gaussian, 3000, 1.02), (cut, 3000, 1.02), (exponential, 3000, 1.02), (banana, 500, 1.1)],
)
def test_known_moments(problem, least, r_hat, tmp_path):
    """Mean and covariance within five standard errors of the effective number of points;
    the error of a second moment from the sample's fourth."""
    density, mean, covariance = problem()
    found = sample(
        density,
        tmp_path / "s.h5",
        strategy="unbiased",
        sampler="hamiltonian",
        points=30_000,
        seed=3,
    )
    number = found.diagnostics["effective_points"]
    assert number > least
    assert found.diagnostics["r_hat"] < r_hat
    if problem is banana:
        assert found.diagnostics["chains"][0]["divergences"] > 0
    widths = np.sqrt(np.diag(covariance))
    z = (found.points - mean) / widths
    assert np.abs(z.mean(axis=0)).max() < 5 / np.sqrt(number)
    products = np.einsum("ni,nj->nij", z, z)
    error = products.std(axis=0) / np.sqrt(number)
    wanted = covariance / np.outer(widths, widths)
    assert (np.abs(products.mean(axis=0) - wanted) < 5 * error).all()
    p = density.parameters
    assert ((found.points >= p.lower) & (found.points <= p.upper)).all()


def test_nothing_is_rejected_at_a_bound(tmp_path):
    """A cut Gaussian with its own reference: every trajectory is exact."""
    density, _, _ = cut()
    reference = Reference(np.array([0.0, 0, 1, -1, 0]), np.diag([1, 1, 2, 0.3, 1.0]))
    arcs = Arcs.within(reference, density.parameters)
    rng = np.random.default_rng(0)
    points = np.tile([2.0, 0, 1, -1, 0], (500, 1))
    here = position(density, arcs, arcs.coordinates(points))
    moved = transition(density, arcs, here, rng, np.full(500, 1.7), 2)
    np.testing.assert_allclose(moved.acceptance, 1.0, atol=1e-9)


@pytest.mark.parametrize("problem", [cut, banana])
def test_there_and_back(problem):
    """A trajectory with its velocity negated leads back: 10⁻¹⁰."""
    density, mean, covariance = problem()
    factor = np.linalg.cholesky(covariance + 0.3 * np.sqrt(np.outer(*[np.diag(covariance)] * 2)))
    arcs = Arcs.within(Reference(mean, factor), density.parameters)
    rng = np.random.default_rng(1)
    spread = 0.3 * rng.normal(size=(400, len(mean))) * np.sqrt(np.diag(covariance))
    points = np.clip(mean + spread, density.parameters.lower, density.parameters.upper)
    here = position(density, arcs, arcs.coordinates(points))
    velocity, angle = rng.normal(size=here.z.shape), rng.uniform(0.05, 0.15, size=400)
    end, final = trajectory(density, arcs, here, velocity, angle, 5)
    assert np.abs(end.z - here.z).max() > 0.3
    back, reverse = trajectory(density, arcs, end, -final, angle, 5)
    np.testing.assert_allclose(back.z, here.z, atol=1e-10)
    np.testing.assert_allclose(reverse, -velocity, atol=1e-10)


def test_a_wall_is_a_divergence_and_not_crossed(tmp_path):
    """Where the density is zero nothing is sampled, and what ran into it is counted."""

    def log_main(x):
        return np.where(x[:, 0] > 0.5, -np.inf, -0.5 * (x**2).sum(axis=1))

    parameters = [Parameter("x", 0, (-9, 9), poi=True), Parameter("y", 0, (-9, 9))]
    density = with_gradient(parameters, log_main, lambda x: np.where(x[:, :1] > 0.5, np.nan, -x))
    found = sample(
        density, tmp_path / "s.h5", strategy="unbiased", sampler="hamiltonian", points=20_000
    )
    assert found.points[:, 0].max() <= 0.5
    assert found.diagnostics["chains"][0]["divergences"] > 100
    number = found.diagnostics["effective_points"]
    mean, variance = stats.truncnorm.stats(-np.inf, 0.5)
    assert abs(found.points[:, 0].mean() - mean) < 5 * np.sqrt(variance / number)


def test_no_divergence_where_there_is_no_wall(tmp_path):
    """A Gaussian has none."""
    density, _, _ = gaussian()
    found = sample(
        density, tmp_path / "s.h5", strategy="unbiased", sampler="hamiltonian", points=4000
    )
    assert found.diagnostics["chains"][0]["divergences"] == 0


def test_what_overflows_is_rejected(tmp_path):
    """Forces without limit: no warning, no error, no point out of place."""
    density = with_gradient(
        [Parameter("x", 0, prior=Normal(0, 1), poi=True)],
        lambda x: np.zeros(len(x)),
        lambda x: 1e300 * np.sign(x),
    )
    arcs = Arcs.within(Reference(np.zeros(1), np.eye(1)), density.parameters)
    here = position(density, arcs, np.linspace(-1, 1, 8)[:, None])
    moved = transition(density, arcs, here, np.random.default_rng(0), np.full(8, 0.5), 4)
    np.testing.assert_array_equal(moved.position.z, here.z)
    assert moved.diverged.all()


def test_dual_averaging_finds_the_acceptance():
    """exp(-step) = 0.8 at -ln 0.8, from far below and above; frozen it stays."""
    for first in (1e-3, 1.0, 30.0):
        step = DualAveraging(first, wanted=0.8)
        for _ in range(1000):
            step.update(float(np.exp(-step.tried)))
        assert step.kept == pytest.approx(-np.log(0.8), rel=0.05)
        step.freeze()
        assert step.tried == step.kept


def test_log_terms_are_those_of_the_points(tmp_path):
    """Also where they come from the trajectories: recomputed from the likelihood."""
    density, _, _ = cut()
    found = sample(density, tmp_path / "s.h5", strategy="mixed", sampler="hamiltonian", points=4000)
    for name in ("log_main", "log_constraint", "log_prior", "log_density"):
        np.testing.assert_allclose(
            getattr(found, name), getattr(density, name)(found.points), rtol=1e-12, atol=1e-12
        )
    slope = density.value_and_gradient(found.points)[1]
    slope -= density.parameters.log_constraint_gradient(found.points)
    np.testing.assert_allclose(found.gradient, slope, atol=1e-12)
    assert found.unbiased.mean() == pytest.approx(0.7, abs=0.02)


def test_without_gradients_it_is_refused(tmp_path):
    """One line that says what to do, exit code 3, and no file."""
    gauss = AnalyticLikelihood([Parameter("x", 0, (-9, 9), poi=True)], lambda x: -(x[:, 0] ** 2))
    with pytest.raises(InvalidLikelihood, match=r"TensorFlow, or sample with emcee.*Rec") as caught:
        sample(gauss, tmp_path / "s.h5", strategy="mixed", sampler="hamiltonian", points=4000)
    assert caught.value.exit_code == 3
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_sampler_is_refused(likelihood, tmp_path):
    """The known ones are named; the profile has a strategy of its own."""
    for name in ("nuts", "profiled"):
        with pytest.raises(InvalidInput, match="must be one of emcee, hamiltonian"):
            sample(likelihood, tmp_path / "s.h5", strategy="mixed", sampler=name, points=4000)


def content(path):
    return path.read_bytes()


@pytest.fixture(scope="module")
def small_file(likelihood, tmp_path_factory):
    path = tmp_path_factory.mktemp("small") / "samples.h5"
    sample(likelihood, path, strategy="mixed", sampler="hamiltonian", points=4000, seed=5)
    return path


class Interrupted(BaseException):
    """As a Ctrl-C: nothing in the code may catch it."""


@pytest.mark.parametrize("calls", [1, 3, 5, 8, 12])
def test_an_interrupted_run_goes_on(likelihood, small_file, tmp_path, monkeypatch, calls):
    """Stopped at any report of progress and called again: the same bytes as of an
    uninterrupted run, whatever the blocks."""
    monkeypatch.setattr(hamiltonian, "_BLOCK_ROWS", 300)
    path = tmp_path / "samples.h5"
    told = []

    def interrupt(*args):
        told.append(args)
        if len(told) == calls:
            raise Interrupted

    request = {"strategy": "mixed", "sampler": "hamiltonian", "points": 4000, "seed": 5}
    with pytest.raises(Interrupted):
        sample(likelihood, path, progress=interrupt, **request)
    sample(likelihood, path, **request)
    assert content(path) == content(small_file)
    assert [file.name for file in tmp_path.iterdir()] == ["samples.h5"]


SCRIPT = """
import time
from dnnlik.likelihoods import open_likelihood
from dnnlik.sampling import hamiltonian, sample

hamiltonian._BLOCK_ROWS = 300

def wait(text, done, total):
    if text.startswith({when!r}):
        time.sleep(0.3)

likelihood = open_likelihood({likelihood!r})
sample(likelihood, {path!r}, strategy="mixed", sampler="hamiltonian", points=4000, seed=5,
       progress=wait)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("when", "stage", "stored"),
    [("chain 0: warm-up", 1, 0), ("chain 0: sampling", 7, 1)],
    ids=["warm-up", "production"],
)
def test_a_killed_run_goes_on(
    likelihood_file, likelihood, small_file, tmp_path, when, stage, stored
):
    """SIGKILL after a state was saved, then the same call: the same bytes."""
    path = tmp_path / "samples.h5"
    script = SCRIPT.format(when=when, likelihood=str(likelihood_file), path=str(path))
    process = subprocess.Popen(
        [sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    try:
        assert came_to(path.with_name("samples.h5.state.npz"), process, stage, stored)
        process.send_signal(signal.SIGKILL)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == -signal.SIGKILL
    sample(likelihood, path, strategy="mixed", sampler="hamiltonian", points=4000, seed=5)
    assert content(path) == content(small_file)


def came_to(state: Path, process: subprocess.Popen, stage: int, stored: int) -> bool:
    """Whether a saved state has come so far before the process ended."""
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        if state.is_file():
            with np.load(state) as file:
                if "numbers" in file and tuple(file["numbers"][:2]) >= (stage, stored):
                    return True
        time.sleep(0.01)
    return False


def test_the_samplers_agree_with_the_truth(likelihood, truth, tmp_path):
    """On the cut Gaussian with correlations of the bounded parameter."""
    found = sample(
        likelihood,
        tmp_path / "s.h5",
        strategy="unbiased",
        sampler="hamiltonian",
        points=40_000,
        seed=2,
    )
    number = found.diagnostics["effective_points"]
    widths = np.sqrt(np.diag(truth.covariance))
    pull = (found.points.mean(axis=0) - truth.mean) / widths * np.sqrt(number)
    assert np.abs(pull).max() < 4
    correlation = truth.covariance / np.outer(widths, widths)
    np.testing.assert_allclose(
        np.corrcoef(found.points, rowvar=False), correlation, atol=4 / np.sqrt(number)
    )
    mu = found.points[:, 0]
    distance = stats.kstest(mu, stats.truncnorm(-0.5, 8).cdf).statistic
    assert stats.kstwobign.sf(distance * np.sqrt(min(number, mu.size))) > 1e-3


def agree(one: Samples, other: Samples) -> None:
    """Means, widths and the K-S distance of every marginal, with effective sizes."""
    sizes = [
        min(s.diagnostics["effective_points"], s.diagnostics["tail_effective_points"])
        for s in (one, other)
    ]
    number = 1 / sum(1 / n for n in sizes)
    a, b = one.points, other.points
    width = np.sqrt((a.var(axis=0) + b.var(axis=0)) / 2)
    assert (np.abs(a.mean(axis=0) - b.mean(axis=0)) < 5 * width / np.sqrt(number)).all()
    spread = np.sqrt(np.maximum(stats.kurtosis(a), 0) + 2) / (2 * np.sqrt(number))
    assert (np.abs(a.std(axis=0) / b.std(axis=0) - 1) < 5 * spread).all()
    p_values = [
        stats.kstwobign.sf(stats.ks_2samp(x, y).statistic * np.sqrt(number))
        for x, y in zip(a.T, b.T, strict=True)
    ]
    assert min(p_values) * len(p_values) > 1e-3


def both(path, folder, points):
    density = open_likelihood(path)
    return (
        sample(
            density,
            folder / f"{name}.h5",
            strategy="unbiased",
            sampler=name,
            points=points,
            seed=1,
        )
        for name in ("emcee", "hamiltonian")
    )


@pytest.mark.slow
def test_two_samplers_agree_on_a_workspace(tmp_path):
    """emcee and Hamiltonian trajectories on the shipped workspace of 17 parameters."""
    agree(*both(ROOT / "likelihoods" / "two_regions" / "workspace.json", tmp_path, 30_000))


@pytest.mark.slow
def test_two_samplers_agree_on_a_search(tmp_path):
    """The same on an ATLAS search of 66 parameters, μ at its bound."""
    folder = Path(os.environ.get("DNNLIK_DATA", ROOT.parent / "shared" / "data"))
    workspace = folder / "sbottom_66p.json"
    if not workspace.is_file():
        pytest.skip(f"set DNNLIK_DATA to the folder of {workspace.name}")
    assert json.loads(workspace.read_text())["version"] == "1.0.0"
    agree(*both(workspace, tmp_path, 20_000))
