"""Sampling a likelihood whose posterior is known, and going on after a kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

import dnnlik
from dnnlik.exceptions import InvalidFile, InvalidInput, InvalidLikelihood, InvalidParameters
from dnnlik.inference import expansion_of_main
from dnnlik.likelihoods import AnalyticLikelihood
from dnnlik.parameters import Parameter
from dnnlik.sampling import Samples, ensemble, sample
from dnnlik.sampling.plan import plan
from dnnlik.sampling.profiled import T_MAX

COLUMNS = ("points", "log_main", "log_constraint", "log_prior", "chain", "walker", "step")


class Interrupted(BaseException):
    """As a Ctrl-C: nothing in the code may catch it."""


def same(one: Samples, other: Samples) -> bool:
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in COLUMNS)


@pytest.fixture(scope="module")
def unbiased(likelihood, tmp_path_factory):
    path = tmp_path_factory.mktemp("unbiased") / "samples.h5"
    return sample(likelihood, path, strategy="unbiased", points=40_000, seed=1)


@pytest.fixture(scope="module")
def small_file(likelihood, tmp_path_factory):
    path = tmp_path_factory.mktemp("small") / "samples.h5"
    sample(likelihood, path, strategy="mixed", points=4000, seed=5)
    return path


@pytest.fixture(scope="module")
def small(small_file):
    return Samples.open(small_file)


@pytest.mark.parametrize("which", ["unbiased", "mixed"])
def test_the_unbiased_rows_follow_the_posterior(request, truth, which):
    """Means, covariances and marginals of a Gaussian cut by a bound, against the closed
    form; errors from the effective number of points."""
    samples = request.getfixturevalue(which)
    points = samples.points[samples.unbiased]
    number = samples.diagnostics["effective_points"]
    assert number > 0.2 * len(points)
    widths = np.sqrt(np.diag(truth.covariance))
    pull = (points.mean(axis=0) - truth.mean) / widths * np.sqrt(number)
    assert np.abs(pull).max() < 4
    # The fourth moments of these marginals are at most those of a Gaussian.
    np.testing.assert_allclose(points.std(axis=0), widths, rtol=4 / np.sqrt(2 * number))
    correlation = truth.covariance / np.outer(widths, widths)
    found = np.corrcoef(points, rowvar=False)
    np.testing.assert_allclose(found, correlation, atol=4 / np.sqrt(number))
    exact = truth.draw(100_000, seed=9)
    for column in range(5):
        distance = stats.ks_2samp(points[:, column], exact[:, column]).statistic
        assert stats.kstwobign.sf(distance * np.sqrt(number / (1 + number / 1e5))) > 1e-3, column


def test_the_bounded_parameter_follows_the_truncated_normal(unbiased):
    """One-sample K-S against scipy, next to the bound where a proposal may go wrong."""
    mu = unbiased.points[:, 0]
    assert mu.min() >= -0.5
    distance = stats.kstest(mu, stats.truncnorm(-0.5, 8).cdf).statistic
    assert stats.kstwobign.sf(distance * np.sqrt(unbiased.diagnostics["effective_points"])) > 1e-3


def test_the_ensembles_agree(unbiased):
    """Two independent chains of fifty autocorrelation times or more, and R-hat of one."""
    chains = unbiased.diagnostics["chains"]
    assert len(chains) == 2
    assert all(chain["steps"] >= 50 * chain["tau"] for chain in chains)
    assert unbiased.diagnostics["r_hat"] < 1.01
    half = [unbiased.points[unbiased.chain == chain, 0] for chain in (0, 1)]
    assert not np.array_equal(*half)


def test_the_maximum_is_in_the_file(mixed, likelihood):
    """The expansion of log_main at the mode, which is the origin with the precision known."""
    np.testing.assert_allclose(mixed.maximum.point, 0, atol=1e-4)
    np.testing.assert_allclose(mixed.maximum.value, 0, atol=1e-7)
    value, gradient, hessian = expansion_of_main(likelihood, mixed.maximum.point)
    assert mixed.maximum.value == value
    np.testing.assert_array_equal(mixed.maximum.gradient, gradient)
    np.testing.assert_array_equal(mixed.maximum.hessian, hessian)
    assert mixed.diagnostics["log_likelihood_at_maximum"] == pytest.approx(0, abs=1e-7)


def test_seventy_and_thirty_per_cent(mixed):
    """The mixture is that of sample S3 of arXiv:1911.03305, up to whole ensembles."""
    assert 0.99 * 26_000 <= len(mixed) <= 26_000
    assert mixed.unbiased.mean() == pytest.approx(0.7, abs=0.01)


def test_log_terms_are_those_of_the_points(mixed, likelihood):
    """Each row keeps its own terms, recomputed from the likelihood."""
    for name in ("log_main", "log_constraint", "log_prior", "log_density"):
        np.testing.assert_allclose(
            getattr(mixed, name), getattr(likelihood, name)(mixed.points), rtol=1e-13
        )


def test_walkers_start_at_profiled_maxima(mixed, truth):
    """At the first stored step of the profiled chain the slope in all but mu vanishes:
    for a Gaussian the others lie on the line cov(mu, x)/var(mu)."""
    biased = mixed.rows(~mixed.unbiased)
    starts = biased.points[biased.step == 0]
    assert len(starts) == len(set(biased.walker))
    covariance = -np.linalg.inv(mixed.maximum.hessian)
    line = starts[:, :1] * covariance[0] / covariance[0, 0]
    slope = (starts - line) @ mixed.maximum.hessian * np.sqrt(np.diag(covariance))
    np.testing.assert_allclose(slope[:, 1:], 0, atol=2e-3)
    low, high = mixed.diagnostics["chains"][-1]["range"]["mu"]
    assert low == -0.5
    assert high == pytest.approx(np.sqrt(T_MAX), rel=1e-3)
    assert stats.kstest(starts[:, 0], stats.uniform(low, high - low).cdf).pvalue > 1e-3


def test_profiled_rows_lie_nearer_to_the_profile(mixed):
    """The distance from the line of profiled maxima is chi-square with four degrees of
    freedom for the posterior; the profiled half stops half-way there."""
    covariance = -np.linalg.inv(mixed.maximum.hessian)
    slope = covariance[0] / covariance[0, 0]
    rest = (mixed.points - mixed.points[:, :1] * slope)[:, 1:]
    inverse = np.linalg.inv((covariance - np.outer(slope, slope) * covariance[0, 0])[1:, 1:])
    distance2 = np.einsum("ni,ij,nj->n", rest, inverse, rest)
    assert distance2[mixed.unbiased].mean() == pytest.approx(4, rel=0.05)
    biased = distance2[~mixed.unbiased]
    assert 0.3 < biased.mean() < 2
    late = mixed.step[~mixed.unbiased] > 0.9 * mixed.step[~mixed.unbiased].max()
    assert 1.2 < biased[late].mean() < 3


def test_two_parameters_of_interest_share_the_walkers(tmp_path):
    """Half of the walkers start on the profile of each, over its own range."""
    parameters = [Parameter("a", 0, (-9, 9), poi=True), Parameter("b", 0, (-90, 90), poi=True)]
    gauss = AnalyticLikelihood(parameters, lambda x: -0.5 * (x[:, 0] ** 2 + (x[:, 1] / 10) ** 2))
    found = sample(gauss, tmp_path / "s.h5", strategy="profiled", points=2000, seed=0)
    assert not found.unbiased.any()
    starts = found.points[found.step == 0]
    half = len(starts) // 2
    np.testing.assert_allclose(starts[:half, 1], 0, atol=1e-2)
    np.testing.assert_allclose(starts[half:, 0], 0, atol=1e-3)
    ranges = found.diagnostics["chains"][0]["range"]
    end = np.sqrt(T_MAX)
    np.testing.assert_allclose(ranges["a"], [-end, end], rtol=1e-3)
    np.testing.assert_allclose(ranges["b"], [-10 * end, 10 * end], rtol=1e-3)
    assert "r_hat" not in found.diagnostics


def test_the_seed_decides(likelihood, small, small_file, tmp_path):
    """The same seed gives the same file content, another seed other points of the posterior
    (the profiled walk starts at the same maxima)."""
    again = sample(likelihood, tmp_path / "again.h5", strategy="mixed", points=4000, seed=5)
    assert same(again, small)
    assert again.diagnostics == small.diagnostics
    assert (tmp_path / "again.h5").read_bytes() == small_file.read_bytes()
    other = sample(likelihood, tmp_path / "other.h5", strategy="mixed", points=4000, seed=6)
    assert not np.isin(other.points[other.unbiased, 0], small.points[:, 0]).any()


def test_a_complete_file_is_returned_as_it_is(likelihood, small, small_file):
    """The same call again reads, and neither samples nor touches the file."""
    before = small_file.stat().st_mtime_ns
    told = []
    found = sample(
        likelihood,
        small_file,
        strategy="mixed",
        points=4000,
        seed=5,
        progress=lambda *args: told.append(args),
    )
    assert same(found, small)
    assert told == []
    assert small_file.stat().st_mtime_ns == before


@pytest.mark.parametrize("change", [{"seed": 6}, {"points": 5000}, {"strategy": "unbiased"}])
def test_a_file_of_another_request_is_refused(likelihood, small_file, change):
    """Another seed, number or strategy needs another file."""
    request = {"points": 4000, "seed": 5, "strategy": "mixed", **change}
    with pytest.raises(InvalidFile, match="of another request"):
        sample(likelihood, small_file, **request)


def test_blocks_do_not_matter(likelihood, small, tmp_path, monkeypatch):
    """How many steps are written at once changes no number."""
    monkeypatch.setattr(ensemble, "_BLOCK_ROWS", 300)
    assert same(sample(likelihood, tmp_path / "s.h5", strategy="mixed", points=4000, seed=5), small)


@pytest.mark.parametrize("calls", [1, 4, 13, 30])
def test_an_interrupted_run_goes_on(likelihood, small, tmp_path, monkeypatch, calls):
    """Stopped at any report of progress (maximum, warm-up, either chain, profile) and
    called again: exactly the arrays of an uninterrupted run."""
    monkeypatch.setattr(ensemble, "_BLOCK_ROWS", 300)
    path = tmp_path / "samples.h5"
    told = []

    def interrupt(*args):
        told.append(args)
        if len(told) == calls:
            raise Interrupted

    with pytest.raises(Interrupted):
        sample(likelihood, path, strategy="mixed", points=4000, seed=5, progress=interrupt)
    with pytest.raises(InvalidFile, match="resumes it"):
        Samples.open(path)
    found = sample(likelihood, path, strategy="mixed", points=4000, seed=5)
    assert same(found, small)
    assert found.diagnostics == small.diagnostics
    assert [file.name for file in tmp_path.iterdir()] == ["samples.h5"]


SCRIPT = """
import time
from dnnlik.likelihoods import open_likelihood
from dnnlik.sampling import ensemble, sample

