"""A workspace published as it is: exact, repeatable, and refused when damaged."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import onnx
import pytest
from generated_workspaces import EXAMPLE, pyhf_model, random_points

import dnnlik
from dnnlik.bundle.archive import write_archive
from dnnlik.bundle.checksums import checksums_text
from dnnlik.bundle.exact import ExactSource, write_exact_bundle
from dnnlik.bundle.verification import verify_bundle
from dnnlik.exact import POINTS, publish_exact, verification_points
from dnnlik.exceptions import InvalidFile, InvalidInput, InvalidLikelihood, NotGoodEnough
from dnnlik.inference import fit, upper_limit
from dnnlik.likelihoods import open_likelihood
from dnnlik.onnx.runtime import OutsideDomainWarning
from dnnlik.onnx.verify_exact import Expected

CHECKS = ["files", "checksums", "metadata", "test vectors of likelihood.onnx"]


def test_it_is_pyhf(exact_run):
    """Values of the loaded bundle are those of pyhf at points of another seed."""
    loaded = dnnlik.load(exact_run.folder)
    model, data = pyhf_model(EXAMPLE, "code4", "code4p")
    exact = open_likelihood(exact_run.workspace)
    points = random_points(loaded.parameters, seed=11, size=20)
    rates = [
        model.expected_data(p, include_auxdata=False).min() for p in exact.all_parameters(points)
    ]
    possible = points[np.array(rates) > 0]
    assert len(possible) > 5
    wanted = [model.logpdf(p, data)[0] for p in exact.all_parameters(possible)]
    np.testing.assert_allclose(loaded.log_likelihood(possible), wanted, rtol=1e-9)
    assert loaded.parameters == exact.parameters


def test_fits_and_limits_are_those_of_the_workspace(exact_run):
    """The same maximum and, with the table of the Asimov dataset, the same band of limits."""
    loaded, exact = dnnlik.load(exact_run.folder), open_likelihood(exact_run.workspace)
    np.testing.assert_allclose(fit(loaded).point, fit(exact).point, atol=1e-4)
    found, wanted = upper_limit(loaded), upper_limit(exact)
    assert (found.asimov, wanted.asimov) == ("published", "dataset")
    np.testing.assert_allclose(found.expected, wanted.expected, rtol=1e-4)
    assert found.observed == pytest.approx(wanted.observed, rel=1e-4)


def test_every_check_passes(exact_run):
    """Those of an exact bundle: no float32 copy and no validation are asked for."""
    checks = verify_bundle(exact_run.folder)
    assert [check.name for check in checks] == CHECKS
    assert [check.problem for check in checks] == [""] * len(CHECKS)
    assert not (exact_run.folder / "likelihood_float32.onnx").exists()


def test_it_says_what_it_is_and_how_that_was_found(exact_run):
    """Kind, digests of the file, seed, versions, number of points and largest differences."""
    metadata = dnnlik.load(exact_run.folder).metadata
    assert metadata.kind == "exact"
    assert metadata.terms["log_likelihood"] == ["log_main", "log_constraint"]
    text = exact_run.workspace.read_bytes()
    (source,) = metadata.provenance["sources"]
    assert source == {
        "role": "workspace",
        "file": "example.json",
        "sha256": hashlib.sha256(text).hexdigest(),
    }
    canonical = json.dumps(
        [json.loads(text), [None, "code4", "code4p"]], sort_keys=True, separators=(",", ":")
    )
    assert metadata.provenance["likelihood"] == hashlib.sha256(canonical.encode()).hexdigest()
    assert metadata.provenance["seeds"] == {"points": 4}
    assert metadata.provenance["written_with"]["onnx"] == onnx.__version__
    accuracy = metadata.accuracy
    assert 64 < accuracy["points"] <= POINTS
    assert accuracy["points"] + accuracy["points_without_answer"] == POINTS
    against = {row["quantity"]: row for row in accuracy["checks"]}
    assert against["log_likelihood"]["against"].startswith("pyhf 0.7")
    assert against["log_likelihood"]["largest_difference"] < 1e-10
    assert "no approximation" in (exact_run.folder / "README.md").read_text()


def test_vectors_are_of_other_programs(exact_run):
    """Test vectors are pyhf's values; some are outside of the bounds."""
    document = json.loads((exact_run.folder / "test_vectors.json").read_text())
    model, data = pyhf_model(EXAMPLE, "code4", "code4p")
    points = open_likelihood(exact_run.workspace).all_parameters(np.array(document["points"]))
    wanted = [model.logpdf(point, data)[0] for point in points]
    np.testing.assert_array_equal(document["log_likelihood"], wanted)
    assert set(document["in_domain"]) == {True, False}
    assert document["tolerance"] == {"likelihood.onnx": 1e-9}


