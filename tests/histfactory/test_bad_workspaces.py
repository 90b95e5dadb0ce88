"""Workspaces that cannot be used: one line each, of the right kind."""

import copy
import hashlib
import json

import numpy as np
import pytest

from dnnlik.exceptions import InvalidFile, InvalidLikelihood
from dnnlik.likelihoods import open_likelihood

WORKSPACE = {
    "channels": [
        {
            "name": "SR",
            "samples": [
                {
                    "name": "signal",
                    "data": [1.0, 2.0],
                    "modifiers": [{"name": "mu", "type": "normfactor", "data": None}],
                },
                {
                    "name": "background",
                    "data": [50.0, 60.0],
                    "modifiers": [
                        {"name": "scale", "type": "normsys", "data": {"hi": 1.1, "lo": 0.9}},
                        {
                            "name": "shape",
                            "type": "histosys",
                            "data": {"hi_data": [52.0, 61.0], "lo_data": [47.0, 58.0]},
                        },
                        {"name": "counts", "type": "shapesys", "data": [5.0, 6.0]},
                        {"name": "mc", "type": "staterror", "data": [1.0, 2.0]},
                    ],
                },
            ],
        }
    ],
    "observations": [{"name": "SR", "data": [51.0, 63.0]}],
    "measurements": [{"name": "search", "config": {"poi": "mu", "parameters": []}}],
    "version": "1.0.0",
}
PATCH = [{"op": "replace", "path": "/channels/0/samples/0/data", "value": [3.0, 4.0]}]


def changed(keys, value):
    """The workspace with one value replaced; ``keys`` lead to it."""
    document = copy.deepcopy(WORKSPACE)
    place = document
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = value
    return document


def written(folder, document, name="workspace.json"):
    path = folder / name
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return path


def patchset_of(folder, document):
    """A patchset with one patch, made for ``document`` (pyhf's digest: canonical JSON)."""
    canonical = json.dumps(document, sort_keys=True, ensure_ascii=False)
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    patch = {"metadata": {"name": "heavy", "values": [100]}, "patch": PATCH}
    patchset = {
        "metadata": {
            "references": {"hepdata": "ins1234567"},
            "digests": {"sha256": digest},
            "labels": ["mass"],
            "description": "signals",
        },
        "patches": [patch],
        "version": "1.0.0",
    }
    return written(folder, patchset, "patchset.json")


def assert_refused(kind, path, **options):
    """Opening and evaluating raises exactly this kind, with one line that names the culprit."""
    with pytest.raises(kind) as caught:
        open_likelihood(path, **options)
    message = str(caught.value)
    assert type(caught.value) is kind
    assert "Received:" in message
    assert "\n" not in message
    return message


def test_the_example_itself_opens(tmp_path):
    """What the other tests spoil is a good workspace, alone and patched."""
    path = written(tmp_path, WORKSPACE)
    plain = open_likelihood(path)
    patched = open_likelihood(path, patchset=patchset_of(tmp_path, WORKSPACE), patch="heavy")
    points = plain.parameters.inits[None]
    np.testing.assert_allclose(plain.expected_events(points), [[51, 62]])
    np.testing.assert_allclose(patched.expected_events(points), [[53, 64]])
    assert plain.digest != patched.digest


def test_missing_file(tmp_path):
    """The path is repeated, so that a typing error shows."""
    assert "absent.json" in assert_refused(InvalidFile, tmp_path / "absent.json")


def test_folder_instead_of_a_file(tmp_path):
    """A folder called like a workspace cannot be read."""
    (tmp_path / "folder.json").mkdir()
    assert_refused(InvalidFile, tmp_path / "folder.json")


@pytest.mark.parametrize("text", ["", "{", "mu: 1", '{"channels": [}', "\x00"])
def test_invalid_json(tmp_path, text):
    """Text that is no JSON is said to be none."""
    assert "JSON" in assert_refused(InvalidFile, written(tmp_path, text))


def test_bytes_that_are_no_text(tmp_path):
    """A binary file is refused like any text that is no JSON."""
    path = tmp_path / "workspace.json"
    path.write_bytes(b"\x89HDF\r\n\x1a\n\xff\xfe")
    assert_refused(InvalidFile, path)


