"""A bundle is what it was, or the check that fails says which part is not."""

from __future__ import annotations

import json
import shutil
import zipfile

import numpy as np
import onnx
import pytest

import dnnlik
from dnnlik.bundle.archive import extract, write_archive
from dnnlik.bundle.checksums import checksums_text
from dnnlik.bundle.vectors import largest_difference, vectors_of
from dnnlik.bundle.verification import REQUIRED, verify_bundle
from dnnlik.exceptions import InvalidFile

CHECKS = [
    "files",
    "checksums",
    "metadata",
    "test vectors of likelihood.onnx",
    "test vectors of likelihood_float32.onnx",
]


@pytest.fixture
def bundle(small_run, tmp_path):
    """A copy to be damaged."""
    return shutil.copytree(small_run.folder / "bundle", tmp_path / "bundle")


def failures(folder):
    return {check.name: check.problem for check in verify_bundle(folder) if not check.passed}


def listed_again(folder):
    """Damage that also forges the checksums."""
    (folder / "SHA256SUMS").write_text(checksums_text(folder))


def test_a_bundle_as_it_was_written_passes(small_run):
    """All checks, each once, none with a problem."""
    checks = verify_bundle(small_run.folder / "bundle")
    assert [check.name for check in checks] == CHECKS
    assert all(check.passed for check in checks)


def test_test_vectors_are_the_surrogate_in_keras(small_run):
    """Values and gradients of the document, computed by another program."""
    document = json.loads((small_run.folder / "bundle" / "test_vectors.json").read_text())
    points = np.array(document["points"])
    assert document["parameters"] == list(small_run.surrogate.parameters.names)
    assert 10 < len(points) <= 32
    value, gradient = small_run.surrogate.value_and_gradient(points)
    np.testing.assert_allclose(document["log_likelihood"], value, rtol=1e-9)
    np.testing.assert_allclose(document["gradient"], gradient, rtol=1e-7, atol=1e-7)
    assert set(document["in_domain"]) == {True, False}


def flip_a_byte(folder, name="likelihood.onnx"):
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 0x10
    (folder / name).write_bytes(content)


def scale_a_weight(folder, name="likelihood.onnx"):
    model = onnx.load(folder / name)
    constant = next(c for c in model.graph.initializer if c.name.endswith("layer_0/weights"))
    array = onnx.numpy_helper.to_array(constant)
    constant.CopyFrom(onnx.numpy_helper.from_array(array * array.dtype.type(1.001), constant.name))
    onnx.save(model, folder / name)
    listed_again(folder)


def swap_parameters(folder):
    path = folder / "metadata.json"
    document = json.loads(path.read_text())
    document["parameters"][:2] = document["parameters"][1::-1]
    path.write_text(json.dumps(document))
    listed_again(folder)


def change_metadata(folder, **changes):
    path = folder / "metadata.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    listed_again(folder)


def swap_vectors(folder):
    path = folder / "test_vectors.json"
    document = json.loads(path.read_text())
    document["parameters"][:2] = document["parameters"][1::-1]
    path.write_text(json.dumps(document))
    listed_again(folder)


def change_vectors(folder, **changes):
    path = folder / "test_vectors.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    listed_again(folder)


VECTORS = set(CHECKS[3:])