def test_two_builds_are_the_same_bytes(exact_run, tmp_path):
    """Every file of the folder, and the archive."""
    again = publish_exact(
        exact_run.workspace, tmp_path / "bundle", seed=4, publication=exact_run.publication
    )
    names = [p.relative_to(again.folder) for p in again.folder.rglob("*") if p.is_file()]
    assert len(names) > 8
    for name in names:
        assert (again.folder / name).read_bytes() == (exact_run.folder / name).read_bytes(), name
    first = write_archive(exact_run.folder, tmp_path / "one" / "bundle.zip")
    second = write_archive(again.folder, tmp_path / "two" / "bundle.zip")
    assert first.read_bytes() == second.read_bytes()


def test_it_opens_without_frameworks(exact_run):
    """NumPy and onnxruntime are enough to load, verify and evaluate; that the schema was not
    looked at is said."""
    hidden = ["tensorflow", "keras", "pyhf", "emcee", "scipy", "h5py", "onnx", "jsonschema"]
    code = f"""
import sys
sys.modules.update(dict.fromkeys({hidden}))
import dnnlik
from dnnlik.bundle.verification import verify_bundle
likelihood = dnnlik.load({str(exact_run.folder)!r})
print(likelihood.log_likelihood(likelihood.parameters.inits[None, :])[0])
print([check.problem for check in verify_bundle({str(exact_run.folder)!r}) if check.problem])
print([check.note for check in verify_bundle({str(exact_run.folder)!r}) if check.note])
"""
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    value, problems, notes = result.stdout.splitlines()
    assert np.isfinite(float(value))
    assert problems == "[]"
    assert "jsonschema is not installed" in notes


def test_it_has_no_copy_to_ask_for(exact_run):
    """Asking for float32 is told so, instead of that a file is missing."""
    with pytest.raises(InvalidInput, match=r"no float32 copy.*Received: "):
        dnnlik.load(exact_run.folder, precision="float32")


def test_points_beyond_bounds_are_warned_of(exact_run):
    """In the words of bounds, not of training."""
    loaded = dnnlik.load(exact_run.folder)
    with pytest.warns(OutsideDomainWarning, match="beyond the bounds") as caught:
        loaded.log_likelihood(loaded.parameters.upper[None, :] + 1.0)
    assert "train" not in str(caught[0].message)


def listed_again(folder):
    (folder / "SHA256SUMS").write_text(checksums_text(folder))


def change(folder, name, **changes):
    """Change a document and forge the checksums."""
    path = folder / name
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    listed_again(folder)


def move_a_count(folder):
    """One observed count more, as a typing error in the data would be."""
    model = onnx.load(folder / "likelihood.onnx")
    for constant in model.graph.initializer:
        array = onnx.numpy_helper.to_array(constant)
        if array.dtype == np.float64 and 45.0 in array.ravel():
            changed = np.where(array == 45.0, 46.0, array)
            constant.CopyFrom(onnx.numpy_helper.from_array(changed, constant.name))
    onnx.save(model, folder / "likelihood.onnx")
    listed_again(folder)


def drop_the_measure(folder):
    """The model and the document agree on metadata that the schema does not allow."""
    model = onnx.load(folder / "likelihood.onnx")
    document = json.loads((folder / "metadata.json").read_text())
    del document["accuracy"]["points"]
    for entry in model.metadata_props:
        if entry.key == "dnnlik.accuracy":
            entry.value = json.dumps(document["accuracy"])
    onnx.save(model, folder / "likelihood.onnx")
    change(folder, "metadata.json", accuracy=document["accuracy"])


VECTORS = CHECKS[3]


