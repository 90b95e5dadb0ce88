"""fit, scan and limit as a user meets them: exit codes, JSON, figures, bad input."""

import json
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from command_line import dnnlik

from dnnlik.asimov import AsimovCurve
from dnnlik.bundle.archive import write_archive
from dnnlik.inference.asymptotics import expected_root
from dnnlik.onnx.graph import surrogate_model
from dnnlik.onnx.metadata import metadata_properties
from dnnlik.onnx.verify import write

ROOT = Path(__file__).resolve().parents[2]
WORKSPACE = ROOT / "likelihoods" / "two_regions" / "workspace.json"

GAUSS = """
import numpy as np
from dnnlik import AnalyticLikelihood, Normal, Parameter


def log_main(points):
    return -0.5 * ((points[:, 0] + points[:, 1]) / 0.5) ** 2


def likelihood():
    return AnalyticLikelihood(
        [
            Parameter("mu", init=1, bounds=(0, UPPER), poi=True),
            Parameter("jes", init=0, bounds=(-5, 5), constraint=Normal(0, 1.2)),
        ],
        log_main,
    )
"""
# σ² = 0.5² + 1.2², and the limit of data that are the expected ones.
SIGMA = 1.3


@pytest.fixture(scope="module")
def gauss(tmp_path_factory):
    """μ̂ = 0 ± 1.3 with one nuisance parameter."""
    path = tmp_path_factory.mktemp("gauss") / "gauss.py"
    path.write_text(GAUSS.replace("UPPER", "20"))
    return path


def result_of(*arguments, code=0):
    """The JSON on stdout of a command that ended with an exit code."""
    done = dnnlik(*arguments)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return json.loads(done.stdout, parse_constant=pytest.fail)


def refused(code, complaint, *arguments):
    """One clear line on stderr, nothing on stdout, no traceback."""
    done = dnnlik(*arguments)
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("Error: ")
    assert complaint in last


def pictures(folder):
    """Figures of a folder; nothing temporary is left there."""
    assert not [p for p in folder.iterdir() if p.name.startswith(".") or p.suffix == ".new"]
    found = sorted(p for p in folder.iterdir() if p.suffix == ".png")
    assert all(p.read_bytes().startswith(b"\x89PNG") for p in found)
    return [p.name for p in found]


def test_fit_of_a_workspace(tmp_path):
    """Best fit, errors, pulls and impacts, on stdout and in the folder, with figures."""
    result = result_of("fit", WORKSPACE, "--impacts", "-o", tmp_path)
    assert json.loads((tmp_path / "fit.json").read_text()) == result
    assert result["converged"]
    rows = {row["name"]: row for row in result["parameters"]}
    assert len(rows) == 17
    assert rows["mu"]["value"] == pytest.approx(0.6404, abs=1e-3)
    assert rows["mu"]["error"] == pytest.approx(0.6902, abs=1e-3)
    assert "pull" not in rows["mu"]
    assert rows["lumi"]["constraint"] == pytest.approx(1, abs=0.02)
    ranking = result["impacts"]["ranking"]
    assert len(ranking) == 16
    sizes = [max(map(abs, row["postfit"])) for row in ranking]
    assert sizes == sorted(sizes, reverse=True)
    assert pictures(tmp_path) == ["impacts.png", "pulls.png"]


def test_scan_of_a_workspace(tmp_path):
    """t at the values that were asked for, and the intervals."""
    result = result_of("scan", WORKSPACE, "--values", "-0.5:2:6", "-o", tmp_path)
    assert json.loads((tmp_path / "scan.json").read_text()) == result
    np.testing.assert_allclose(result["values"], np.linspace(-0.5, 2, 6))
    assert min(result["t"]) >= 0
    (lower, upper), _ = (row["interval"] for row in result["intervals"])
    assert lower == pytest.approx(-0.0239, abs=1e-3)
    assert upper == pytest.approx(1.3616, abs=1e-3)
    assert pictures(tmp_path) == ["scan.png"]