ensemble._BLOCK_ROWS = 300

def wait(text, done, total):
    if text.startswith({when!r}):
        time.sleep(0.3)

likelihood = open_likelihood({likelihood!r})
sample(likelihood, {path!r}, strategy="mixed", points=4000, seed=5, progress=wait)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("when", "chain", "stored"),
    [("chain 0: sampling", 0, 1), ("chain 1: sampling", 1, 1), ("chain 2: walking", None, 0)],
    ids=["first chain", "second chain", "profiled chain"],
)
def test_a_killed_run_goes_on(likelihood_file, likelihood, small, tmp_path, when, chain, stored):
    """SIGKILL in the middle of a chain, seen in the restart state, then the same call:
    exactly the arrays of an uninterrupted run in another process."""
    path = tmp_path / "samples.h5"
    script = SCRIPT.format(when=when, likelihood=str(likelihood_file), path=str(path))
    root = Path(dnnlik.__file__).parents[1]
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    try:
        assert wait_for(path.with_name("samples.h5.state.npz"), process, chain, stored)
        process.send_signal(signal.SIGKILL)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == -signal.SIGKILL
    assert same(sample(likelihood, path, strategy="mixed", points=4000, seed=5), small)


def wait_for(state: Path, process: subprocess.Popen, chain: int | None, stored: int) -> bool:
    """Whether the chain came to have stored steps before the process ended; without a
    chain: whether the two unbiased ones came to be done."""
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        if state.is_file():
            with np.load(state) as file:
                if chain is None and str(file["chains_done"]).count("passes") == 2:
                    return True
                if "chain" in file and int(file["chain"]) == chain:
                    stage, written, _ = file["numbers"]
                    if stage >= 9 and written >= stored:
                        return True
        time.sleep(0.01)
    return False


