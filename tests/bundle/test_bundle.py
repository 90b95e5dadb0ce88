"""Bundles: written, read, damaged."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

import dnnlik
from dnnlik.bundle.accuracy import accuracy_line
from dnnlik.bundle.checksums import checksums_text, verify_checksums
from dnnlik.bundle.citation import citation_cff
from dnnlik.bundle.publication import Publication
from dnnlik.bundle.writer import DESCRIPTION, write_bundle
from dnnlik.bundle.zenodo import deposit_metadata
from dnnlik.exceptions import BelowThreshold, InvalidFile, InvalidInput, NotGoodEnough
from dnnlik.onnx.runtime import OutsideDomainWarning

PUBLICATION = Publication("A test", authors=("Family, Given", "Other"))


def test_a_loaded_bundle_is_the_surrogate(small_run):
    """Values of the loaded bundle are those of Keras; the gradient is its derivative."""
    loaded, points = dnnlik.load(small_run.folder / "bundle"), small_run.points[:50]
    surrogate = small_run.surrogate
    np.testing.assert_allclose(
        loaded.log_likelihood(points, outside="ignore"),
        surrogate.log_likelihood(points),
        rtol=1e-12,
    )
    _, gradient = surrogate.value_and_gradient(points)
    np.testing.assert_allclose(loaded.gradient(points), gradient, rtol=1e-9, atol=1e-9)
    assert loaded.parameters == surrogate.parameters


def test_the_float32_copy_is_the_surrogate_to_its_rounding(small_run):
    """A bundle opens with either arithmetic; another one is refused."""
    folder, points = small_run.folder / "bundle", small_run.points[:50]
    exact, copy = dnnlik.load(folder), dnnlik.load(folder, precision="float32")
    wanted = exact.log_likelihood(points, outside="ignore")
    found = copy.log_likelihood(points, outside="ignore")
    assert np.abs(found - wanted).max() < 1e-4
    assert copy.digest != exact.digest
    with pytest.raises(InvalidInput, match="float64 or float32"):
        dnnlik.load(folder, precision="half")


def test_a_bundle_says_where_it_was_trained(small_run):
    """Training points are inside the domain; a point far out is not, and is warned of."""
    loaded = dnnlik.load(small_run.folder / "bundle")
    train = small_run.points[:200]
    assert loaded.in_domain(train).mean() > 0.98
    far = loaded.parameters.upper[None, :] * 0.99
    assert not loaded.in_domain(far)[0]
    with pytest.warns(OutsideDomainWarning):
        loaded.log_likelihood(far)


def test_a_bundle_loads_without_frameworks(small_run):
    """`dnnlik.load` evaluates a bundle with NumPy and onnxruntime alone."""
    hidden = ["tensorflow", "keras", "pyhf", "emcee", "scipy", "h5py", "onnx", "jsonschema"]
    code = f"""