@pytest.mark.parametrize("document", [[], [WORKSPACE], "text", 1, None])
def test_json_that_is_no_object(tmp_path, document):
    """A list or a scalar is named by its type."""
    message = assert_refused(InvalidFile, written(tmp_path, json.dumps(document)))
    assert type(document).__name__ in message


@pytest.mark.parametrize("document", [{}, {"version": "1.0.0"}, {"channels": []}])
def test_object_that_is_no_workspace(tmp_path, document):
    """An object without channels or measurements is another kind of file."""
    assert "workspace" in assert_refused(InvalidFile, written(tmp_path, document))


def test_workspace_without_observations(tmp_path):
    """Without data there is no likelihood."""
    document = {key: value for key, value in WORKSPACE.items() if key != "observations"}
    assert_refused(InvalidLikelihood, written(tmp_path, document))


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        (["channels"], []),
        (["channels"], 3),
        (["channels", 0, "samples"], []),
        (["measurements"], []),
        (["measurements", 0], {"name": "search"}),
        (["observations"], []),
        (["observations", 0, "name"], "CR"),
        (["channels", 0, "samples", 1, "modifiers", 0, "type"], "magic"),
        (["channels", 0, "samples", 1, "modifiers", 0, "data"], {"hi": 1.1}),
        (["channels", 0, "samples", 1, "modifiers", 1, "data"], {"hi_data": [1.0, 2.0]}),
    ],
)
def test_workspace_with_a_damaged_part(tmp_path, keys, value):
    """What pyhf cannot make into a model is no likelihood."""
    assert_refused(InvalidLikelihood, written(tmp_path, changed(keys, value)))


def test_patchset_of_another_workspace(tmp_path):
    """One changed number changes the digest, and the patchset no longer applies."""
    patchset = patchset_of(tmp_path, WORKSPACE)
    other = changed(["channels", 0, "samples", 1, "data", 0], 50.001)
    message = assert_refused(
        InvalidFile, written(tmp_path, other), patchset=patchset, patch="heavy"
    )
    assert "digest" in message


def test_unknown_patch(tmp_path):
    """The patches that there are come with the refusal."""
    patchset = patchset_of(tmp_path, WORKSPACE)
    message = assert_refused(
        InvalidFile, written(tmp_path, WORKSPACE), patchset=patchset, patch="light"
    )
    assert "heavy" in message
    assert "'light'" in message


def test_patch_and_patchset_go_together(tmp_path):
    """One without the other says which is missing."""
    path, patchset = written(tmp_path, WORKSPACE), patchset_of(tmp_path, WORKSPACE)
    assert_refused(InvalidFile, path, patch="heavy")
    assert_refused(InvalidFile, path, patchset=patchset)


def test_file_that_is_no_patchset(tmp_path):
    """A workspace in the place of a patchset is refused."""
    path = written(tmp_path, WORKSPACE)
    assert "patchset" in assert_refused(InvalidFile, path, patchset=path, patch="heavy")


def test_missing_patchset(tmp_path):
    """The path of the patchset is repeated."""
    absent = tmp_path / "absent.json"
    path = written(tmp_path, WORKSPACE)
    assert "absent" in assert_refused(InvalidFile, path, patchset=absent, patch="heavy")


def test_patch_that_does_not_fit(tmp_path):
    """A patch of a sample that is not there cannot be applied."""
    patchset = patchset_of(tmp_path, WORKSPACE)
    document = json.loads(patchset.read_text())
    document["patches"][0]["patch"][0]["path"] = "/channels/7/samples/0/data"
    path = written(tmp_path, WORKSPACE)
    written(tmp_path, document, "patchset.json")
    assert_refused(InvalidFile, path, patchset=patchset, patch="heavy")


def test_unknown_measurement(tmp_path):
    """The name that was asked for is repeated."""
    path = written(tmp_path, WORKSPACE)
    assert "other" in assert_refused(InvalidLikelihood, path, measurement="other")


@pytest.mark.parametrize("poi", ["", "absent"])
def test_no_parameter_of_interest(tmp_path, poi):
    """A measurement must name a parameter that there is."""
    document = changed(["measurements", 0, "config", "poi"], poi)
    assert_refused(InvalidLikelihood, written(tmp_path, document))