def test_a_damaged_state_starts_again(likelihood, small, tmp_path):
    """Without its restart state an unfinished file is filled from the start: the same rows."""
    path = tmp_path / "samples.h5"

    def interrupt(text, done, total):
        if text.startswith("chain 1"):
            raise Interrupted

    with pytest.raises(Interrupted):
        sample(likelihood, path, strategy="mixed", points=4000, seed=5, progress=interrupt)
    state = path.with_name("samples.h5.state.npz")
    state.write_bytes(state.read_bytes()[:-100])
    assert same(sample(likelihood, path, strategy="mixed", points=4000, seed=5), small)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"strategy": "stretch"}, "must be one of unbiased, wide, mixed, profiled"),
        ({"points": 100}, r"5 parameters need at least \d+ points"),
        ({"points": 0}, "need at least"),
        ({"points": -5, "strategy": "profiled"}, "need at least"),
        ({"seed": -1}, "seed must not be negative"),
    ],
)
def test_wrong_requests_are_refused_before_a_file_is_made(likelihood, tmp_path, change, complaint):
    """One line that says what is possible, and no file."""
    request = {"points": 4000, "seed": 5, **change}
    with pytest.raises(InvalidInput, match=f"{complaint}.*Received: ") as caught:
        sample(likelihood, tmp_path / "samples.h5", **request)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("width", [1, 2, 5, 30, 95, 300])
