"""The schema of metadata.json accepts what is written and refuses what means nothing."""

from __future__ import annotations

import copy
import json
from importlib import resources

import jsonschema
import pytest

from dnnlik.bundle.schema import SCHEMA_FILE, check_metadata
from dnnlik.exceptions import InvalidFile

SCHEMA = json.loads(resources.files("dnnlik.schemas").joinpath(SCHEMA_FILE).read_text())


@pytest.fixture(scope="module")
def exact(exact_run):
    return json.loads((exact_run.folder / "metadata.json").read_text())


@pytest.fixture(scope="module")
def surrogate(small_run):
    return json.loads((small_run.folder / "bundle" / "metadata.json").read_text())


def test_the_schema_is_one():
    """Of JSON Schema 2020-12."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_each_bundle_carries_it(exact_run, small_run):
    """The file in the bundle is the one that is shipped."""
    shipped = resources.files("dnnlik.schemas").joinpath(SCHEMA_FILE).read_bytes()
    for folder in (exact_run.folder, small_run.folder / "bundle"):
        assert (folder / "schemas" / SCHEMA_FILE).read_bytes() == shipped


def test_both_kinds_are_accepted(exact, surrogate):
    """As written; a surrogate without a kind too."""
    check_metadata(exact)
    check_metadata(surrogate)
    check_metadata({key: value for key, value in surrogate.items() if key != "kind"})
    assert (exact["kind"], surrogate["kind"]) == ("exact", "surrogate")


def test_a_surrogate_says_how_its_accuracy_was_found(surrogate, small_run):
    """Method, numbers of points, digest of the likelihood, seeds of both steps, versions."""
    accuracy, provenance = surrogate["accuracy"], surrogate["provenance"]
    assert "held out" in accuracy["method"]
    assert accuracy["posterior_error"]["points"] > 100
    assert [t["points"] for t in accuracy["t_errors"]] == [21]
    assert provenance["likelihood"] == small_run.likelihood.digest
    assert provenance["samples"]["digest"] == small_run.samples.digest
    assert provenance["seeds"] == {"sampling": 0, "training": 0}
    assert {"training", "validation"} <= set(provenance["points"])
    assert provenance["written_with"]["onnxruntime"]


DAMAGE = [
    ("exact", "schema", "2.0"),
    ("exact", "kind", "guess"),
    ("exact", "parameters", []),
    ("exact", "parameters/0/bounds", [0.0]),
    ("exact", "parameters/0/poi", "yes"),
    ("exact", "conventions/logarithm", "base 10"),
    ("exact", "domain/lower", ["a"]),
    ("exact", "accuracy/points", 0),
    ("exact", "accuracy/checks", []),
    ("exact", "accuracy/checks/0/largest_difference", 0.1),
    ("exact", "provenance/sources/0/sha256", "abc"),
    ("exact", "provenance/seeds", {"points": "4"}),
    ("exact", "asimov/0/values", [0.0, 1.0]),
    ("exact", "kind", "surrogate"),
    ("surrogate", "kind", "exact"),
    ("surrogate", "accuracy/method", ""),
    ("surrogate", "accuracy/posterior_error/rms", -1.0),
    ("surrogate", "accuracy/t_errors/0/points", 0),
    ("surrogate", "model_license", ""),
]


@pytest.mark.parametrize(("kind", "place", "value"), DAMAGE)
def test_what_means_nothing_is_refused(request, kind, place, value):
    """In one line that names a place."""
    document = copy.deepcopy(request.getfixturevalue(kind))
    *way, last = [int(key) if key.isdigit() else key for key in place.split("/")]
    inner = document
    for key in way:
        inner = inner[key]
    inner[last] = value
    with pytest.raises(InvalidFile, match=rf"{SCHEMA_FILE} says, at .*Received: ") as caught:
        check_metadata(document)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("key", SCHEMA["required"])
def test_nothing_may_be_missing(exact, key):
    """Each key that every file has."""
    with pytest.raises(InvalidFile, match=f"{key}"):
        check_metadata({k: v for k, v in exact.items() if k != key})


def test_the_first_layout_had_no_schema():
    """Bundles of before are not refused for what nobody had asked of them."""
    check_metadata({"schema": "1.0"})
