"""optimise as a user meets it: exit codes, JSON, files, and a kill in the middle."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import numpy as np
import onnxruntime
import pyhf
import pytest
from click.testing import CliRunner
from dnnlik.cli import main
from dnnlik.cli.optimise import _print_table

from dnnlik.differentiable import CutObservable, Settings

COMMAND = [sys.executable, "-m", "dnnlik.cli", "optimise"]
PROBLEM = """
import numpy as np
from dnnlik.differentiable import Binning, Events, NetworkObservable, Problem, dense_network


def problem(seed):
    rng = np.random.default_rng(seed)
    mu = {"name": "mu", "type": "normfactor", "data": None}
    shape = {"name": "shape", "type": "histosys", "data": {"hi_data": "up", "lo_data": "down"}}
    centres = {"s": 2.0, "b": 0.0, "up": 0.3, "down": -0.2}
    events = {name: Events(rng.normal(c, 1, (80, 1))) for name, c in centres.items()}
    samples = [{"name": "s", "data": "s", "modifiers": [mu]},
               {"name": "b", "data": "b", "modifiers": [shape]}]
    yields = {"s": 20.0, "b": 100.0, "up": 104.0, "down": 97.0}
    return Problem(events, [{"name": "SR", "samples": samples}], yields, floor=1e-3)


def observable(problem, bins, seed, bandwidth, train_edges):
    network = dense_network([problem.events[name] for name in problem.names], (4,), seed=seed)
    return NetworkObservable(network, Binning(np.linspace(0, 1, bins + 1), bandwidth))
"""
OPTIONS = ["--objective", "cls + 0.5*p0", "--bins", "2", "--epochs", "60", "--batch-size", "10",
           "--learning-rate", "0.01", "--seed", "3", "--device", "CPU:0"]  # fmt: skip


@pytest.fixture(scope="module")
def problem(tmp_path_factory):
    path = tmp_path_factory.mktemp("problem") / "mine.py"
    path.write_text(PROBLEM)
    return path


@pytest.fixture(scope="module")
def done(problem, tmp_path_factory):
    """A whole run in a process of its own, and its folder."""
    folder = tmp_path_factory.mktemp("done") / "result"
    command = [*COMMAND, str(problem), *OPTIONS, "-o", str(folder)]
    # As in a terminal: TensorFlow, imported by these tests, has set its log level here.
    own = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}
    result = subprocess.run(command, capture_output=True, text=True, check=False, env=own)
    return folder, result


def test_a_run(done):
    """Exit code 0, JSON alone on stdout, a table and nothing of TensorFlow on stderr, and
    files that agree with each other."""
    folder, result = done
    assert result.returncode == 0, result.stderr
    summary = json.loads(result.stdout)
    assert (summary["problem"], summary["epochs"]) == ("analysis", 60)
    assert {"cls", "p0", "limit", "sigma_mu"} <= set(summary["metrics"])
    for chatter in ("WARNING", "oneDNN", "XLA", "absl", "I0000", "W0000", "tf2onnx"):
        assert chatter not in result.stderr
    assert "untrained" in result.stderr
    assert f"best epoch {summary['best_epoch']} of 60" in result.stderr
    assert sorted([*summary["files"], "state.npz"]) == sorted(p.name for p in folder.iterdir())
    history = json.loads((folder / "history.json").read_text())
    assert history["settings"] == {"objective": "cls + 0.5*p0", "epochs": 60, "batch_size": 10,
                                   "learning_rate": 0.01, "seed": 3, "pretraining": 0,
                                   "tracked": [], "constraint": None}  # fmt: skip
    assert history["epochs"][summary["best_epoch"]]["cls"] == summary["metrics"]["cls"]
    session = onnxruntime.InferenceSession(folder / "observable.onnx")
    assert session.run(None, {"features": np.zeros((3, 1), np.float32)})[0].shape == (3,)


def test_pyhf_agrees(done):
    """The workspace has the CLs that was printed."""
    folder, result = done
    workspace = pyhf.Workspace(json.loads((folder / "workspace.json").read_text()))
    model = workspace.model()
    cls = float(pyhf.infer.hypotest(1.0, workspace.data(model), model, test_stat="qtilde"))
    np.testing.assert_allclose(cls, json.loads(result.stdout)["metrics"]["cls"], rtol=2e-6)


def epochs_in(path):
    """How many epochs a state has; none while it cannot be read."""
    try:
        with np.load(path) as file:
            return str(file["history"]).count('"epoch"')
    except (OSError, ValueError, KeyError):
        return 0


@pytest.mark.slow
def test_a_killed_run_goes_on(done, problem, tmp_path):
    """SIGKILL after some epochs, then the same command: history, bins and templates of the
    run that was not killed."""
    command = [*COMMAND, str(problem), *OPTIONS, "-o", str(tmp_path / "result")]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 120
        while epochs_in(tmp_path / "result" / "state.npz") < 3 and time.monotonic() < end:
            assert process.poll() is None, "ended before it could be killed"
            time.sleep(0.005)
        os.kill(process.pid, signal.SIGKILL)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == -signal.SIGKILL
    assert 3 <= epochs_in(tmp_path / "result" / "state.npz") < 61
    assert not (tmp_path / "result" / "history.json").exists()
    again = subprocess.run(command, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    for name in ("history.json", "bins.json", "workspace.json"):
        assert (tmp_path / "result" / name).read_text() == (done[0] / name).read_text()
    x = np.linspace(-3, 3, 50, dtype=np.float32)[:, None]
    outputs = [
        onnxruntime.InferenceSession(folder / "observable.onnx").run(None, {"features": x})[0]
        for folder in (done[0], tmp_path / "result")
    ]
    np.testing.assert_array_equal(*outputs)


def run(*arguments):
    """The command in this process."""
    return CliRunner().invoke(main, ["optimise", *map(str, arguments)])


def refused(code, complaint, *arguments):
    """One clear line on stderr, nothing on stdout, no traceback."""
    result = run(*arguments)
    assert result.exit_code == code, result.output
    assert result.stdout == ""
    last = result.stderr.strip().splitlines()[-1]
    assert last.startswith("Error: ")
    assert complaint in last
    return result


WRONG = {
    "no folder": (2, "--output", ["blobs"]),
    "no problem": (2, "PROBLEM", ["-o", "x"]),
    "an option that is none": (2, "--lr", ["blobs", "-o", "x", "--lr", "1"]),
    "text for a number": (2, "--bins", ["blobs", "-o", "x", "--bins", "many"]),
    "an unknown problem": (3, "blobs, cut", ["nothing", "-o", "x"]),
    "a missing file": (3, "no such file", ["nothing.py", "-o", "x"]),
    "an unknown objective": (3, "'clz'", ["blobs", "-o", "x", "--objective", "clz"]),
    "code": (3, "Received: ", ["blobs", "-o", "x", "--objective", "__import__('os')"]),
    "no bins": (2, "--bins", ["blobs", "-o", "x", "--bins", "0"]),
    "no bins of cuts": (2, "--bins", ["cut", "-o", "x", "--bins", "0"]),
    "layers in words": (2, "units", ["blobs", "-o", "x", "--layers", "wide"]),
    "a layer without units": (3, "one unit", ["blobs", "-o", "x", "--layers", "8,0"]),
    "layers of cuts": (3, "no layers", ["cut", "-o", "x", "--layers", "8"]),
    "no epochs": (2, "--epochs", ["blobs", "-o", "x", "--epochs", "0"]),
    "no events": (2, "--batch-size", ["blobs", "-o", "x", "--batch-size", "0"]),
    "a negative rate": (2, "-0.1", ["blobs", "-o", "x", "--learning-rate", "-0.1"]),
    "no bandwidth": (2, "--bandwidth", ["blobs", "-o", "x", "--bandwidth", "0"]),
    "a negative seed": (2, "-1", ["blobs", "-o", "x", "--seed", "-1"]),
    "an unknown device": (3, "'GPU:7'", ["blobs", "-o", "x", "--device", "GPU:7"]),
    "a negative loss": (2, "-0.1", ["blobs", "-o", "x", "--keep-cross-entropy", "-0.1"]),
    "no pretraining to keep": (
        3,
        "no pretraining",
        ["blobs", "-o", "x", "--keep-cross-entropy", "0.1"],
    ),
    "scores of cuts": (3, "CutObservable", ["cut", "-o", "x", "--objective", "cross_entropy"]),
}


@pytest.mark.parametrize("kind", WRONG)
def test_wrong_usage_and_wrong_input(kind, tmp_path, monkeypatch):
    """2 is click's, 3 ours; no file is written."""
    monkeypatch.chdir(tmp_path)
    code, complaint, arguments = WRONG[kind]
    refused(code, complaint, *arguments)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def _no_training(monkeypatch):
    """What is wrong with the disk shows before anything is compiled."""
    from dnnlik.differentiable import training

    monkeypatch.setattr(training.Evaluation, "__call__", lambda self: METRICS)
    monkeypatch.setattr(
        training.Trainer, "epoch", lambda self, number: {"loss": 1.0, "skipped_steps": 0.0}
    )