import sys
sys.modules.update(dict.fromkeys({hidden}))
import dnnlik
likelihood = dnnlik.load({str(small_run.folder / "bundle")!r})
print(likelihood.log_likelihood(likelihood.parameters.inits[None, :], outside="ignore")[0])
"""
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert np.isfinite(float(result.stdout))


def flip_byte(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (lambda b: flip_byte(b / "likelihood.onnx"), "damaged: likelihood.onnx"),
        (lambda b: flip_byte(b / "validation.json"), "damaged: validation.json"),
        (lambda b: (b / "metadata.json").unlink(), "metadata.json is missing"),
        (lambda b: (b / "SHA256SUMS").unlink(), "no readable SHA256SUMS"),
        (lambda b: (b / "SHA256SUMS").write_text("nonsense"), "no readable SHA256SUMS"),
        (lambda b: (b / "SHA256SUMS").write_text(""), "SHA256SUMS is empty"),
        (shutil.rmtree, "no such bundle"),
    ],
)
def test_damage_is_one_line(small_run, tmp_path, damage, complaint):
    """A flipped byte, a missing file, a missing or foreign list: each is told in a line."""
    bundle = tmp_path / "bundle"
    shutil.copytree(small_run.folder / "bundle", bundle)
    damage(bundle)
    with pytest.raises(InvalidFile, match=complaint) as caught:
        dnnlik.load(bundle)
    assert "Received:" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_with_a_workspace_alone(tmp_path):
    """What a training of an observable leaves is no bundle; its likelihood is named."""
    (tmp_path / "workspace.json").write_text("{}")
    with pytest.raises(InvalidFile, match=r"no bundle, but has a likelihood: .*workspace\.json"):
        dnnlik.load(tmp_path)


def test_checksums_are_those_of_sha256sum(small_run):
    """The list is in GNU format: `sha256sum -c` accepts it where it is installed."""
    bundle = small_run.folder / "bundle"
    verify_checksums(bundle)
    assert checksums_text(bundle) == (bundle / "SHA256SUMS").read_text()
    tool = shutil.which("sha256sum")
    if tool:
        command = [tool, "--check", "--quiet", "SHA256SUMS"]
        assert subprocess.run(command, cwd=bundle, check=False).returncode == 0


def write(small_run, folder, **changes):
    arguments = {
        "expected": small_run.surrogate.log_likelihood,
        "points": small_run.points[:20],
        "publication": PUBLICATION,
    }
    validation = json.loads((small_run.folder / "validation" / "validation.json").read_text())
    validation |= changes.pop("validation", {})
    return write_bundle(folder, small_run.surrogate.description, validation, **arguments | changes)


def test_a_failed_validation_is_not_published(small_run, tmp_path):
    """Below threshold nothing is written, unless that is asked for by name."""
    with pytest.raises(BelowThreshold, match="accept-below-threshold"):
        write(small_run, tmp_path / "b", validation={"passed": False})
    assert not (tmp_path / "b").exists()
    failed = {"passed": False}
    write(small_run, tmp_path / "b", validation=failed, accept_below_threshold=True)
    assert dnnlik.load(tmp_path / "b").metadata.accuracy["passed"] is False
    assert "below threshold" in (tmp_path / "b" / "README.md").read_text()


def test_a_scan_without_a_number_is_published_as_such(small_run, tmp_path):
    """Accepted below threshold, t that is no number is "none" in the card and the summary."""
    validation = json.loads((small_run.folder / "validation" / "validation.json").read_text())
    scan = {**validation["scans"][0], "mean_error": None, "largest_error": None}
    failed = {"passed": False, "scans": [scan]}
    write(small_run, tmp_path / "b", validation=failed, accept_below_threshold=True)
    assert "| none |" in (tmp_path / "b" / "README.md").read_text()
    accuracy = dnnlik.load(tmp_path / "b").metadata.accuracy
    assert accuracy_line("surrogate", accuracy).endswith(f"error of t of {scan['name']} none")


def test_a_graph_that_is_not_the_surrogate_is_refused(small_run, tmp_path):
    """If Keras and the written graph disagree, the present bundle stays as it was."""
    write(small_run, tmp_path / "b")
    before = (tmp_path / "b" / "SHA256SUMS").read_text()

    def wrong(points):
        return small_run.surrogate.log_likelihood(points) + 1.0

    with pytest.raises(NotGoodEnough, match="does not reproduce"):
        write(small_run, tmp_path / "b", expected=wrong)
    assert (tmp_path / "b" / "SHA256SUMS").read_text() == before


def test_two_builds_are_identical(small_run, tmp_path):
    """The same surrogate gives the same bytes."""
    write(small_run, tmp_path / "one")
    write(small_run, tmp_path / "two")
    one, two = (tmp_path / n / "SHA256SUMS" for n in ("one", "two"))
    assert one.read_text() == two.read_text()


def test_the_model_inside_a_damaged_bundle_is_refused(small_run, tmp_path):
    """Opening likelihood.onnx itself checks the list beside it as well."""
    bundle = tmp_path / "bundle"
    shutil.copytree(small_run.folder / "bundle", bundle)
    dnnlik.load(bundle / "likelihood.onnx")
    flip_byte(bundle / "likelihood.onnx")
    with pytest.raises(InvalidFile, match=r"damaged: likelihood\.onnx"):
        dnnlik.load(bundle / "likelihood.onnx")


def test_a_file_is_no_bundle_folder(small_run, tmp_path):
    """An output that is a file is left alone, in one line."""
    (tmp_path / "b").write_text("a file")
    with pytest.raises(InvalidFile, match="a bundle is a folder"):
        write(small_run, tmp_path / "b")


def test_a_foreign_folder_is_not_replaced(small_run, tmp_path):
    """A folder that holds something else is left alone."""
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "thesis.tex").write_text("years of work")
    with pytest.raises(InvalidFile, match="holds no bundle"):
        write(small_run, tmp_path / "b")
    assert (tmp_path / "b" / "thesis.tex").read_text() == "years of work"


def test_the_present_folder_is_not_replaced(small_run, tmp_path, monkeypatch):
    """An empty folder that somebody is in is refused in one line, however it is called."""
    monkeypatch.chdir(tmp_path)
    for name in (".", tmp_path):
        with pytest.raises(InvalidFile, match="the present folder"):
            write(small_run, name)
    assert not list(tmp_path.iterdir())


def test_citation_and_deposit_name_the_same(small_run, tmp_path):
    """CITATION.cff and .zenodo.json come from one publication; without authors neither
    is written."""
    write(small_run, tmp_path / "b")
    deposit = json.loads((tmp_path / "b" / ".zenodo.json").read_text())
    assert deposit == deposit_metadata(PUBLICATION.described(DESCRIPTION))
    assert [c["name"] for c in deposit["creators"]] == ["Family, Given", "Other"]
    citation = (tmp_path / "b" / "CITATION.cff").read_text()
    assert citation == citation_cff(PUBLICATION.described(DESCRIPTION))
    assert 'family-names: "Family"\n    given-names: "Given"' in citation
    write(small_run, tmp_path / "c", publication=Publication("No authors"))
    assert not (tmp_path / "c" / "CITATION.cff").exists()
