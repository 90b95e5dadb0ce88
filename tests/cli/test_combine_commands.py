"""combine and reweight as a user meets them: exit codes, JSON, files, bad input."""

import json
import subprocess
import sys

import numpy as np
import pytest
from command_line import dnnlik

from dnnlik.sampling import Samples

GAUSS = """
from dnnlik import AnalyticLikelihood, Normal, Parameter


def likelihood():
    return AnalyticLikelihood(
        [
            Parameter("NAME", init=1, bounds=(-20, 20), poi=True),
            Parameter("jes", init=0, bounds=(-5, 5), constraint=Normal(0, 0.5)),
        ],
        lambda x: -0.5 * ((x[:, 0] + x[:, 1] - SEEN) / 0.5) ** 2,
    )
"""


def result_of(*arguments):
    """The JSON of a command that ended well."""
    done = dnnlik(*arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def refused(code, complaint, *arguments):
    """One clear line on stderr and this exit code."""
    done = dnnlik(*arguments)
    assert done.returncode == code, done.stderr
    assert complaint in done.stderr.strip().splitlines()[-1]
    return done


@pytest.fixture
def halves(tmp_path):
    """Two measurements, 1 and 2, of one parameter under two names, and of jes."""
    paths = [tmp_path / "one.py", tmp_path / "two.py"]
    for path, name, seen in zip(paths, ("mu", "mu_SIG"), ("1.0", "2.0"), strict=True):
        path.write_text(GAUSS.replace("NAME", name).replace("SEEN", seen))
    return paths


def test_combine_and_fit(halves, tmp_path):
    """Renamed to one parameter: the mean; its variance 0.5²/2 + 0.5², jes counted once."""
    path = tmp_path / "both.json"
    said = result_of("combine", *halves, "--rename", "2:mu_SIG=mu", "-o", path)
    assert said["shared"] == ["mu", "jes"]
    assert said["parameters"] == 2
    fitted = result_of("fit", path)
    mu = fitted["parameters"][0]
    assert mu["value"] == pytest.approx(1.5, abs=1e-4)
    assert mu["error"] == pytest.approx(np.sqrt(0.125 + 0.25), rel=1e-3)
    assert fitted["in_domain"] is None
    inspected = result_of("inspect", path)
    assert inspected["kind"] == "combination"
    assert [m["rename"] for m in inspected["members"]] == [{}, {"mu_SIG": "mu"}]


def said_of(capture):
    """The one line on stderr."""
    (line,) = capture.stderr.strip().splitlines()
    return line


def test_what_is_shared_is_said(halves, tmp_path):
    """Names decide what is one parameter, so each combination says which names did; one member
    alone shares nothing with anybody."""
    output = ("-o", tmp_path / "c.json")
    combine = ("combine", *halves)
    assert said_of(dnnlik(*combine, *output)) == "shared by name: jes"
    both = dnnlik(*combine, "--rename", "2:mu_SIG=mu", *output)
    assert said_of(both) == "shared by name: mu, jes"
    assert json.loads(both.stdout)["shared"] == ["mu", "jes"]
    apart = dnnlik(*combine, "--rename", "2:jes=other", *output)
    assert said_of(apart) == "shared by name: none"
    prior = tmp_path / "prior.json"
    prior.write_text('{"mu": {"type": "normal", "mean": 1, "sigma": 1}}')
    assert dnnlik("combine", halves[0], "--prior", prior, *output).stderr == ""


def test_terms_from_files(halves, tmp_path):
    """A better auxiliary measurement from a file of one member: variance 0.5² + 0.1²."""
    path, terms = tmp_path / "better.json", tmp_path / "terms.json"
    terms.write_text('{"jes": {"type": "normal", "mean": 0, "sigma": 0.1}}')
    result_of("combine", halves[0], "--constraint", terms, "-o", path)
    mu = result_of("fit", path)["parameters"][0]
    assert mu["error"] == pytest.approx(np.sqrt(0.26), rel=1e-3)


def test_a_bundle_combines_without_tensorflow(small_run, tmp_path):
    """Bundle folder with another prior; scan and limit with the training stack hidden."""
    prior, path = tmp_path / "prior.json", tmp_path / "c.json"
    prior.write_text('{"background": {"type": "normal", "mean": 44, "sigma": 5}}')
    program = (
        "import sys\n"
        "sys.modules.update(dict.fromkeys(['tensorflow', 'keras', 'pyhf', 'emcee', 'onnx']))\n"
        "from dnnlik.cli import main\n"
        "main(sys.argv[1:])"
    )
    bundle = small_run.folder / "bundle"
    for arguments in (
        ["combine", bundle, "--prior", prior, "-o", path],
        ["fit", path],
        ["inspect", path],
    ):
        done = subprocess.run(
            [sys.executable, "-c", program, *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    assert result_of("fit", path)["in_domain"] is True


def test_sampling_a_combination(halves, tmp_path):
    """Of Python members by emcee: the posterior's mean; then reweighted and resampled."""
    path, samples = tmp_path / "both.json", tmp_path / "samples.h5"
    result_of("combine", *halves, "--rename", "2:mu_SIG=mu", "-o", path)
    result_of("sample", path, "--points", 6000, "--strategy", "unbiased", "-o", samples)
    opened = Samples.open(samples)
    assert opened.points[:, 0].mean() == pytest.approx(1.5, abs=0.1)
    prior, new = tmp_path / "prior.json", tmp_path / "new.h5"
    prior.write_text('{"mu": {"type": "normal", "mean": 1, "sigma": 0.5}}')
    found = result_of("reweight", samples, "--prior", prior, "-o", new, "--resample", 500)
    # Precisions 1/0.375 at 1.5 and 4 at 1.
    mean = (1.5 / 0.375 + 4) / (1 / 0.375 + 4)
    low, high = found["intervals"]["mu"]["after"][0]
    assert (low + high) / 2 == pytest.approx(mean, abs=0.1)
    assert len(Samples.open(new)) == 500
    assert result_of("inspect", new)["points"] == 500
    # The digest is that of the combination with this prior: what belongs to it fits it.
    peaked = tmp_path / "peaked.json"
    said = result_of("combine", *halves, "--rename", "2:mu_SIG=mu", "--prior", prior, "-o", peaked)
    assert said["poi"] == ["mu"]


def test_a_prior_too_far(small_run, tmp_path):
    """The numbers on stdout, one line on stderr, exit code 4, no file."""
    prior, new = tmp_path / "prior.json", tmp_path / "new.h5"
    prior.write_text('{"mu": {"type": "normal", "mean": 7.9, "sigma": 0.01}}')
    samples = small_run.folder / "samples.h5"
    done = refused(4, "sample anew", "reweight", samples, "--prior", prior, "-o", new)
    assert json.loads(done.stdout)["effective_fraction"] < 0.01
    assert not new.exists()


def test_bad_input(halves, small_run, tmp_path):
    """Contradictions, unknown names, changed members, files of another kind."""
    path = tmp_path / "c.json"
    first, second = halves
    output = ("-o", path)
    for text in ("mu=x", "0:mu=x", "a:mu=x", "1:mu", "1:=x", "1:mu="):
        assert dnnlik("combine", first, "--rename", text, *output).returncode == 2
    assert dnnlik("combine", first, "--rename", "2:mu=x", *output).returncode == 2
    twice = ("--rename", "1:mu=x", "--rename", "1:mu=y")
    assert "one new name. Received: 1:mu=y" in dnnlik("combine", first, *twice, *output).stderr
    assert dnnlik("combine").returncode == 2
    refused(3, "Received: 'nothing'", "combine", *halves, "--rename", "1:nothing=x", *output)
    refused(3, "which is in 1", "combine", *halves, "--shared", "mu", *output)
    refused(3, "no such likelihood", "combine", tmp_path / "none.py", *output)
    refused(3, "counts its data twice", "combine", first, first, *output)
    assert not path.exists()
    result_of("combine", *halves, *output)
    refused(3, "patches and measurements", "fit", path, "--patch", "x")
    second.write_text(second.read_text() + "\n")
    refused(3, "was changed", "fit", path)
    samples, prior = small_run.folder / "samples.h5", tmp_path / "prior.json"
    prior.write_text('{"jes": {"type": "normal", "mean": 0, "sigma": 1}}')
    refused(3, "takes the place", "reweight", samples, "--prior", prior)
    refused(3, "no such file", "reweight", samples, "--prior", tmp_path / "none.json")
    assert dnnlik("reweight", samples, "--prior", prior, "--resample", "5").returncode == 2
