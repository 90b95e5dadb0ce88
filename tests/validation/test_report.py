"""The report as a whole, on likelihoods whose differences are known."""

import json

import numpy as np
import pytest

from dnnlik.exceptions import InvalidFile, InvalidInput
from dnnlik.likelihoods.base import Likelihood
from dnnlik.validation.report import read_validation, validate
from dnnlik.validation.thresholds import Check, Thresholds, Verdict


class Shifted(Likelihood):
    """A likelihood plus a known function of the points."""

    def __init__(self, exact, extra):
        self.parameters, self.digest, self._exact, self._extra = exact.parameters, "", exact, extra

    def _main(self, points):
        return self._exact.log_main(points) + self._extra(points)


def test_a_likelihood_agrees_with_itself(small_run):
    """Exact against exact: no errors, all points effective, verdict passed."""
    report = validate(small_run.likelihood, small_run.likelihood, small_run.samples)
    assert report.posterior.largest < 1e-9
    assert report.effective_fraction == pytest.approx(1.0)
    assert report.scans[0].largest_error < 1e-6
    assert all(i.exact == i.surrogate for i in report.intervals)
    assert report.verdict.passed


def test_a_constant_offset_does_not_matter(small_run):
    """An offset is in the rms, and in nothing that a user would notice."""
    shifted = Shifted(small_run.likelihood, lambda x: np.full(len(x), 3.0))
    report = validate(small_run.likelihood, shifted, small_run.samples)
    assert report.posterior.rms == pytest.approx(3.0)
    assert report.posterior.spread < 1e-9
    assert report.effective_fraction == pytest.approx(1.0)
    assert report.scans[0].largest_error < 1e-4


def test_a_tilted_likelihood_fails(small_run):
    """A slope in the parameter of interest is seen in t_μ, HPDI and verdict; the default
    scan ends where the exact t_μ is 9."""
    tilted = Shifted(small_run.likelihood, lambda x: 0.8 * x[:, 0])
    report = validate(small_run.likelihood, tilted, small_run.samples)
    assert report.scans[0].exact[[0, -1]] == pytest.approx([9, 9], abs=0.01)
    assert report.scans[0].largest_error > 1
    one_sigma = report.intervals[0]
    assert one_sigma.surrogate[1] > one_sigma.exact[1] + 0.1
    assert not report.verdict.passed
    assert any("missed" in sentence for sentence in report.verdict.missed)


def test_hpdi_is_that_of_the_samples(small_run):
    """The exact 95.45 % interval holds 95.45 % of the posterior points."""
    report = validate(small_run.likelihood, small_run.likelihood, small_run.samples)
    low, high = next(i.exact for i in report.intervals if i.level == 0.9545)
    values = small_run.samples.points[small_run.samples.unbiased, 0]
    assert np.mean((values >= low) & (values <= high)) == pytest.approx(0.9545, abs=0.003)


def test_the_file_is_checked_against_its_schema(small_run, tmp_path):
    """What is written is valid; what lacks a key or is no report is refused."""
    path = small_run.folder / "validation" / "validation.json"
    document = read_validation(path)
    document.pop("scans")
    (tmp_path / "v.json").write_text(json.dumps(document))
    with pytest.raises(InvalidFile, match="no validation report"):
        read_validation(tmp_path / "v.json")


def test_a_scan_may_be_given(small_run):
    """Given values are the ones scanned."""
    values = np.array([0.5, 1.0])
    report = validate(small_run.likelihood, small_run.likelihood, small_run.samples, scan=values)
    assert report.scans[0].values.tolist() == [0.5, 1.0]


def test_without_posterior_points_nothing_is_validated(small_run):
    """Samples of the profile alone are refused with a sentence."""
    biased = small_run.samples.rows(~small_run.samples.unbiased)
    with pytest.raises(InvalidInput, match="profile alone"):
        validate(small_run.likelihood, small_run.likelihood, biased)


def test_checks_and_verdict():
    """A verdict passes if every check does, on the right side of its limit."""
    good, bad = Check("a", 0.95, 0.9, at_most=False), Check("b", 0.3, 0.2, at_most=True)
    assert good.passed
    assert not bad.passed
    assert not Verdict((good, bad)).passed
    assert "0.3 (at most 0.2, missed)" in Verdict((good, bad)).missed[0]
    assert Thresholds().effective_fraction == 0.9
