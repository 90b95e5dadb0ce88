"""What a published file says about itself survives, and damage is named."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from dnnlik.asimov import AsimovCurve
from dnnlik.exceptions import InvalidFile, InvalidInput
from dnnlik.onnx.metadata import SCHEMA, metadata_properties, read_metadata


@pytest.fixture
def description(make_description):
    return make_description(size=6)


@pytest.fixture
def properties(description):
    return metadata_properties(
        description, accuracy={"ks": np.float64(0.4)}, author="A. N. Other", license="CC-BY-4.0"
    )


def test_round_trip(description, properties):
    """Everything written is read back: parameters with constraints, priors, infinite bounds."""
    found = read_metadata(properties)
    assert found.parameters == description.parameters
    assert found.schema == SCHEMA
    assert found.accuracy == {"ks": 0.4}
    assert found.settings == description.settings
    assert found.provenance == description.provenance
    assert (found.author, found.license) == ("A. N. Other", "CC-BY-4.0")
    np.testing.assert_array_equal(found.lower, description.domain.lower)
    np.testing.assert_array_equal(found.upper, description.domain.upper)


def test_infinite_box(description):
    """A side of the box without a limit is null in the file and infinite when read."""
    domain = replace(description.domain, upper=np.full(6, np.inf))
    text = metadata_properties(
        replace(description, domain=domain), accuracy={}, author="", license=""
    )
    assert json.loads(text["dnnlik.domain"])["upper"] == [None] * 6
    assert np.isposinf(read_metadata(text).upper).all()


def test_all_is_strict_json_text(properties):
    """Every value is a string, and each dnnlik.* one is JSON that any language reads."""
    assert all(isinstance(value, str) for value in properties.values())

    def refuse(constant):
        raise AssertionError(constant)

    for key, text in properties.items():
        if key.startswith("dnnlik."):
            json.loads(text, parse_constant=refuse)
    listed = json.loads(properties["dnnlik.parameters"])
    assert [item["name"] for item in listed][:2] == ["mu", "jes"]
    assert set(listed[0]) >= {"name", "bounds", "constraint", "poi"}


@pytest.mark.parametrize("adds", [True, False])
@pytest.mark.parametrize("quadratic", [True, False])
def test_terms_name_what_is_summed(make_description, adds, quadratic):
    """The file says which terms log_likelihood is the sum of, and the conventions."""
    description = make_description(adds_constraint=adds, quadratic=quadratic)
    found = read_metadata(metadata_properties(description, accuracy={}, author="", license=""))
    wanted = ["log_constraint"] * adds + ["quadratic"] * quadratic + ["network"]
    assert found.terms["log_likelihood"] == wanted
    outputs = ["gradient", "in_domain", "log_constraint", "log_likelihood"]
    assert sorted(found.terms["outputs"]) == outputs
    assert found.conventions["logarithm"] == "natural"


@pytest.mark.parametrize("value", [float("nan"), object()])
def test_what_json_cannot_hold_is_refused(description, value):
    """A NaN or an object in the accuracy is one line that names the document."""
    with pytest.raises(InvalidInput, match=r"dnnlik.accuracy must be .* Received: ") as caught:
        metadata_properties(description, accuracy={"ks": value}, author="", license="")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "key",
    [
        "schema",
        "parameters",
        "terms",
        "conventions",
        "domain",
        "accuracy",
        "settings",
        "provenance",
    ],
)
@pytest.mark.parametrize("damage", [None, "{", "17", "[3]"])
def test_each_damaged_key_is_named(properties, key, damage):
    """A key that is missing, no JSON, or of another kind is named in one line."""
    damaged = {k: v for k, v in properties.items() if k != f"dnnlik.{key}"}
    if damage is not None:
        damaged[f"dnnlik.{key}"] = damage
    with pytest.raises(InvalidFile, match=rf"dnnlik\.{key}") as caught:
        read_metadata(damaged, source="some.onnx")
    message = str(caught.value)
    assert message.startswith("some.onnx ")
    assert "Received: " in message
    assert "\n" not in message


@pytest.mark.parametrize(
    "text",
    [
        '{"lower": [0, 0]}',
        '{"lower": [0], "upper": [1]}',
        '{"lower": ["a", 0, 0, 0, 0, 0], "upper": [1, 1, 1, 1, 1, 1]}',
    ],
)
def test_domain_of_another_size(properties, text):
    """A box that does not fit the parameters is refused."""
    with pytest.raises(InvalidFile, match=r"lower and upper, 6 numbers or nulls each"):
        read_metadata({**properties, "dnnlik.domain": text})


def test_newer_layout_is_refused(properties):
    """A file of a later major version is refused; a later minor version is read."""
    with pytest.raises(InvalidFile, match=r"Received: dnnlik.schema = '2.0'"):
        read_metadata({**properties, "dnnlik.schema": '"2.0"'})
    assert read_metadata({**properties, "dnnlik.schema": '"1.9"'}).schema == "1.9"


@pytest.fixture
def with_curve(description):
    values = np.arange(6.0)
    curve = AsimovCurve("mu", values, np.sqrt(1 + values) - 1)
    return metadata_properties(
        replace(description, asimov=(curve,)), accuracy={}, author="", license=""
    )


def test_tables_for_upper_limits(properties, with_curve):
    """They are read as written; a file without the key has none, and no empty key."""
    assert "dnnlik.asimov" not in properties
    assert read_metadata(properties).asimov == ()
    (found,) = read_metadata(with_curve).asimov
    assert found.root_at([3.0]).tolist() == [1.0]


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "{}",
        "[3]",
        '[{"poi": "mu", "values": [0, 1, 2, NaN], "root": [0, 1, 2, 3]}]',
        '[{"poi": "mu", "values": [0, 1, 2, 3], "root": [0, 2, 1, 3]}]',
        '[{"poi": "nobody", "values": [0, 1, 2, 3], "root": [0, 1, 2, 3]}]',
    ],
)
def test_damaged_tables_are_named(with_curve, text):
    """No JSON, no list, NaN, not increasing, an unknown parameter: one line with the key."""
    with pytest.raises(InvalidFile, match=r"some\.onnx .*dnnlik\.asimov.*Received: ") as caught:
        read_metadata({**with_curve, "dnnlik.asimov": text}, source="some.onnx")
    assert "\n" not in str(caught.value)


def test_a_file_of_before_is_a_surrogate(properties):
    """The kind is written now; where it is absent the file is learned; another one is refused."""
    assert read_metadata(properties).kind == "surrogate"
    older = {k: v for k, v in properties.items() if k != "dnnlik.kind"}
    assert read_metadata({**older, "dnnlik.schema": '"1.0"'}).kind == "surrogate"
    with pytest.raises(InvalidFile, match=r"surrogate or exact in dnnlik\.kind"):
        read_metadata({**properties, "dnnlik.kind": '"guess"'})