@pytest.mark.parametrize(
    ("damage", "caught", "said"),
    [
        (move_a_count, {VECTORS}, "likelihood.onnx does not give"),
        (drop_the_measure, {"metadata"}, "metadata-1.json says, at accuracy"),
        (lambda b: change(b, "metadata.json", domain={}), {"metadata"}, "another domain"),
        (lambda b: change(b, "metadata.json", more=1), {"metadata"}, "another more"),
        (lambda b: (b / "LICENSE").unlink(), {"checksums"}, "LICENSE is missing"),
        (lambda b: (b / "README.md").unlink(), {"files", "checksums"}, "no README.md"),
        (lambda b: change(b, "test_vectors.json", gradient=[[0.0]]), {VECTORS}, "a row a point"),
        # It is asked for all that a surrogate has, and its model says that it is none.
        (
            lambda b: change(b, "metadata.json", kind="surrogate"),
            {"files", "metadata", "test vectors of likelihood_float32.onnx"},
            "no likelihood_float32.onnx",
        ),
    ],
)
def test_damage_is_named(exact_run, tmp_path, damage, caught, said):
    """Each kind by the checks that it should fail and by no other, in one line each."""
    bundle = exact_run.copy(tmp_path / "bundle")
    damage(bundle)
    found = {check.name: check.problem for check in verify_bundle(bundle) if not check.passed}
    assert set(found) == caught
    assert any(said in problem for problem in found.values())
    assert all("\n" not in problem for problem in found.values())


def parts(exact_run, shift=0.0, tilt=0.0):
    """A source, and what other programs give, moved by so much."""
    exact = open_likelihood(exact_run.workspace)
    points = verification_points(exact.parameters, exact.parameters.inits, seed=0)
    value, gradient = exact.value_and_gradient(points)
    expected = Expected(points, value + shift, gradient * (1 + tilt), "another", "a third")
    provenance = {"likelihood": "x", "sources": [], "seeds": {}}
    return ExactSource(exact.description, {}, provenance), expected


@pytest.mark.parametrize("moved", [{"shift": 1e-6}, {"tilt": 1e-6}])
def test_a_graph_that_differs_is_not_published(exact_run, tmp_path, moved):
    """Of values or of gradients: an older bundle stays, and nothing is left beside it."""
    folder = tmp_path / "bundle"
    write_exact_bundle(folder, *parts(exact_run), exact_run.publication)
    before = (folder / "SHA256SUMS").read_text()
    with pytest.raises(NotGoodEnough, match="does not reproduce the workspace"):
        write_exact_bundle(folder, *parts(exact_run, **moved), exact_run.publication)
    assert (folder / "SHA256SUMS").read_text() == before
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


def test_no_answer_anywhere_proves_nothing(exact_run, tmp_path):
    """Where the other program knows nothing at all, nothing is published."""
    source, expected = parts(exact_run)
    unknown = replace(expected, log_likelihood=np.full_like(expected.log_likelihood, np.nan))
    with pytest.raises(NotGoodEnough, match="another"):
        write_exact_bundle(tmp_path / "bundle", source, unknown, exact_run.publication)


def test_what_has_no_closed_form_is_refused(tmp_path):
    """A Python file is told to train a surrogate; a missing file is missing."""
    path = tmp_path / "likelihood.py"
    path.write_text(
        "from dnnlik import AnalyticLikelihood, Parameter\n"
        "def likelihood():\n"
        "    return AnalyticLikelihood([Parameter('mu', 0, (-1, 1), poi=True)], "
        "lambda x: -x[:, 0] ** 2)\n"
    )
    with pytest.raises(InvalidLikelihood, match="train a surrogate"):
        publish_exact(path, tmp_path / "bundle")
    with pytest.raises(InvalidFile, match="no such file"):
        publish_exact(tmp_path / "nowhere.json", tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()


def test_a_foreign_folder_is_left_alone(exact_run, tmp_path):
    """It is refused before anything is computed."""
    (tmp_path / "thesis.tex").write_text("years of work")

    def nothing(text, done, total):
        raise AssertionError(text)

    with pytest.raises(InvalidFile, match="holds no bundle"):
        publish_exact(exact_run.workspace, tmp_path, progress=nothing)
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


def test_points_to_verify_at(exact_run):
    """Inits and best fit are among them; an eighth is beyond one upper bound; seeds repeat."""
    parameters = dnnlik.load(exact_run.folder).parameters
    best = parameters.inits + 0.1
    points = verification_points(parameters, best, seed=1)
    assert points.shape == (POINTS, len(parameters))
    np.testing.assert_array_equal(points[:2], [parameters.inits, best])
    assert (~parameters.inside(points)).sum() == POINTS // 8
    np.testing.assert_array_equal(points, verification_points(parameters, best, seed=1))
    assert not np.array_equal(points, verification_points(parameters, best, seed=2))
