"""Points drawn from the surrogate itself, and what becomes of chains that run away."""

from dataclasses import replace

import numpy as np
import pytest

from dnnlik.exceptions import InvalidFile, NotConverged
from dnnlik.inference import fit
from dnnlik.surrogate.description import Domain
from dnnlik.validation import sampled as room
from dnnlik.validation.sampled import compared, draw


def sphere(radius):
    """A domain of two parameters: a ball."""
    return Domain(np.full(2, -99.0), np.full(2, 99.0), np.zeros(2), np.eye(2), radius**2)


def pair(gaussian):
    return gaussian([0.0, 0.0], np.eye(2)), gaussian([0.1, 0.0], np.eye(2))


@pytest.fixture
def drawn(gaussian, sampled, tmp_path):
    """Exact, surrogate, samples, and points drawn from the surrogate."""
    exact, surrogate = pair(gaussian)
    samples = sampled(exact)
    points, reason = draw(surrogate, samples, tmp_path / "s.h5", best=fit(surrogate))
    assert reason == ""
    return exact, surrogate, samples, points


def test_points_follow_the_surrogate(drawn):
    """Mean and width are the surrogate's; the sampler is that of the samples, the seed one
    further, and there are as many points as of the posterior, in whole steps."""
    _, _, samples, points = drawn
    assert points.points.mean(axis=0) == pytest.approx([0.1, 0], abs=0.08)
    assert points.points.std(axis=0) == pytest.approx([1, 1], abs=0.05)
    request = points.provenance["request"]
    assert (request["sampler"], request["seed"]) == ("hamiltonian", 4)
    assert len(samples) * 0.9 < len(points) <= len(samples)


def test_the_comparison_sees_the_shift(drawn):
    """TV of N(0,1) and N(0.1,1) is 0.0399 from the surrogate's points as well; of a ball of
    three standard deviations e^-4.5 is outside."""
    exact, surrogate, samples, points = drawn
    found = compared(
        exact, surrogate, samples, points, "", sampler="hamiltonian", domain=sphere(3.0)
    )
    tv = found.divergence.total_variation
    assert tv.value == pytest.approx(0.0399, abs=4 * tv.error + 1e-3)
    assert found.exact_outside == pytest.approx(np.exp(-4.5), abs=0.006)
    assert found.outside == pytest.approx(np.exp(-4.5), abs=0.008)
    assert found.converged
    assert [i.source for i in found.intervals] == ["sampled"] * 3
    assert {t.name for t in found.tests.tests} >= {"radius", "log-ratio"}


def test_a_far_surrogate_is_far(gaussian, sampled, tmp_path):
    """Two standard deviations away: whitened tests and intervals say so."""
    exact, far = gaussian([0.0, 0.0], np.eye(2)), gaussian([2.0, 0.0], np.eye(2))
    samples = sampled(exact)
    points, _ = draw(far, samples, tmp_path / "s.h5", best=fit(far))
    found = compared(exact, far, samples, points, "", sampler="hamiltonian", domain=sphere(3.0))
    assert found.tests.excess > 0.3
    assert found.intervals[0].excess > 1
    assert found.outside > 0.1


def test_the_same_file_is_kept_and_another_replaced(gaussian, sampled, tmp_path):
    """The points of the same request are read again; those of another surrogate or sampler, or
    a damaged file, give way."""
    exact, surrogate = pair(gaussian)
    samples, path = sampled(exact), tmp_path / "s.h5"
    draw(surrogate, samples, path, best=fit(surrogate))
    before = path.stat().st_mtime_ns
    draw(surrogate, samples, path, best=fit(surrogate))
    assert path.stat().st_mtime_ns == before
    other = gaussian([1.0, 0.0], np.eye(2))
    again, _ = draw(other, samples, path, best=fit(other))
    assert again.provenance["request"]["likelihood"] == other.digest
    again, reason = draw(other, samples, path, best=fit(other), sampler="emcee")
    assert (reason, again.provenance["request"]["sampler"]) == ("", "emcee")
    path.write_bytes(path.read_bytes()[:500])
    again, reason = draw(other, samples, path, best=fit(other))
    assert len(again) > 0
    assert reason == ""


@pytest.mark.parametrize("kept", [True, False])
def test_a_run_away_is_a_finding(drawn, tmp_path, monkeypatch, kept):
    """Chains that do not converge: the reason and, where points were kept, how many are
    outside of the domain; nothing is raised."""
    exact, surrogate, samples, points = drawn

    def lost(*_, **__):
        raise NotConverged("independent chains disagree. Received: R-hat 9")

    def opened(_):
        if kept:
            return points
        raise InvalidFile("no file. Received: s.h5")

    monkeypatch.setattr(room, "sample", lost)
    monkeypatch.setattr(room.Samples, "open", opened)
    got, reason = draw(surrogate, samples, tmp_path / "t.h5", best=fit(surrogate))
    found = compared(exact, surrogate, samples, got, reason, sampler="emcee", domain=sphere(1.0))
    assert not found.converged
    assert "R-hat 9" in found.reason
    assert found.tests is None
    if kept:
        assert found.outside == pytest.approx(np.exp(-0.5), abs=0.04)
    else:
        assert (found.points, found.outside) == (0, None)


def test_another_sampler(gaussian, sampled, tmp_path):
    """emcee on request, whatever the samples were made with."""
    exact, surrogate = pair(gaussian)
    points, reason = draw(
        surrogate, sampled(exact), tmp_path / "s.h5", best=fit(surrogate), sampler="emcee"
    )
    assert reason == ""
    assert points.provenance["request"]["sampler"] == "emcee"


def test_files_that_no_sampler_made(gaussian, sampled, tmp_path):
    """Refined or reweighted rows, and fewer than any sampler needs: drawn all the same."""
    exact, surrogate = pair(gaussian)
    few = sampled(exact, steps=10)
    few = replace(few, provenance={"request": {"likelihood": "", "seed": 3}})
    points, reason = draw(surrogate, few, tmp_path / "s.h5", best=fit(surrogate))
    assert reason == ""
    assert points.provenance["request"]["sampler"] == "hamiltonian"
    assert len(points) >= 900


def test_the_exact_likelihood_is_called_once_a_drawn_point(drawn):
    """What either file knows is not asked again: an exact likelihood may be slow."""
    exact, surrogate, samples, points = drawn
    seen = []

    class Counted(type(exact)):
        def log_likelihood(self, at):
            seen.append(len(at))
            return super().log_likelihood(at)

    counted = Counted(exact.mean, exact.covariance)
    compared(counted, surrogate, samples, points, "", sampler="hamiltonian")
    assert sum(seen) == len(points)
