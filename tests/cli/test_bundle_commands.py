"""`dnnlik bundle exact`, `inspect` and the payload of a deposit, as a user meets them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_line import dnnlik, dnnlik_alone

from dnnlik.bundle.verification import verify_bundle

WORKSPACE = Path(__file__).resolve().parents[2] / "likelihoods" / "two_regions" / "workspace.json"
AUTHOR = ("--author", "Carberry, Josiah; 0000-0002-1825-0097; Brown University")


@pytest.fixture(scope="module")
def exact(tmp_path_factory):
    """A bundle of the shipped workspace with its payload, and what was printed."""
    folder = tmp_path_factory.mktemp("bundles") / "bundle"
    payload = folder.parent / "zenodo.json"
    options = (*AUTHOR, "--date", "2026-01-31", "--zenodo-payload", payload)
    return folder, payload, dnnlik_alone("bundle", "exact", WORKSPACE, *options, "-o", folder)


def test_a_workspace_becomes_a_bundle(exact):
    """One command; the result on stdout, nothing of TensorFlow on stderr; it verifies."""
    folder, _, result = exact
    assert result.returncode == 0, result.stderr
    printed = json.loads(result.stdout)
    assert (printed["kind"], printed["parameters"]) == ("exact", 17)
    assert max(printed["largest_differences"].values()) < 1e-10
    assert "# Exact likelihood two_regions\n" in (folder / "README.md").read_text()
    for chatter in ("WARNING", "oneDNN", "XLA", "I0000"):
        assert chatter not in result.stderr
    assert all(check.passed for check in verify_bundle(folder))
    verified = dnnlik("bundle", "verify", folder)
    assert verified.returncode == 0
    assert "metadata: OK" in verified.stderr.splitlines()


def test_a_bundle_without_a_date_is_warned_of(exact, small_run, tmp_path):
    """RO-Crate demands a date and no clock is asked: one line says how to give it."""
    assert "--date" not in exact[2].stderr
    files = (small_run.folder / name for name in ("samples.h5", "surrogate.h5"))
    validation = small_run.folder / "validation" / "validation.json"
    output = ("--accept-below-threshold", "-o", tmp_path / "b")
    result = dnnlik("export", *files, validation, *output)
    assert result.returncode == 0, result.stderr
    warnings = [line for line in result.stderr.splitlines() if line.startswith("Warning: ")]
    assert len(warnings) == 1
    assert warnings[0].endswith("with --date YYYY-MM-DD.")


def test_the_payload_is_beside_the_bundle(exact):
    """Both bodies, of the publication that was named; the bundle does not change by it."""
    folder, payload, result = exact
    assert "nothing was sent" in result.stderr
    document = json.loads(payload.read_text())
    creators = document["legacy"]["body"]["metadata"]["creators"]
    assert creators[0]["orcid"] == "0000-0002-1825-0097"
    record = document["inveniordm"]["body"]["metadata"]
    assert record["title"] == "Exact likelihood two_regions"
    assert record["publication_date"] == "2026-01-31"
    deposit = json.loads((folder / ".zenodo.json").read_text())
    assert deposit == document["legacy"]["body"]["metadata"]


@pytest.mark.parametrize("command", [["inspect"], ["bundle", "inspect"]])
def test_inspect_tells_kind_accuracy_and_speed(exact, command):
    """JSON on stdout; on stderr a line each: what of what, parameters, accuracy, microseconds."""
    folder, _, made = exact
    result = dnnlik(*command, folder)
    assert result.returncode == 0, result.stderr
    document = json.loads(result.stdout)
    assert document["likelihood"] == "exact"
    assert document["source"] == json.loads(made.stdout)["likelihood"]
    (speed,) = document["microseconds_a_point"].values()
    assert 0 < speed["value"] < 1e4
    assert 0 < speed["value_and_gradient"] < 1e4
    lines = result.stderr.splitlines()
    assert lines[0] == f"exact likelihood of {document['source'][:16]}"
    assert lines[1] == "17 parameters; of interest: mu"
    assert lines[2].startswith("accuracy: log_likelihood that of pyhf")
    assert lines[3].startswith("likelihood.onnx: ")
    assert "µs" in lines[3]
    assert len(lines) == 4


def test_inspect_opens_an_archive(exact, tmp_path):
    """The zip file is inspected as the folder is."""
    archive = tmp_path / "bundle.zip"
    assert dnnlik("bundle", "pack", exact[0], "-o", archive).returncode == 0
    document = json.loads(dnnlik("inspect", archive).stdout)
    assert document["likelihood"] == "exact"


def test_inspect_of_a_path_that_is_not_there(tmp_path):
    """It says that, and not which kinds of files there could be."""
    result = dnnlik("inspect", tmp_path / "none")
    assert result.returncode == 3
    assert "no such file or folder" in result.stderr


def test_inspect_tells_a_surrogate(small_run):
    """It is learned, how well it passed, and both of its files are timed."""
    result = dnnlik("inspect", small_run.folder / "bundle")
    document, lines = json.loads(result.stdout), result.stderr.splitlines()
    assert document["likelihood"] == "surrogate"
    assert document["source"] == small_run.likelihood.digest
    assert lines[0].startswith("surrogate (learned) likelihood of ")
    assert "rms error of ln L" in lines[2]
    names = ["likelihood.onnx", "likelihood_float32.onnx"]
    assert [line.split(":")[0] for line in lines[3:]] == names
    assert list(document["microseconds_a_point"]) == names


@pytest.mark.parametrize(
    ("options", "code", "complaint"),
    [
        (("--zenodo-payload", "z.json"), 2, "needs --author and --date"),
        (("--zenodo-payload", "z.json", *AUTHOR), 2, "needs --author and --date"),
        (("--author", "F, G; 0000-0002-1825-0098"), 3, "mistyped"),
        (("--date", "today"), 3, "YYYY-MM-DD"),
        (("--license", "my own"), 3, "SPDX"),
        (("--patch", "one"), 3, "go together"),
    ],
)
def test_wrong_options_write_nothing(tmp_path, options, code, complaint):
    """One line, the right exit code, and no folder."""
    result = dnnlik("bundle", "exact", WORKSPACE, *options, "-o", tmp_path / "bundle")
    assert result.returncode == code
    last = result.stderr.strip().splitlines()[-1]
    assert last.startswith("Error: ")
    assert complaint in last
    assert result.stdout == ""
    assert not (tmp_path / "bundle").exists()


def test_a_python_file_has_no_exact_bundle(tmp_path):
    """It is told what to do instead."""
    path = Path(__file__).resolve().parents[1] / "small_likelihood.py"
    result = dnnlik("bundle", "exact", path, "-o", tmp_path / "bundle")
    assert result.returncode == 3
    assert "train a surrogate" in result.stderr