def test_limit_of_a_workspace_with_toys(tmp_path):
    """Limits from the Asimov dataset, toys beside them with errors, and the figure."""
    result = result_of("limit", WORKSPACE, "--toys", "60", "--seed", "3", "-o", tmp_path)
    assert json.loads((tmp_path / "limit.json").read_text()) == result
    assert result["asimov"] == "dataset"
    assert result["reached"]
    assert result["observed"] == pytest.approx(1.93745, rel=1e-4)
    assert list(result["expected"]) == ["-2", "-1", "0", "1", "2"]
    assert result["expected"]["0"] == pytest.approx(1.37119, rel=1e-4)
    assert result["toys"]["count"] == 60
    assert len(result["toys"]["cls_error"]) == len(result["toys"]["values"])
    assert pictures(tmp_path) == ["brazil.png"]


def test_a_python_likelihood(gauss):
    """The three commands on a function of plain NumPy, against closed forms."""
    fitted = result_of("fit", gauss)
    assert fitted["parameters"][0]["error"] is None  # μ̂ is at its bound
    scan = result_of("scan", gauss, "--parameter", "mu", "--values", "0:2:3")
    np.testing.assert_allclose(scan["t"], (np.arange(3) / SIGMA) ** 2, atol=1e-5)
    limit = result_of("limit", gauss, "--level", "0.9")
    assert limit["asimov"] == "wald"
    # Φ⁻¹(0.95): CL_s = 0.1 of background alone.
    assert limit["observed"] == pytest.approx(1.6449 * SIGMA, rel=1e-3)


def test_a_bundle_is_asked_like_the_exact_likelihood(small_run, tmp_path):
    """A bundle folder, its .zip or .onnx file; whether the answer is in its domain is said."""
    bundle = small_run.folder / "bundle"
    fitted = result_of("fit", bundle, "--impacts", "-o", tmp_path)
    assert fitted["in_domain"] is True
    assert fitted["converged"]
    packed = write_archive(bundle, tmp_path / "packed.zip")
    for other in (bundle / "likelihood.onnx", packed):
        assert result_of("fit", other)["parameters"] == fitted["parameters"]
    scan = result_of("scan", bundle)
    assert len(scan["in_domain"]) == len(scan["values"]) == 41
    limits = dnnlik("limit", bundle, "-o", tmp_path)
    assert limits.returncode in (0, 4), limits.stderr
    assert json.loads(limits.stdout)["asimov"] == "wald"
    assert pictures(tmp_path) == ["brazil.png", "impacts.png", "pulls.png"]


def test_a_bundle_makes_no_toys(small_run):
    """It knows no other data: one line, before any fit."""
    bundle = small_run.folder / "bundle"
    refused(3, "Received: PublishedLikelihood", "limit", bundle, "--toys", "10")
    refused(3, "patches and measurements", "fit", bundle, "--patch", "x")


def test_a_limit_that_is_not_reached(tmp_path):
    """What there is is printed and written; exit code 4."""
    path = tmp_path / "narrow.py"
    path.write_text(GAUSS.replace("UPPER", "3"))
    done = dnnlik("limit", path, "-o", tmp_path / "out")
    assert done.returncode == 4
    assert "wider bounds are needed" in done.stderr.splitlines()[-1]
    result = json.loads(done.stdout)
    assert not result["reached"]
    assert result["expected"]["2"] is None
    assert result["expected"]["-2"] == pytest.approx(1.0523 * SIGMA, rel=1e-3)
    assert pictures(tmp_path / "out") == ["brazil.png"]


BAD_VALUES = ["0:1", "a:b:c", "nan:1:3", "0:inf:3", "0:1:0", "0:1:-2", "0:1:2.5", "",
              "0:1:1000000000000"]  # fmt: skip


@pytest.mark.parametrize("values", BAD_VALUES)
def test_malformed_values_are_wrong_usage(values, gauss):
    """Exit code 2, and what was expected."""
    done = dnnlik("scan", gauss, "--values", values)
    assert done.returncode == 2
    assert "LOW:HIGH:COUNT" in done.stderr
    assert done.stdout == ""


def test_bad_input_is_one_line(gauss, tmp_path):
    """Unknown parameters, values outside the bounds, files: exit code 3."""
    refused(3, "Received: 'nothing'", "scan", gauss, "--parameter", "nothing")
    refused(3, "Received: 'nothing'", "limit", gauss, "--parameter", "nothing")
    refused(3, "Received: 'nothing'", "fit", gauss, "--impacts", "--parameter", "nothing")
    refused(3, "within its bounds", "scan", gauss, "--values", "0:30:3")
    refused(3, "use qtilde", "limit", gauss, "--test-statistic", "q")
    refused(3, "a toy needs other data", "limit", gauss, "--toys", "10")
    refused(3, "no such", "fit", tmp_path / "none.json")
    refused(3, "no such", "limit", tmp_path / "none.onnx")
    occupied = tmp_path / "file"
    occupied.write_text("")
    refused(3, "cannot write", "fit", gauss, "-o", occupied)