METRICS = {"cls": 1.0, "p0": 1.0, "log_cls": 0.0, "log_p0": 0.0}


@pytest.mark.usefixtures("_no_training")
def test_a_folder_that_cannot_be_written(problem, tmp_path):
    """A file is in its place."""
    (tmp_path / "file").write_text("")
    refused(3, "cannot write", problem, *OPTIONS, "-o", tmp_path / "file")


@pytest.mark.usefixtures("_no_training")
def test_a_full_disk(problem, tmp_path):
    """A file may not grow beyond some bytes: one line, no half files."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        refused(3, "File too large", problem, *OPTIONS, "-o", tmp_path / "out")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_network_that_is_nan(tmp_path):
    """Nothing converges: exit code 4, and no files of a result."""
    own = PROBLEM + "    network.layers[-1].bias.assign([np.nan])\n"
    lines = own.splitlines()
    lines[-1], lines[-2] = lines[-2], lines[-1]
    path = tmp_path / "mine.py"
    path.write_text("\n".join(lines))
    options = ["--objective", "asimov_significance", "--epochs", "1", "-o", tmp_path / "out"]
    refused(4, "not finite after any epoch", path, *options)
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["state.npz"]


@pytest.mark.parametrize(("best", "said"), [(0, False), (1, True), (2, True), (3, False)])
def test_a_pretraining_that_was_kept_is_said(best, said, capsys):
    """The training itself did nothing then; an epoch after two of cross-entropy did."""
    records = [{"cls": 0.5 - 0.1 * epoch} for epoch in range(4)]
    result = SimpleNamespace(
        history=records, metrics=records[best], best_epoch=best, observable=CutObservable([]),
        settings=Settings("cls", epochs=1, pretraining=2),
    )  # fmt: skip
    _print_table(result)
    printed = capsys.readouterr().err
    assert ("one of the 2 of the pretraining: cls did not improve" in printed) == said
    assert f"best epoch {best} of 3" in printed


def test_ctrl_c_says_how_to_go_on(monkeypatch, problem, tmp_path):
    """Exit code 130 and one line."""
    from dnnlik.differentiable import optimisation

    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(optimisation, "optimise", interrupt)
    result = run(problem, *OPTIONS, "-o", tmp_path / "out")
    assert result.exit_code == 130
    assert "go on when given again" in result.stderr
