"""A search in a folder: what is done is read, what was interrupted goes on."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dnnlik import trials
from dnnlik.documents import read_json
from dnnlik.exceptions import InvalidFile, NotConverged
from dnnlik.likelihoods import AnalyticLikelihood
from dnnlik.parameters import Parameter
from dnnlik.sampling import sample
from dnnlik.surrogate.file import load_surrogate
from dnnlik.surrogate.search import grid
from dnnlik.surrogate.settings import TrainingSettings
from dnnlik.trials import search

BASE = TrainingSettings(layers=(8,), batch_size=64, max_epochs=2)
COMMAND = [sys.executable, "-m", "dnnlik.cli", "search"]


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    """A cubic in one parameter."""
    cubic = AnalyticLikelihood(
        [Parameter("mu", 0, (-3, 3), poi=True)], lambda x: -(x[:, 0] ** 2) + 0.1 * x[:, 0] ** 3
    )
    return sample(
        cubic, tmp_path_factory.mktemp("samples") / "s.h5", strategy="mixed", points=2000, seed=1
    )


@pytest.fixture
def counted(monkeypatch):
    """The trainings that were begun, by their settings."""
    from dnnlik import steps

    begun, real = [], steps.train

    def train(samples, settings, **options):
        begun.append(settings)
        return real(samples, settings, **options)

    monkeypatch.setattr(steps, "train", train)
    return begun


def test_more_values_keep_what_is_done(samples, tmp_path, counted):
    """The second search trains only what is new, wherever it stands in the grid; the best
    file is that of the smallest error; order and document agree."""
    first = search(samples, grid(BASE, {"seed": (1, 2)}), tmp_path)
    wider = grid(BASE, {"peak_weight": (0.0, BASE.peak_weight), "seed": (2, 1)})
    found = search(samples, wider, tmp_path)
    assert len(counted) == len(set(counted)) == 4
    assert {t.name: t.settings for t in first}.items() <= {
        t.name: t.settings for t in found
    }.items()
    errors = [t.score.rms_posterior for t in found]
    assert errors == sorted(errors)
    for trial in found:
        made = load_surrogate(tmp_path / trial.name / "surrogate.h5")
        assert made.settings == trial.settings.to_json()
    best = tmp_path / found[0].name / "surrogate.h5"
    assert (tmp_path / "best.h5").read_bytes() == best.read_bytes()
    said = read_json(tmp_path / "search.json")
    assert [t["trial"] for t in said["trials"]] == [t.name for t in found]
    assert (said["best"], said["asked"]) == (found[0].name, 4)


def test_the_same_settings_twice_are_one_trial(samples, tmp_path, counted):
    """One training, one folder."""
    assert len(search(samples, [BASE, replace(BASE)], tmp_path)) == 1
    assert len(counted) == 1


def test_a_failed_trial_is_last_and_said_to_be_so(samples, tmp_path, monkeypatch):
    """A loss that is not finite ends one trial, not the search; of none a line remains."""
    real = trials.train_step

    def fails(samples, settings, *rest, **options):
        if settings.seed == 1:
            raise NotConverged("no. Received: nan")
        return real(samples, settings, *rest, **options)

    monkeypatch.setattr(trials, "train_step", fails)
    found = search(samples, grid(BASE, {"seed": (1, 2)}), tmp_path)
    assert [t.settings.seed for t in found] == [2, 1]
    assert found[1].failed == "no. Received: nan"
    assert read_json(tmp_path / "search.json")["trials"][1]["failed"] == found[1].failed
    with pytest.raises(NotConverged, match=r"no trial has a surrogate.*Received: no"):
        search(samples, grid(BASE, {"seed": (1,)}), tmp_path / "none")


def test_a_folder_of_other_samples_is_refused(samples, tmp_path):
    """Trials are compared on the same points only."""
    search(samples, [BASE], tmp_path)
    other = replace(samples, points=samples.points.copy(), path=None)
    object.__setattr__(other, "provenance", {**samples.provenance, "request": {"seed": 2}})
    if other.digest == samples.digest:
        pytest.fail("the copy is meant to be other samples")
    with pytest.raises(InvalidFile, match=r"of other samples.*Received: "):
        search(other, [BASE], tmp_path)


def killed_when(condition, command):
    """Start a command, and kill it as soon as the condition holds."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 120
    while not condition() and process.poll() is None and time.monotonic() < until:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL


def test_a_killed_search_goes_on(samples, tmp_path):
    """Killed in its second trial: the first stays as it is, the second goes on after its
    last epoch, and the result is that of a search that was never killed."""
    vary = ["--vary", "seed=0,1", "--layers", "8", "--batch-size", "64", "--max-epochs", "60"]
    place = tmp_path / "search"
    second = place / "trial_001" / "surrogate.h5.checkpoint.npz"
    command = [*COMMAND, str(samples.path), *vary, "-o", str(place)]
    killed_when(second.exists, command)
    assert not (place / "best.h5").exists()
    first = (place / "trial_000" / "surrogate.h5").stat().st_mtime_ns
    with np.load(second, allow_pickle=False) as stored:
        assert "history" in stored.files
    epochs = []
    settings = replace(BASE, max_epochs=60)

    def progress(text, done, total):
        epochs.append((text.split(":")[0], done))

    found = search(samples, grid(settings, {"seed": (0, 1)}), place, progress=progress)
    assert (place / "trial_000" / "surrogate.h5").stat().st_mtime_ns == first
    assert epochs[0][0] == "trial 2 of 2"
    assert 1 < epochs[0][1] <= 60
    whole = search(samples, grid(settings, {"seed": (1,)}), tmp_path / "whole")
    (again,) = (t for t in found if t.settings.seed == 1)
    assert again.score.rms_posterior == pytest.approx(whole[0].score.rms_posterior, rel=1e-3)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--vary", "speed=1"], "the settings that can be varied are layers"),
        (["--vary", "seed"], "expected SETTING=VALUES"),
        (["--vary", "seed=1", "--vary", "seed=2"], "each setting once"),
        (["--vary", "optimizer=sgd"], "muon, adam"),
        ([], "--vary"),
    ],
)
def test_wrong_usage_is_one_line(samples, tmp_path, arguments, complaint):
    """Exit code 2, nothing written."""
    from click.testing import CliRunner
    from dnnlik.cli.search import command

    place = tmp_path / "search"
    result = CliRunner().invoke(command, [str(samples.path), *arguments, "-o", str(place)])
    assert result.exit_code == 2
    assert complaint in result.output.strip().splitlines()[-1]
    assert not Path(place).exists()