def test_nonsense_from_a_likelihood(tmp_path):
    """NaN everywhere: one line, exit code 3."""
    path = tmp_path / "nan.py"
    path.write_text(GAUSS.replace("UPPER", "3").replace("return -0.5", "return np.nan * -0.5"))
    for command in ("fit", "scan", "limit"):
        refused(3, "must be a number", command, path)


def test_a_likelihood_that_is_zero_everywhere(tmp_path):
    """Minus infinity is a value, but there is nothing to fit: exit code 4, in one line."""
    path = tmp_path / "zero.py"
    path.write_text(GAUSS.replace("UPPER", "3").replace("return -0.5", "return -np.inf + 0 * -0.5"))
    for command in ("fit", "scan", "limit"):
        done = dnnlik(command, path)
        assert done.returncode == 4, done.stderr
        assert "Warning" not in done.stderr
        assert "not finite where the fit starts" in done.stderr.splitlines()[-1]


def test_a_bundle_needs_no_tensorflow(small_run):
    """Fits and limits of a published likelihood with the training stack hidden."""
    program = (
        "import sys\n"
        "sys.modules.update(dict.fromkeys(['tensorflow', 'keras', 'pyhf', 'emcee', 'onnx']))\n"
        "from dnnlik.cli import main\n"
        f"main(['fit', {str(small_run.folder / 'bundle')!r}, '--impacts'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["converged"]


def test_a_copy_has_the_limit_of_the_exact_likelihood(small_run):
    """The same call on both, both without other data."""
    bundle = small_run.folder / "bundle"
    exact = Path(__file__).resolve().parents[1] / "small_likelihood.py"
    ours, theirs = (json.loads(dnnlik("limit", path).stdout) for path in (bundle, exact))
    assert ours["asimov"] == theirs["asimov"] == "wald"
    assert ours["observed"] == pytest.approx(theirs["observed"], rel=0.02)
    assert ours["expected"]["0"] == pytest.approx(theirs["expected"]["0"], rel=0.02)


def test_a_copy_with_a_table_of_asimov_values(small_run, tmp_path):
    """The expected limits are where the table says, √q_{μ,A} = 2μ: half of the closed
    form for unit width."""
    values = np.linspace(0, 5, 11)
    curve = AsimovCurve("mu", values, 2 * values)
    description = replace(small_run.surrogate.description, asimov=(curve,))
    properties = metadata_properties(description, accuracy={}, author="A", license="CC0-1.0")
    write(surrogate_model(description, metadata=properties), tmp_path / "likelihood.onnx")
    found = result_of("limit", tmp_path / "likelihood.onnx")
    assert found["asimov"] == "published"
    expected = 0.5 * expected_root(0.05)
    np.testing.assert_allclose(list(found["expected"].values()), expected, rtol=1e-4)


def test_wrong_usage():
    """Exit code 2 for what click itself refuses."""
    assert dnnlik("limit", "x.json", "--toys", "0").returncode == 2
    assert dnnlik("limit", "x.json", "--test-statistic", "t").returncode == 2
    assert dnnlik("fit").returncode == 2


def test_without_matplotlib(gauss, tmp_path):
    """No figures, one line that says so, and the JSON all the same."""
    hidden = (
        "import sys, importlib.util as u\n"
        "find = u.find_spec\n"
        "u.find_spec = lambda name, *a: None if name == 'matplotlib' else find(name, *a)\n"
        "from dnnlik.cli import main\n"
        f"main(['fit', {str(gauss)!r}, '-o', {str(tmp_path)!r}])"
    )
    done = subprocess.run(
        [sys.executable, "-c", hidden], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "matplotlib is not installed" in done.stderr
    assert math.isfinite(json.loads(done.stdout)["log_likelihood"])
    assert pictures(tmp_path) == []
    assert (tmp_path / "fit.json").exists()
