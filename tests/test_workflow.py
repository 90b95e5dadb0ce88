"""The chain as a whole: what is done is not done again, what changed is."""

import dataclasses
import shutil
from pathlib import Path

import pytest

from dnnlik import load, open_likelihood
from dnnlik.bundle.publication import Publication
from dnnlik.bundle.verification import verify_bundle
from dnnlik.exceptions import InvalidInput, InvalidParameters
from dnnlik.steps import train_step, validate_step
from dnnlik.surrogate.settings import TrainingSettings
from dnnlik.validation.document import read_validation
from dnnlik.validation.request import Request
from dnnlik.validation.thresholds import Thresholds
from dnnlik.workflow import run

SETTINGS = TrainingSettings(layers=(32, 32), max_epochs=60, batch_size=64)
STRICT = Thresholds(effective_fraction=1.1)


@pytest.fixture
def copy(small_run, tmp_path):
    """A copy of the finished run, to do things to."""
    folder = tmp_path / "run"
    shutil.copytree(small_run.folder, folder)
    return folder


def again(small_run, folder, **changes):
    return run(small_run.likelihood, folder, points=8000, **{"settings": SETTINGS} | changes)


def times(folder):
    return {p: p.stat().st_mtime_ns for p in folder.rglob("*") if p.is_file()}


def test_nothing_is_done_twice(small_run, copy):
    """The same request leaves every file, and the seconds of each step, as they were."""
    before = times(copy)
    seconds = again(small_run, copy, publication=_title(copy)).seconds
    assert times(copy) == before
    assert set(seconds) == {"sample", "train", "validate", "export"}


def _title(folder):
    card = (folder / "bundle" / "README.md").read_text()
    return Publication(card.split("\n# ")[1].split("\n")[0])


def test_new_authors_are_written(small_run, copy):
    """Another author is another publication: the bundle is made again, the rest is not."""
    samples = (copy / "samples.h5").stat().st_mtime_ns
    publication = dataclasses.replace(_title(copy), authors=("Family, Given",))
    again(small_run, copy, publication=publication)
    assert (copy / "bundle" / "CITATION.cff").exists()
    assert (copy / "samples.h5").stat().st_mtime_ns == samples


def test_below_threshold_everything_but_the_bundle_is_there(small_run, copy):
    """A failed validation: the report is there, no bundle is made, and the reason is kept."""
    shutil.rmtree(copy / "bundle")
    result = again(small_run, copy, thresholds=STRICT)
    assert result.bundle is None
    assert "misses its thresholds" in str(result.refused)
    assert not result.validation["passed"]
    assert not (copy / "bundle").exists()


def test_an_accepted_failure_is_not_accepted_for_ever(small_run, copy):
    """Accepting a failed surrogate once does not publish it the next time without asking."""
    accepted = again(small_run, copy, thresholds=STRICT, accept_below_threshold=True)
    assert accepted.bundle is not None
    assert again(small_run, copy, thresholds=STRICT).refused is not None


def test_a_report_has_its_figures_and_goes_into_the_bundle(small_run):
    """The page in the bundle is that of the validation, with every figure inside."""
    text = (small_run.folder / "validation" / "report.html").read_text()
    figures = list((small_run.folder / "validation").glob("*.png"))
    assert text.count("<img") == len(figures) > 8
    assert "<h1>Validation: " in text
    assert (small_run.folder / "bundle" / "report.html").read_text() == text
    assert "report.html" in (small_run.folder / "bundle" / "README.md").read_text()


def test_another_request_is_another_validation(small_run, copy):
    """Quick, and one more parameter: made again, without points from the surrogate; figures
    of parameters that are not scanned any more are gone."""
    (copy / "validation" / "t_old.png").write_bytes(b"")
    request = Request(quick=True, scan_parameters=("jes",))
    made = validate_step(
        small_run.likelihood,
        small_run.samples,
        copy / "surrogate.h5",
        copy / "validation",
        request=request,
    )
    assert made["surrogate_sample"] is None
    assert [s["name"] for s in made["scans"]] == ["mu", "jes"]
    assert (copy / "validation" / "t_jes.png").exists()
    assert not (copy / "validation" / "t_old.png").exists()