@pytest.mark.parametrize("strategy", ["unbiased", "wide", "mixed", "profiled"])
def test_the_fewest_points_are_enough(width, strategy):
    """The number that the error asks for gives chains of thirty steps or more, with
    twice as many walkers as parameters, and rows that follow each other."""
    with pytest.raises(InvalidInput) as caught:
        plan(width, strategy=strategy, points=1, seed=0)
    fewest = int(str(caught.value).split("at least ")[1].split()[0])
    tasks = plan(width, strategy=strategy, points=fewest, seed=0)
    assert sum(task.rows for task in tasks) <= fewest
    end = 0
    for task in tasks:
        assert task.first == end
        end += task.rows
        if task.strategy == "unbiased":
            assert task.steps >= 30
            assert task.walkers >= 2 * width
        else:
            assert task.steps > 1


def test_without_a_parameter_of_interest_nothing_is_made(tmp_path):
    """A likelihood without poi has no profile: an error that says how to name one."""
    gauss = AnalyticLikelihood([Parameter("x", 0, (-9, 9))], lambda x: -0.5 * x[:, 0] ** 2)
    with pytest.raises(InvalidParameters, match=r"poi=True.*Received: none"):
        sample(gauss, tmp_path / "samples.h5", strategy="mixed", points=4000)
    assert list(tmp_path.iterdir()) == []


def test_an_unbounded_parameter_is_refused():
    """Nothing would keep it finite: it is no parameter in the first place."""
    with pytest.raises(InvalidParameters, match=r"unbounded.*Received: "):
        Parameter("x", 0)


def test_nan_in_the_middle_keeps_the_file(tmp_path, capfd):
    """A likelihood that becomes NaN while a chain runs is one error that names the point;
    nothing else is printed, and what was sampled until then is still there."""
    path = tmp_path / "samples.h5"
    broken = False

    def log_main(x):
        return np.where(broken & (x[:, 0] > 0), np.nan, -0.5 * (x**2).sum(axis=1))

    parameters = [Parameter("x", 0, (-9, 9), poi=True), Parameter("y", 0, (-9, 9))]
    gauss = AnalyticLikelihood(parameters, log_main)

    def break_it(text, done, total):
        nonlocal broken
        broken = text.startswith("chain 1: warm-up")

    with pytest.raises(InvalidLikelihood, match=r"Received: nan at x=.*, y=") as caught:
        sample(gauss, path, strategy="mixed", points=8000, seed=3, progress=break_it)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")
    broken = False
    found = sample(gauss, path, strategy="mixed", points=8000, seed=3)
    assert same(found, sample(gauss, tmp_path / "other.h5", strategy="mixed", points=8000, seed=3))
