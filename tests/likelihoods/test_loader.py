"""Opening files that hold a likelihood, and files that hold none."""

import json
from pathlib import Path

import numpy as np
import pytest

from dnnlik.exceptions import InvalidFile, InvalidLikelihood, InvalidParameters
from dnnlik.likelihoods import AnalyticLikelihood, open_likelihood
from dnnlik.likelihoods.histfactory import HistFactoryLikelihood

WORKSPACE = Path(__file__).resolve().parents[2] / "likelihoods" / "two_regions" / "workspace.json"
DEFINITION = """
from dnnlik.likelihoods import AnalyticLikelihood
from dnnlik.parameters import Parameter

def log_main(points):
    return -0.5 * (points[:, 0] - {centre}) ** 2

def likelihood():
    return AnalyticLikelihood([Parameter("mu", 0, (-5, 5), poi=True)], log_main)
"""


def written(folder, text, name="likelihood.py"):
    path = folder / name
    path.write_text(text)
    return path


def assert_refused(kind, path, **options):
    with pytest.raises(kind) as caught:
        open_likelihood(path, **options)
    assert type(caught.value) is kind
    message = str(caught.value)
    assert "Received:" in message
    assert "\n" not in message
    return message


def test_python_file_opens(tmp_path):
    """The function of the file is the likelihood; text and Path name it alike."""
    path = written(tmp_path, DEFINITION.format(centre=1))
    for name in (path, str(path)):
        likelihood = open_likelihood(name)
        assert isinstance(likelihood, AnalyticLikelihood)
        np.testing.assert_allclose(likelihood.log_likelihood([[1.0], [3.0]]), [0, -2])


def test_workspace_opens():
    """A JSON file is a workspace, its first measurement the default."""
    likelihood = open_likelihood(WORKSPACE)
    assert isinstance(likelihood, HistFactoryLikelihood)
    name = json.loads(WORKSPACE.read_text())["measurements"][0]["name"]
    chosen = open_likelihood(WORKSPACE, measurement=name)
    assert chosen.parameters == likelihood.parameters


def test_digest_changes_with_the_file(tmp_path):
    """One other character of a Python file is another likelihood; the same text is the same."""
    first = open_likelihood(written(tmp_path, DEFINITION.format(centre=1))).digest
    again = open_likelihood(written(tmp_path, DEFINITION.format(centre=1), "copy.py")).digest
    other = open_likelihood(written(tmp_path, DEFINITION.format(centre=2))).digest
    assert first == again
    assert first != other


def test_digest_changes_with_the_data_that_the_author_names(tmp_path):
    """The author's own digest, of data that the file reads, is part of it."""
    text = DEFINITION.format(centre=1).replace("log_main)", "log_main, digest=DATA)")
    data = tmp_path / "data.txt"
    reading = f"from pathlib import Path\nDATA = Path({str(data)!r}).read_text()\n"
    path = written(tmp_path, reading + text)
    digests = []
    for number in (1, 2):
        data.write_text(f"counts {number}")
        digests.append(open_likelihood(path).digest)
    assert digests[0] != digests[1]


def test_digest_changes_with_the_workspace_and_the_choices(tmp_path):
    """A number, a measurement or a code makes another likelihood; layout of the text does not."""
    document = json.loads(WORKSPACE.read_text())
    same = written(tmp_path, json.dumps(document), "same.json")
    document["observations"][0]["data"][0] += 1
    other = written(tmp_path, json.dumps(document), "other.json")
    reference = open_likelihood(WORKSPACE).digest
    assert open_likelihood(same).digest == reference
    assert open_likelihood(other).digest != reference
    assert open_likelihood(WORKSPACE, normsys_code="code1").digest != reference
    assert open_likelihood(WORKSPACE, histosys_code="code0").digest != reference


def test_file_without_likelihood(tmp_path):
    """A Python file must define likelihood()."""
    message = assert_refused(InvalidLikelihood, written(tmp_path, "x = 1\n"))
    assert "likelihood()" in message
    assert_refused(InvalidLikelihood, written(tmp_path, "likelihood = 3\n"))
    assert_refused(InvalidLikelihood, written(tmp_path, ""))


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("def likelihood(:\n", "SyntaxError"),
        ("import no_such_module_of_anyone\n", "ModuleNotFoundError"),
        ("raise ValueError('line one\\nline two')\n", "line one line two"),
        ("x = '\x00'\n", "null bytes"),
    ],
)
def test_file_that_cannot_be_run(tmp_path, text, word):
    """The error of the file is named, on one line."""
    assert word in assert_refused(InvalidLikelihood, written(tmp_path, text))


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("def likelihood(): return {'mu': 1}\n", "dict"),
        ("def likelihood(): return None\n", "NoneType"),
        ("def likelihood(): return lambda points: 0\n", "function"),
        ("def likelihood(): return 1 / 0\n", "ZeroDivisionError"),
        ("def likelihood(path): return 1\n", "TypeError"),
    ],
)
def test_likelihood_that_returns_something_else(tmp_path, text, word):
    """What is no likelihood is named by its type, a failure by its error."""
    assert word in assert_refused(InvalidLikelihood, written(tmp_path, text))


def test_errors_of_dnnlik_pass_unchanged(tmp_path):
    """A bad parameter in the file is told as such."""
    text = DEFINITION.format(centre=1).replace("(-5, 5)", "(5, -5)")
    assert "'mu'" in assert_refused(InvalidParameters, written(tmp_path, text))


@pytest.mark.parametrize("name", ["likelihood.txt", "workspace.yaml", "workspace", "model.onnx"])
def test_other_kinds_of_files(tmp_path, name):
    """Only .json and .py are likelihoods, there or not."""
    assert name in assert_refused(InvalidFile, tmp_path / name)
    assert name in assert_refused(InvalidFile, written(tmp_path, "mu", name))


@pytest.mark.parametrize("name", ["absent.py", "absent.json"])
def test_missing_files(tmp_path, name):
    """The path is repeated, so that a typing error shows."""
    assert name in assert_refused(InvalidFile, tmp_path / name)


def test_folder_called_like_a_python_file(tmp_path):
    """A folder is no file."""
    (tmp_path / "folder.py").mkdir()
    assert_refused(InvalidFile, tmp_path / "folder.py")


@pytest.mark.parametrize("option", ["patchset", "patch", "measurement"])
def test_python_files_take_no_options_of_workspaces(tmp_path, option):
    """They would be ignored without a word."""
    path = written(tmp_path, DEFINITION.format(centre=1))
    assert_refused(InvalidLikelihood, path, **{option: "x"})
