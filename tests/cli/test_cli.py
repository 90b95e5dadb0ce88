"""The command line as a user meets it: processes, exit codes, what is on which stream."""

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import h5py
import numpy as np
import pytest
from command_line import COMMAND, dnnlik, dnnlik_alone

LIKELIHOOD = Path(__file__).resolve().parents[1] / "small_likelihood.py"
SMALL = ["--points", "4000"]
QUICK = ["--layers", "16,16", "--batch-size", "64", "--max-epochs", "8"]


def refused(result, code, complaint):
    """One clear line on stderr, nothing on stdout, no traceback."""
    assert result.returncode == code, result.stderr
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    last = result.stderr.strip().splitlines()[-1]
    assert complaint in last
    assert last.startswith("Error: ")
    return last


def test_help_and_version_are_quick_to_read():
    """Every command has a help text; none of them starts TensorFlow."""
    listed = dnnlik_alone("--help").stdout
    for name in ("sample", "train", "search", "validate", "export", "inspect", "run"):
        assert name in listed
        assert "Usage:" in dnnlik_alone(name, "--help").stdout
    assert dnnlik_alone("--version").stdout.strip() == "dnnlik, version 0.1.0"
    assert dnnlik_alone("explode").returncode == 2


def test_steps_one_by_one(tmp_path):
    """sample, train, validate, export, inspect: files in, files out, JSON on stdout,
    nothing of TensorFlow on stderr."""
    steps = [
        ("sample", LIKELIHOOD, *SMALL, "-o", "samples.h5"),
        ("train", "samples.h5", *QUICK, "-o", "surrogate.h5"),
        ("validate", LIKELIHOOD, "samples.h5", "surrogate.h5", "-o", "validation",
         "--scan-parameter", "jes", "--surrogate-sampler", "hamiltonian", "--toys", "5"),
        ("export", "samples.h5", "surrogate.h5", "validation/validation.json", "-o", "bundle",
         "--accept-below-threshold", "--author", "Family, Given", "--date", "2026-01-31",
         "--zenodo-payload", "zenodo.json"),
        ("inspect", "samples.h5"),
        ("inspect", "surrogate.h5"),
        ("inspect", "bundle"),
    ]  # fmt: skip
    for step in steps:
        result = dnnlik_alone(*step, cwd=tmp_path)
        # A quickly trained network may miss a threshold: exit code 4, all written.
        assert result.returncode in ((0, 4) if step[0] == "validate" else (0,)), result.stderr
        assert isinstance(json.loads(result.stdout), dict)
        for chatter in ("WARNING", "oneDNN", "XLA", "absl", "I0000"):
            assert chatter not in result.stderr
    deposit = json.loads((tmp_path / "bundle" / ".zenodo.json").read_text())
    payload = json.loads((tmp_path / "zenodo.json").read_text())
    assert payload["legacy"]["body"]["metadata"] == deposit


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A folder of a finished `dnnlik run`, its output, and how long it took."""
    folder = tmp_path_factory.mktemp("finished") / "result"
    arguments = ("run", LIKELIHOOD, *SMALL, *QUICK, "--accept-below-threshold", "-o", folder)
    return folder, dnnlik_alone(*arguments), arguments


def test_run_does_everything_and_then_nothing(finished):
    """`run` prints JSON and a table; given again it keeps every file as it is."""
    folder, result, arguments = finished
    assert result.returncode == 0, result.stderr
    summary = json.loads(result.stdout)
    assert summary["parameters"] == 3
    assert set(summary["seconds"]) == {"sample", "train", "validate", "export"}
    assert "rms error of ln L on the posterior" in result.stderr
    files = [p for p in folder.rglob("*") if p.is_file() and p.name != "run.json"]
    before = {p: p.stat().st_mtime_ns for p in files}
    again = dnnlik_alone(*arguments)
    assert again.returncode == 0, again.stderr
    assert {p: p.stat().st_mtime_ns for p in files} == before


def wait_for(condition, process):
    """Until a condition holds while a process is running."""
    for _ in range(3000):
        if condition():
            return
        assert process.poll() is None, "ended before it could be killed"
        time.sleep(0.02)
    raise AssertionError("waited in vain")


def kill_when(condition, *arguments):
    """Start the command and send SIGKILL once the condition holds."""
    process = subprocess.Popen(
        [*COMMAND, *map(str, arguments)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    wait_for(condition, process)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL


@pytest.mark.slow
def test_kill_in_sampling_and_in_training(tmp_path):
    """`kill -9` in the middle of sampling and of training, then the same command: the
    result is that of an uninterrupted run."""
    sampling = ("sample", LIKELIHOOD, "--points", "60000", "-o", tmp_path / "killed.h5")
    state = tmp_path / "killed.h5.state.npz"
    kill_when(lambda: state.exists() and os.path.getsize(state) > 0, *sampling)
    refused(dnnlik("train", tmp_path / "killed.h5"), 3, "the sampling was interrupted")
    assert dnnlik(*sampling).returncode == 0
    whole = ("sample", LIKELIHOOD, "--points", "60000", "-o", tmp_path / "whole.h5")
    assert dnnlik(*whole).returncode == 0
    with h5py.File(tmp_path / "killed.h5") as a, h5py.File(tmp_path / "whole.h5") as b:
        np.testing.assert_array_equal(a["points"][:], b["points"][:])

    training = ("train", tmp_path / "killed.h5", *QUICK, "-o")
    checkpoint = tmp_path / "killed_net.h5.checkpoint.npz"
    kill_when(checkpoint.exists, *training, tmp_path / "killed_net.h5")
    assert checkpoint.exists()
    assert dnnlik(*training, tmp_path / "killed_net.h5").returncode == 0
    assert dnnlik(*training, tmp_path / "whole_net.h5").returncode == 0
    with h5py.File(tmp_path / "killed_net.h5") as a, h5py.File(tmp_path / "whole_net.h5") as b:
        np.testing.assert_allclose(
            a["network.0/weights.0"][:], b["network.0/weights.0"][:], rtol=1e-4, atol=1e-6
        )
    assert not checkpoint.exists()


BAD_LIKELIHOODS = {
    "nan": ("return np.full(len(points), np.nan)", "must be a number"),
    "shape": ("return np.zeros((len(points), 2))", "one number a point"),
    "raises": ("raise RuntimeError('no beam')", "no beam"),
}


@pytest.mark.parametrize("kind", BAD_LIKELIHOODS)
def test_a_likelihood_that_returns_nonsense(tmp_path, kind):
    """A Python likelihood that returns NaN or the wrong shape, or fails: exit code 3."""
    body, complaint = BAD_LIKELIHOODS[kind]
    file = tmp_path / "bad.py"
    file.write_text(
        "import numpy as np\nfrom dnnlik import AnalyticLikelihood, Parameter\n"
        f"def log_main(points):\n    {body}\n"
        "def likelihood():\n"
        "    mu = Parameter('mu', init=0, bounds=(-1, 1), poi=True)\n"
        "    return AnalyticLikelihood([mu], log_main)\n"
    )
    refused(dnnlik("sample", file, *SMALL, "-o", tmp_path / "s.h5"), 3, complaint)


def test_bad_files_are_one_line(tmp_path, finished):
    """Missing and foreign files, a truncated HDF5 file, a flipped byte: exit code 3."""
    folder, *_ = finished
    (tmp_path / "list.json").write_text('{"this": "is no workspace"}')
    (tmp_path / "broken.json").write_text("{")
    truncated = tmp_path / "truncated.h5"
    content = (folder / "samples.h5").read_bytes()
    truncated.write_bytes(content[: len(content) // 3])
    bundle = tmp_path / "bundle"
    shutil.copytree(folder / "bundle", bundle)
    model = bytearray((bundle / "likelihood.onnx").read_bytes())
    model[len(model) // 2] ^= 1
    (bundle / "likelihood.onnx").write_bytes(bytes(model))
    cases = [
        (("sample", tmp_path / "none.json"), "no such file"),
        (("sample", tmp_path / "none.py"), "no such file"),
        (("sample", tmp_path / "list.json"), "expected a pyhf workspace"),
        (("sample", tmp_path / "broken.json"), "no valid JSON"),
        (("train", truncated), "truncated"),
        (("train", tmp_path / "none.h5"), "no such file"),
        (("inspect", bundle), "damaged: likelihood.onnx"),
        (("inspect", tmp_path / "list.json"), "expected a bundle"),
        (("sample", LIKELIHOOD, "--points", "10"), "need at least"),
    ]
    for arguments, complaint in cases:
        assert "Received:" in refused(dnnlik(*arguments, cwd=tmp_path), 3, complaint)


def test_wrong_usage_is_exit_code_2(tmp_path):
    """What the command line itself refuses: unknown options and malformed values."""
    assert dnnlik("sample").returncode == 2
    assert dnnlik("sample", LIKELIHOOD, "--strategy", "magic").returncode == 2
    assert dnnlik("run", LIKELIHOOD, "--scan", "0:1", "-o", tmp_path / "x").returncode == 2
    assert dnnlik("train", "x.h5", "--layers", "a,b").returncode == 2


def test_other_settings_do_not_overwrite(finished, tmp_path):
    """Samples of another seed are not mixed into a file: exit code 3, file unchanged."""
    folder, *_ = finished
    copy = tmp_path / "samples.h5"
    shutil.copyfile(folder / "samples.h5", copy)
    before = copy.read_bytes()
    result = dnnlik("sample", LIKELIHOOD, *SMALL, "--seed", "5", "-o", copy)
    refused(result, 3, "samples of another request")
    assert copy.read_bytes() == before


def test_a_mix_of_kinds_of_points(tmp_path):
    """Shares by name; what is no share is wrong usage, a kind that is none invalid input."""
    mix = "unbiased=0.8,tempered=0.15,boundary=0.05"
    result = dnnlik("sample", LIKELIHOOD, *SMALL, "--mix", mix, "-o", "s.h5", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    document = json.loads(result.stdout)
    assert document["unbiased"] == pytest.approx(0.8 * 4000, rel=0.05)
    for wrong in ("unbiased", "unbiased=much", "unbiased=0.5,unbiased=0.5", ""):
        assert dnnlik("sample", LIKELIHOOD, "--mix", wrong).returncode == 2
    refused(dnnlik("sample", LIKELIHOOD, "--mix", "magic=1"), 3, "kinds of rows")
    refused(dnnlik("run", LIKELIHOOD, "--mix", "tempered=1", "-o", tmp_path / "x"), 3, "share of")


def test_rounds_are_of_a_refinement(tmp_path):
    """Without --calls they would be ignored in silence: wrong usage."""
    for option in (["--rounds", "2"], ["--power", "0"]):
        result = dnnlik("run", LIKELIHOOD, *option, "-o", tmp_path / "x")
        refused(result, 2, "of --calls")
    result = dnnlik("run", LIKELIHOOD, "--calls", "5000", "--members", "1", "-o", tmp_path / "x")
    refused(result, 3, "train at least two")
    assert not (tmp_path / "x").exists()


def test_too_few_calls_are_refused(tmp_path):
    """Before anything is evaluated: exit code 3 and the number that is needed."""
    result = dnnlik("run", LIKELIHOOD, "--calls", "50", "-o", tmp_path / "x")
    assert "need at least" in refused(result, 3, "with gradients need at least")
    assert not (tmp_path / "x").exists()


def test_a_slow_likelihood_is_announced(tmp_path):
    """What a call costs and what to do, in two lines on stderr, before the points."""
    slow = tmp_path / "slow.py"
    slow.write_text(
        "import time\nfrom dnnlik import AnalyticLikelihood, Parameter\n"
        "def log_main(x):\n    time.sleep(0.05)\n    return -x[:, 0] ** 2\n"
        "def likelihood():\n"
        "    return AnalyticLikelihood([Parameter('mu', 0, (-3, 3), poi=True)], log_main)\n"
    )
    command = [*COMMAND, "sample", slow, "--points", "1000000", "-o", tmp_path / "s.h5"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        first, second = process.stderr.readline(), process.stderr.readline()
    finally:
        process.kill()
        process.communicate()
    assert "A call of this likelihood takes 1" in first
    assert "--calls 20000" in second


def test_a_bundle_is_packed_and_verified(small_run, tmp_path):
    """`bundle pack`, then `bundle verify` of the archive; a damaged copy has exit code 3."""
    archive = tmp_path / "published.zip"
    packed = dnnlik("bundle", "pack", small_run.folder / "bundle", "-o", archive)
    assert packed.returncode == 0
    assert json.loads(packed.stdout)["archive"] == str(archive)
    result = dnnlik("bundle", "verify", archive)
    assert result.returncode == 0
    assert json.loads(result.stdout)["passed"] is True
    assert result.stderr.count(": OK") == 5
    damaged = shutil.copytree(small_run.folder / "bundle", tmp_path / "damaged")
    packed = dnnlik("bundle", "pack", ".", cwd=damaged)
    assert json.loads(packed.stdout)["archive"] == str(tmp_path / "damaged.zip")
    (damaged / "README.md").write_text("else")
    result = dnnlik("bundle", "verify", damaged)
    assert result.returncode == 3
    assert json.loads(result.stdout)["failed"] == ["checksums"]
    assert "not what it was" in result.stderr.splitlines()[-1]