def test_a_run_validates_as_asked(small_run, copy):
    """`run` hands its request on; the default one has the seed of the run."""
    assert request_of(small_run.folder)["seed"] == 0
    request = Request(quick=True, scan_parameters=("jes",), seed=3)
    made = again(small_run, copy, request=request, publication=_title(copy)).validation
    assert made["surrogate_sample"] is None
    assert [s["name"] for s in made["scans"]] == ["mu", "jes"]
    assert request_of(copy) == request.to_json()


def request_of(folder):
    return read_validation(folder / "validation" / "validation.json")["subject"]["request"]


def test_an_unknown_parameter_is_refused_before_sampling(small_run, tmp_path):
    """A misspelt parameter to scan does not cost a sampling and a training."""
    with pytest.raises(InvalidParameters, match="no parameter of this name"):
        run(small_run.likelihood, tmp_path / "new", request=Request(scan_parameters=["jse"]))
    assert not (tmp_path / "new").exists()


def test_other_samples_mean_another_surrogate(small_run, copy):
    """A surrogate of samples with other content is not taken for theirs."""
    samples = small_run.samples
    shifted = dataclasses.replace(samples, log_main=samples.log_main + 1.0)
    with pytest.raises(InvalidInput, match="trained on other samples"):
        validate_step(small_run.likelihood, shifted, copy / "surrogate.h5", copy / "validation")
    quick = dataclasses.replace(SETTINGS, max_epochs=1)
    made = train_step(shifted, quick, copy / "surrogate.h5")
    assert made.provenance["samples"]["digest"] == shifted.digest != samples.digest


def test_the_profile_alone_is_refused_before_sampling(small_run, tmp_path):
    """A surrogate cannot be validated without the posterior, so nothing is begun."""
    with pytest.raises(InvalidInput, match="strategy must be"):
        run(small_run.likelihood, tmp_path / "new", strategy="profiled")
    assert not (tmp_path / "new").exists()


def test_a_damaged_surrogate_is_made_again(small_run, copy):
    """A truncated surrogate file does not stand in the way of `run`."""
    path = copy / "surrogate.h5"
    path.write_bytes(path.read_bytes()[:1000])
    quick = dataclasses.replace(SETTINGS, max_epochs=1)
    again(small_run, copy, settings=quick, accept_below_threshold=True)
    assert path.stat().st_size > 1000


def test_without_matplotlib_there_are_no_figures(small_run, copy, monkeypatch):
    """The extra `plots` missing: the validation is written, and a line says why it has no
    figures."""
    shutil.rmtree(copy / "validation")
    monkeypatch.setattr("dnnlik.steps.find_spec", lambda name: None)
    said = []
    validate_step(
        small_run.likelihood,
        small_run.samples,
        copy / "surrogate.h5",
        copy / "validation",
        progress=lambda text, done, total: said.append(text),
    )
    made = {p.name for p in (copy / "validation").iterdir()}
    assert made == {"validation.json", "report.html", "surrogate_samples.h5"}
    assert "<img" not in (copy / "validation" / "report.html").read_text()
    assert any("matplotlib is not installed" in text for text in said)


@pytest.mark.slow
def test_a_workspace_is_published_with_its_table_for_limits(tmp_path):
    """From the workspace that ships to a bundle whose limits come from the exact Asimov dataset,
    and whose copy in float32 carries the same."""
    workspace = Path(__file__).parents[1] / "likelihoods" / "two_regions" / "workspace.json"
    result = run(
        open_likelihood(workspace),
        tmp_path,
        points=12_800,
        settings=TrainingSettings(layers=(16,), steps=200, batch_size=256),
        request=Request(quick=True),
        accept_below_threshold=True,
    )
    for precision in ("float64", "float32"):
        published = load(result.bundle, precision=precision)
        assert published.asimov_curve("mu").end > 3
    assert all(check.passed for check in verify_bundle(result.bundle))