@pytest.mark.parametrize(
    ("damage", "caught", "said"),
    [
        (lambda b: (b / "report.html").unlink(), {"files", "checksums"}, "no report.html"),
        (lambda b: (b / "SHA256SUMS").unlink(), {"files", "checksums"}, "no SHA256SUMS"),
        (lambda b: (b / "README.md").write_text("else"), {"checksums"}, "README.md does not have"),
        (lambda b: (b / "more.txt").write_text("?"), {"checksums"}, "that its list lacks"),
        (scale_a_weight, {CHECKS[3]}, "likelihood.onnx does not give"),
        (lambda b: scale_a_weight(b, "likelihood_float32.onnx"), {CHECKS[4]}, "float32.onnx does"),
        (swap_parameters, {"metadata"}, "or another order"),
        (lambda b: change_metadata(b, parameters=["mu"]), {"metadata"}, "or another order"),
        (lambda b: change_metadata(b, parameters=3), {"metadata"}, "or another order"),
        # Saying "exact" does not spare it the copy and the validation.
        (lambda b: change_metadata(b, kind="exact"), {"metadata"}, "another kind"),
        (lambda b: change_metadata(b, accuracy={}), {"metadata"}, "another accuracy"),
        (swap_vectors, VECTORS, "in this order"),
        (lambda b: change_vectors(b, in_domain=[True]), VECTORS, "a row a point"),
        (lambda b: change_vectors(b, points="none"), VECTORS, "test vectors"),
        (lambda b: (b / "test_vectors.json").write_text("{"), {"checksums"} | VECTORS, "no valid"),
        (lambda b: (b / "metadata.json").write_text("[]"), {"checksums", "metadata"}, "a list"),
    ],
)
def test_damage_is_named(bundle, damage, caught, said):
    """Each kind by the checks that it should fail and by no other, in one line each."""
    damage(bundle)
    found = failures(bundle)
    assert set(found) == caught
    assert any(said in problem for problem in found.values())
    assert all("\n" not in problem for problem in found.values())


def test_a_flipped_byte_of_the_model_is_caught(bundle):
    """By the checksums, whatever ONNX Runtime makes of the file."""
    flip_a_byte(bundle)
    assert "likelihood.onnx does not have" in failures(bundle)["checksums"]


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    """One line, as for every file."""
    with pytest.raises(InvalidFile, match="no such bundle"):
        verify_bundle(tmp_path / "nowhere")


def test_vectors_of_impossible_points_are_left_out(small_run):
    """Only points of finite likelihood are written; none at all prove nothing."""
    published = dnnlik.load(small_run.folder / "bundle")
    document = vectors_of(published, small_run.points[:5])
    assert largest_difference(published, document) == 0.0
    empty = {name: [] for name in ("points", "log_likelihood", "log_constraint", "in_domain")}
    with pytest.raises(InvalidFile):
        largest_difference(published, document | empty | {"gradient": []})
    assert np.isinf(largest_difference(published, document | {"log_likelihood": [np.nan] * 5}))


def test_an_archive_repeats_and_opens(bundle, small_run, tmp_path):
    """Two archives of copies made at other times are the same bytes; unpacked they verify, and
    open as they are."""
    first = write_archive(bundle, tmp_path / "one" / "likelihood.zip")
    (bundle / "README.md").touch()
    second = write_archive(bundle, tmp_path / "two" / "likelihood.zip")
    assert first.read_bytes() == second.read_bytes()
    unpacked = extract(first, tmp_path / "unpacked")
    assert all(check.passed for check in verify_bundle(unpacked))
    points = small_run.points[:7]
    found = dnnlik.load(first).log_likelihood(points, outside="ignore")
    wanted = dnnlik.load(bundle).log_likelihood(points, outside="ignore")
    np.testing.assert_array_equal(found, wanted)
    names = zipfile.ZipFile(first).namelist()
    assert names == sorted(names)
    assert {f"likelihood/{name}" for name in REQUIRED["surrogate"]} <= set(names)


def test_an_archive_of_something_else_is_refused(bundle, tmp_path):
    """No zip file, no bundle in it, a path that leads out of it, a damaged bundle."""
    path = tmp_path / "x.zip"
    path.write_bytes(b"PK nothing")
    with pytest.raises(InvalidFile, match="no readable zip"):
        dnnlik.load(path)
    for name in ("a/likelihood.onnx", "a/../../SHA256SUMS"):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(name, b"")
        with pytest.raises(InvalidFile, match="of one bundle"):
            dnnlik.load(path)
    flip_a_byte(bundle)
    with pytest.raises(InvalidFile, match="damaged"):
        write_archive(bundle, tmp_path / "y.zip")
    assert not (tmp_path / "y.zip").exists()