@pytest.mark.parametrize("code", ["code4", "code7"])
def test_unknown_interpolation_code(tmp_path, code):
    """The codes of histosys that there are come with the refusal."""
    path = written(tmp_path, WORKSPACE)
    assert "code4p" in assert_refused(InvalidLikelihood, path, histosys_code=code)


BACKGROUND = ["channels", 0, "samples", 1]


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        ([*BACKGROUND, "data"], [50.0]),
        ([*BACKGROUND, "data"], [50.0, 60.0, 70.0]),
        ([*BACKGROUND, "modifiers", 1, "data", "hi_data"], [52.0]),
        ([*BACKGROUND, "modifiers", 1, "data", "lo_data"], [47.0, 58.0, 9.0]),
        ([*BACKGROUND, "modifiers", 2, "data"], [5.0]),
        ([*BACKGROUND, "modifiers", 2, "data"], [5.0, 6.0, 7.0]),
        ([*BACKGROUND, "modifiers", 3, "data"], [1.0]),
        ([*BACKGROUND, "modifiers", 3, "data"], [1.0, 2.0, 3.0]),
        (["observations", 0, "data"], [51.0]),
        (["observations", 0, "data"], [51.0, 63.0, 70.0]),
    ],
)
def test_wrong_lengths(tmp_path, keys, value):
    """A histogram with too few or too many bins is refused, whatever it is."""
    assert_refused(InvalidLikelihood, written(tmp_path, changed(keys, value)))


def test_counts_in_the_wrong_channel(tmp_path):
    """The number of counts must be right in each channel, not only in all together."""
    document = copy.deepcopy(WORKSPACE)
    control = copy.deepcopy(document["channels"][0])
    control["name"] = "CR"
    control["samples"][1]["modifiers"] = []
    document["channels"].append(control)
    document["observations"] = [
        {"name": "CR", "data": [50.0, 60.0, 70.0]},
        {"name": "SR", "data": [50.0]},
    ]
    assert "'CR'" in assert_refused(InvalidLikelihood, written(tmp_path, document))


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(
    "keys",
    [
        [*BACKGROUND, "data", 0],
        [*BACKGROUND, "modifiers", 1, "data", "hi_data", 1],
        [*BACKGROUND, "modifiers", 1, "data", "lo_data", 0],
        [*BACKGROUND, "modifiers", 0, "data", "hi"],
        [*BACKGROUND, "modifiers", 2, "data", 0],
        [*BACKGROUND, "modifiers", 3, "data", 1],
        ["observations", 0, "data", 1],
    ],
)
def test_numbers_that_are_not_finite(tmp_path, keys, number):
    """Python's JSON reads NaN and Infinity; a likelihood has none."""
    assert_refused(InvalidLikelihood, written(tmp_path, changed(keys, number)))


def test_negative_count(tmp_path):
    """Nobody observes fewer than no events."""
    document = changed(["observations", 0, "data", 1], -1.0)
    assert_refused(InvalidLikelihood, written(tmp_path, document))


@pytest.mark.parametrize("factor", [0.0, -0.5])
@pytest.mark.parametrize("end", ["hi", "lo"])
def test_factors_that_are_not_positive(tmp_path, end, factor):
    """Codes 1 and 4 take logarithms of the factors; pyhf answers NaN."""
    document = changed([*BACKGROUND, "modifiers", 0, "data", end], factor)
    message = assert_refused(InvalidLikelihood, written(tmp_path, document))
    assert "scale" in message
    assert "background" in message


@pytest.mark.parametrize("value", ["many", None, [1.0], {}])
@pytest.mark.parametrize("place", ["nominal", "hi"])
def test_texts_in_the_place_of_numbers(tmp_path, place, value):
    """A word, a null or a list where a number should be is refused, not a traceback."""
    keys = {"nominal": ["data", 0], "hi": ["modifiers", 0, "data", "hi"]}[place]
    assert_refused(InvalidLikelihood, written(tmp_path, changed([*BACKGROUND, *keys], value)))


def test_everything_fixed(tmp_path):
    """A likelihood without a free parameter is none."""
    document = changed(
        ["measurements", 0, "config", "parameters"],
        [{"name": name, "fixed": True} for name in ("mu", "scale", "shape", "counts", "mc")],
    )
    with pytest.raises(ValueError, match="at least one") as caught:
        open_likelihood(written(tmp_path, document))
    assert "Received:" in str(caught.value)
