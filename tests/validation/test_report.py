"""The report as a whole, on likelihoods whose differences are known."""

import json

import numpy as np
import pytest

from dnnlik.exceptions import InvalidFile, InvalidInput, InvalidParameters
from dnnlik.likelihoods.base import Likelihood
from dnnlik.validation.document import read_validation
from dnnlik.validation.request import Request
from dnnlik.validation.validate import validate


class Shifted(Likelihood):
    """A likelihood plus a known function of the points."""

    def __init__(self, exact, extra):
        self.parameters, self.digest, self._exact, self._extra = exact.parameters, "", exact, extra

    def _main(self, points):
        return self._exact.log_main(points) + self._extra(points)


def checks(report):
    return {check.name: check for check in report.verdict.checks}


def test_a_likelihood_agrees_with_itself(small_run):
    """Exact against exact: no errors, all points effective, verdict passed; and what was not
    measured says so."""
    report = validate(small_run.likelihood, small_run.likelihood, small_run.samples)
    assert report.posterior.largest < 1e-9
    assert report.effective_fraction == pytest.approx(1.0)
    assert report.divergence.total_variation.value < 1e-9
    assert report.scans[0].largest_error < 1e-6
    assert report.limits[0].difference == pytest.approx(0, abs=1e-5)
    assert abs(report.fitted.shift).max() < 1e-5
    assert all(i.exact == i.surrogate for i in report.intervals)
    assert report.verdict.passed
    assert checks(report)["sampled: probability elsewhere"].passed is None
    assert len(report.verdict.not_measured) == 3
    assert {s.what for s in report.skipped} == {"sampling of the surrogate", "coverage from toys"}


def test_one_parameter_is_enough(gaussian, sampled, tmp_path):
    """Two Gaussians of one parameter, a hundredth of a width apart: that is what is found."""
    exact, surrogate = (gaussian([mean], np.eye(1), pois=1) for mean in (0.5, 0.51))
    report = validate(exact, surrogate, sampled(exact), folder=tmp_path)
    assert report.fitted.shift == pytest.approx([0.01], abs=1e-4)
    assert report.posterior.spread == pytest.approx(0.01, rel=0.1)
    assert len(report.by_parameter) == 1


def test_a_constant_offset_does_not_matter(small_run):
    """An offset is in the rms, and in nothing that a user would notice."""
    shifted = Shifted(small_run.likelihood, lambda x: np.full(len(x), 3.0))
    report = validate(small_run.likelihood, shifted, small_run.samples)
    assert report.posterior.rms == pytest.approx(3.0)
    assert report.posterior.spread < 1e-9
    assert report.effective_fraction == pytest.approx(1.0)
    assert report.divergence.total_variation.value < 1e-9
    assert report.scans[0].largest_error < 1e-4
    assert report.by_drop.bins[-1].rms < 1e-9
    assert report.outside[-1].largest < 1e-9
    assert report.fitted.t_at_surrogate < 1e-4


def test_a_tilted_likelihood_fails(small_run):
    """A slope in the parameter of interest is seen in t_μ, fit, limit, HPDI and verdict; the
    default scan ends where the exact t_μ is 9."""
    tilted = Shifted(small_run.likelihood, lambda x: 0.8 * x[:, 0])
    report = validate(small_run.likelihood, tilted, small_run.samples)
    assert report.scans[0].exact[[0, -1]] == pytest.approx([9, 9], abs=0.01)
    assert report.scans[0].largest_error > 1
    one_sigma = report.intervals[0]
    assert one_sigma.surrogate[1] > one_sigma.exact[1] + 0.1
    assert report.by_parameter[0].name == "mu"
    assert not report.verdict.passed
    missed = {name for name, check in checks(report).items() if check.passed is False}
    assert {"total variation", "shift of the best fit", "change of the 95 % limit"} <= missed
    assert {"effective fraction", "largest error on t", "shift of HPDI ends"} <= missed
    assert any("missed" in sentence for sentence in report.verdict.missed)


def test_hpdi_is_that_of_the_samples(small_run):
    """The exact 95.45 % interval holds 95.45 % of the posterior points."""
    report = validate(small_run.likelihood, small_run.likelihood, small_run.samples)
    low, high = next(i.exact for i in report.intervals if i.level == 0.9545)
    values = small_run.samples.points[small_run.samples.unbiased, 0]
    assert np.mean((values >= low) & (values <= high)) == pytest.approx(0.9545, abs=0.003)


def test_two_parameters_of_interest(report):
    """Scans, limits and intervals of each; the surrogate's own points agree with the shift."""
    assert [scan.name for scan in report.scans] == ["a", "b"]
    assert [limit.name for limit in report.limits] == ["a", "b"]
    assert [i.name for i in report.intervals] == ["a"] * 3 + ["b"] * 3
    assert report.fitted.shift == pytest.approx([0.01, 0, 0], abs=1e-4)
    assert report.sampled.converged
    assert report.sampled.samples.points[:, 0].mean() == pytest.approx(0.51, abs=0.1)
    assert report.sampled.outside is None
    assert checks(report)["sampled: fraction outside of the domain"].passed is None
    assert report.verdict.passed


def test_the_file_is_checked_against_its_schema(small_run, tmp_path):
    """What is written is valid; what lacks a key or is no report is refused."""
    path = small_run.folder / "validation" / "validation.json"
    document = read_validation(path)
    assert document["schema"] == "dnnlik.validation/2"
    document.pop("scans")
    (tmp_path / "v.json").write_text(json.dumps(document))
    with pytest.raises(InvalidFile, match="no validation report"):
        read_validation(tmp_path / "v.json")


def test_numbers_that_there_are_not_are_null(report, tmp_path):
    """The file is JSON without NaN: a check that was not measured is null, not passed."""
    written = report.write(tmp_path / "v.json")
    assert json.loads((tmp_path / "v.json").read_text()) == written == report.to_json()
    last = {c["name"]: c for c in written["checks"]}["sampled: fraction outside of the domain"]
    assert (last["measured"], last["passed"], last["note"]) == (None, None, "no domain was given")


def test_scans_may_be_given(small_run):
    """Given values are the ones scanned, and named parameters are scanned as well."""
    request = Request(scan=np.array([0.5, 1.0]), scan_parameters=["jes", "mu"])
    run = validate(small_run.likelihood, small_run.likelihood, small_run.samples, request=request)
    assert run.scans[0].values.tolist() == [0.5, 1.0]
    assert [scan.name for scan in run.scans] == ["mu", "jes"]
    with pytest.raises(InvalidParameters, match="no parameter of this name"):
        validate(
            small_run.likelihood,
            small_run.likelihood,
            small_run.samples,
            request=Request(scan_parameters=["nothing"]),
        )


def test_without_posterior_points_nothing_is_validated(small_run):
    """Samples of the profile alone are refused with a sentence."""
    biased = small_run.samples.rows(~small_run.samples.unbiased)
    with pytest.raises(InvalidInput, match="profile alone"):
        validate(small_run.likelihood, small_run.likelihood, biased)


@pytest.mark.parametrize(
    "wrong", [{"toys": -1}, {"most_points": 0}, {"seed": -1}, {"sampler": "x"}]
)
def test_a_request_that_means_nothing(wrong):
    """Negative numbers and unknown samplers are refused in one line, before any fit."""
    with pytest.raises(InvalidInput, match="Received"):
        Request(**wrong)
