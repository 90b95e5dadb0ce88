"""Other languages read what is published and find what its test vectors say.

The programs are those of docs/examples; what they print is compared here once more.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
from onnx.reference import ReferenceEvaluator
from programs import MODULES, ROOT, compile_command

NAMES = ("log_likelihood", "log_constraint", "gradient", "in_domain")
FILES = [
    ("surrogate_folder", "likelihood.onnx", 1e-9),
    ("surrogate_folder", "likelihood_float32.onnx", 1e-5),
    ("exact_folder", "likelihood.onnx", 1e-9),
]
every_file = pytest.mark.parametrize(("folder", "name", "tolerance"), FILES)


def vectors_of(folder):
    document = json.loads((folder / "test_vectors.json").read_text())
    return document, {name: np.array(document[name]) for name in NAMES}


def assert_are_the_vectors(found, folder, tolerance):
    """Values relative to max(1, |b|), gradients by the lengths of the vectors of a point."""
    _, wanted = vectors_of(folder)
    for name in ("log_likelihood", "log_constraint"):
        size = np.maximum(1, np.abs(wanted[name]))
        np.testing.assert_array_less(np.abs(found[name] - wanted[name]) / size, tolerance)
    length = np.maximum(1, np.linalg.norm(wanted["gradient"], axis=1))
    distance = np.linalg.norm(found["gradient"] - wanted["gradient"], axis=1)
    np.testing.assert_array_less(distance / length, tolerance)
    assert found["in_domain"].astype(bool).tolist() == wanted["in_domain"].tolist()
    assert len(set(wanted["in_domain"].tolist())) == 2


def from_json(result):
    printed = json.loads(result.stdout)
    return printed, {name: np.array(printed[name]) for name in NAMES}


def from_rows(result):
    """What the C program prints: value, domain, constraint and gradient of each point."""
    rows = np.array([line.split() for line in result.stdout.splitlines()], dtype=float)
    columns = {"log_likelihood": 0, "in_domain": 1, "log_constraint": 2}
    found = {name: rows[:, column] for name, column in columns.items()}
    return found | {"gradient": rows[:, 3:]}


@every_file
def test_javascript(node, request, folder, name, tolerance):
    """Node finds the parameters in metadata.json and every number of the vectors."""
    folder = request.getfixturevalue(folder)
    result = node(folder, name)
    assert result.returncode == 0, result.stderr
    printed, found = from_json(result)
    assert_are_the_vectors(found, folder, tolerance)
    assert printed["passed"]
    assert printed["parameters"] == vectors_of(folder)[0]["parameters"]


@every_file
def test_c(compiled, request, folder, name, tolerance):
    """A C program finds every number of the vectors."""
    folder = request.getfixturevalue(folder)
    result = compiled(folder, name)
    assert result.returncode == 0, result.stderr
    assert_are_the_vectors(from_rows(result), folder, tolerance)


@every_file
def test_the_reference_evaluator(request, folder, name, tolerance):
    """The evaluator of the onnx package, which shares no code with ONNX Runtime."""
    folder = request.getfixturevalue(folder)
    points = np.array(vectors_of(folder)[0]["points"])
    found = ReferenceEvaluator(str(folder / name)).run(list(NAMES), {"parameters": points})
    assert_are_the_vectors(dict(zip(NAMES, found, strict=True)), folder, tolerance)


CHANGES = [
    ("log_likelihood", lambda value: value + 1e-6),
    ("log_constraint", lambda value: value + 1e-6),
    ("gradient", lambda value: value * (1 + 1e-6)),
    ("in_domain", lambda inside: ~inside),
]


@pytest.mark.parametrize(("name", "change"), CHANGES, ids=[name for name, _ in CHANGES])
@pytest.mark.parametrize("language", ["node", "compiled"])
def test_other_vectors_are_noticed(surrogate_folder, tmp_path, request, language, name, change):
    """A program says so, with exit code 1, where one output is not that of the vectors."""
    run = request.getfixturevalue(language)
    folder = shutil.copytree(surrogate_folder, tmp_path / "bundle")
    document, wanted = vectors_of(folder)
    changed = document | {name: change(wanted[name]).tolist()}
    (folder / "test_vectors.json").write_text(json.dumps(changed))
    assert run(folder, "likelihood.onnx").returncode == 1


def snippet(language):
    """The first block of a language in docs/languages.md."""
    text = (ROOT / "docs" / "languages.md").read_text()
    return text.split(f"```{language}\n", 1)[1].split("```", 1)[0]


def value_at_the_starting_point(folder):
    names = ["log_likelihood", "gradient"]
    parameters = json.loads((folder / "metadata.json").read_text())["parameters"]
    point = np.array([[parameter["init"] for parameter in parameters]])
    value, gradient = ReferenceEvaluator(str(folder / "likelihood.onnx")).run(
        names, {"parameters": point}
    )
    return np.array([value[0], *gradient[0]])


@pytest.fixture
def desk(surrogate_folder, tmp_path):
    """A folder with a bundle and the modules, as the snippets ask for."""
    shutil.copytree(surrogate_folder, tmp_path / "bundle")
    return tmp_path


def test_the_javascript_of_the_documentation_runs(node, desk):
    """As it is pasted, beside a bundle."""
    (desk / "node_modules").symlink_to(MODULES.parent)
    (desk / "paste.mjs").write_text(snippet("javascript"))
    printed = subprocess.check_output(["node", "paste.mjs"], cwd=desk, text=True)
    found = np.array(re.findall(r"-?\d+\.\d+(?:e-?\d+)?", printed), dtype=float)
    np.testing.assert_allclose(found, value_at_the_starting_point(desk / "bundle"), rtol=1e-12)


def test_the_c_of_the_documentation_runs(compiled, desk):
    """As it is pasted, beside a bundle."""
    (desk / "paste.c").write_text(snippet("c"))
    subprocess.run(compile_command(desk / "paste.c", desk / "paste"), check=True)
    printed = subprocess.check_output([desk / "paste"], cwd=desk, text=True)
    wanted = value_at_the_starting_point(desk / "bundle")
    np.testing.assert_allclose(np.array(printed.split(), dtype=float), wanted, rtol=1e-12)


def test_the_python_of_the_documentation_runs(desk):
    """As it is pasted, beside a bundle."""
    printed = subprocess.check_output(
        [sys.executable, "-c", snippet("python")], cwd=desk, text=True
    )
    assert np.abs(np.array(printed.strip("[] \n").split(), dtype=float)).max() < 1e-9
