"""Combination files: what they say, that members may not change, and what they need."""

import json
import subprocess
import sys

import numpy as np
import pytest

import dnnlik
from dnnlik.combination import combine, is_combination, open_combination, write_combination
from dnnlik.combination.document import is_published, read_recipe
from dnnlik.exceptions import InvalidFile, InvalidInput
from dnnlik.parameters import Normal

POINTS = np.array([[0.1, 0.2, -0.1, 0.3], [1.0, -0.5, 0.2, 0.0]])
HIDDEN = ["tensorflow", "keras", "pyhf", "emcee", "h5py", "onnx", "matplotlib"]


@pytest.fixture
def written(published_files, tmp_path):
    """A combination file in a folder beside its members'."""
    path = tmp_path / "deep" / "combination.json"
    write_combination(path, published_files)
    return path


def test_a_file_opens_as_what_was_combined(written, published_files, tmp_path):
    """The same values and digest; paths are relative, so that the folder may move."""
    direct = combine([dnnlik.load(path, threads=1) for path in published_files])
    opened = open_combination(written)
    np.testing.assert_array_equal(opened.log_likelihood(POINTS), direct.log_likelihood(POINTS))
    assert opened.digest == direct.digest
    assert [member.path for member in read_recipe(written).members] == ["../a.onnx", "../b.onnx"]
    moved = tmp_path.rename(tmp_path.with_name("moved"))
    assert open_combination(moved / "deep" / "combination.json").digest == direct.digest
    moved.rename(tmp_path)


def test_every_argument_goes_through_the_file(published_files, tmp_path):
    """Renames, what is shared, pois, priors and constraints come back."""
    given = {
        "rename": [{}, {"two": "one"}],
        "shared": ["mu", "one"],
        "poi": ["mu", "one"],
        "priors": {"mu": Normal(1, 2)},
        "constraints": {"one": Normal(0, 0.1)},
    }
    path = tmp_path / "all.json"
    write_combination(path, published_files, **given)
    direct = combine([dnnlik.load(member, threads=1) for member in published_files], **given)
    opened = open_combination(path)
    assert opened.parameters == direct.parameters
    assert opened.parameters.names == ("mu", "1.jes", "one", "2.jes")
    assert opened.digest == direct.digest


def test_a_changed_member_is_refused(written, published_files):
    """Another file of the same name is another likelihood; so is a missing one."""
    first, second = published_files
    first.write_bytes(second.read_bytes())
    with pytest.raises(InvalidFile, match="a member was changed"):
        open_combination(written)
    first.unlink()
    with pytest.raises(InvalidFile, match="no such likelihood"):
        open_combination(written)


def test_combinations_of_combinations(written, published_files, tmp_path):
    """A member may be a combination file; what a published one needs is passed on."""
    outer = tmp_path / "outer.json"
    write_combination(outer, [written], priors={"mu": Normal(0, 1)})
    assert is_published(outer)
    assert open_combination(outer).parameters["mu"].prior == Normal(0, 1)
    python = tmp_path / "likelihood.py"
    python.write_text(
        "from dnnlik import AnalyticLikelihood, Parameter\n"
        "def likelihood():\n"
        "    p = [Parameter('mu', 0, (-4, 4), poi=True)]\n"
        "    return AnalyticLikelihood(p, lambda x: -0.5 * x[:, 0] ** 2)\n"
    )
    mixed = tmp_path / "mixed.json"
    value = write_combination(mixed, [outer, python], priors={"mu": None})
    assert not is_published(mixed)
    parts = open_combination(outer).log_likelihood(POINTS) - 0.5 * POINTS[:, 0] ** 2
    np.testing.assert_allclose(value.log_likelihood(POINTS), parts, rtol=1e-12)


def test_two_published_files_need_no_training_stack(written):
    """Opened, fitted and given a limit with NumPy, SciPy and onnxruntime alone."""
    program = (
        f"import sys; sys.modules.update(dict.fromkeys({HIDDEN}))\n"
        "import dnnlik\n"
        "from dnnlik.combination import open_combination\n"
        "from dnnlik.inference import fit, upper_limit\n"
        f"both = open_combination({str(written)!r})\n"
        "both = dnnlik.with_priors(both, {'mu': dnnlik.Normal(0, 1)})\n"
        "print(fit(both).checked().converged, upper_limit(both).observed > 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == ["True", "True"], done.stderr


def test_a_member_is_not_written_over(written):
    """A combination with other priors under its own name would be a member that has changed."""
    before = written.read_bytes()
    with pytest.raises(InvalidInput, match=r"another output.*Received: "):
        write_combination(written, [written], priors={"mu": Normal(0, 1)})
    assert written.read_bytes() == before


def test_one_file_twice_is_refused(published_files, tmp_path):
    """Under the same names its data would count twice; nothing is written."""
    path = tmp_path / "twice.json"
    with pytest.raises(InvalidInput, match="counts its data twice"):
        write_combination(path, [published_files[0]] * 2)
    assert not path.exists()
    with pytest.raises(InvalidInput, match="one mapping for each member"):
        write_combination(path, published_files, rename=[{}])


@pytest.mark.parametrize(
    "change",
    [
        {"schema": "dnnlik.combination/2"},
        {"members": "a.onnx"},
        {"members": [3]},
        {"members": [{"path": "a.onnx"}]},
        {"members": [{"path": "a.onnx", "sha256": "0", "rename": ["mu"]}]},
        {"members": [{"path": "a.onnx", "sha256": "0", "rename": {"mu": 1}}]},
        {"members": []},
        {"shared": "mu"},
        {"poi": [1]},
        {"priors": {"mu": {"type": "flat"}}},
        {"constraints": 3},
        {"weights": [1, 1]},
    ],
)
def test_damaged_files(change, written):
    """Anything that means nothing is one line that says what was received."""
    written.write_text(json.dumps({**json.loads(written.read_text()), **change}))
    with pytest.raises(InvalidInput, match="Received: "):
        open_combination(written)


def test_what_is_no_combination(tmp_path):
    """Workspaces, other JSON and missing files are not taken for one."""
    for name, text in (("w.json", '{"channels": []}'), ("l.json", "[1]"), ("x.json", "{")):
        (tmp_path / name).write_text(text)
        assert not is_combination(tmp_path / name)
    assert not is_combination(tmp_path / "missing.json")
    assert not is_combination(tmp_path)
