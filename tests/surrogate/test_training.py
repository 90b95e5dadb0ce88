"""Training learns what it should, and a killed one ends as if it had not been killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import dnnlik
from dnnlik.exceptions import InvalidFile, NotConverged
from dnnlik.surrogate.data import split
from dnnlik.surrogate.ensemble import train
from dnnlik.surrogate.likelihood import SurrogateLikelihood
from dnnlik.surrogate.settings import TrainingSettings

# The rate is cut after nearly every epoch: a restart must not lose the last cut.
SHORT = TrainingSettings(
    layers=(16, 8),
    schedule="plateau",
    optimizer="adam",
    batch_size=128,
    max_epochs=8,
    rate_patience=1,
    gain=0.3,
    rate_factor=0.8,
    seed=2,
)


class Interrupted(BaseException):
    """As a Ctrl-C: nothing in the code may catch it."""


@pytest.fixture(scope="module")
def uninterrupted(samples):
    return train(samples, SHORT)


def rms(likelihood, samples):
    """Of log_likelihood on the test rows, a common constant left out."""
    test = samples.rows(split(samples).test)
    error = likelihood.log_likelihood(test.points) - test.log_likelihood
    return float(np.std(error))


def assert_same(one, other):
    """The same weights to the last bit, and the same history but for the seconds."""
    for a, b in zip(one.networks[0].weights, other.networks[0].weights, strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(one.networks[0].biases, other.networks[0].biases, strict=True):
        np.testing.assert_array_equal(a, b)

    def history(found):
        return [{**row, "seconds": 0} for row in found.history]

    assert history(one) == history(other)


def test_the_network_beats_the_quadratic(trained, samples):
    """On points of held-out walkers its error is at most a fifth of the quadratic's."""
    with_network = rms(SurrogateLikelihood(trained), samples)
    alone = rms(SurrogateLikelihood(trained, with_network=False), samples)
    assert alone > 0.05
    assert with_network < alone / 5


def test_without_a_baseline_it_learns_the_whole(trained_whole, samples):
    """The network alone follows the log-likelihood, constraints and all, far better than
    its spread."""
    assert trained_whole.quadratic is None
    assert not trained_whole.adds_constraint
    found = rms(SurrogateLikelihood(trained_whole), samples)
    assert found < 0.1 * samples.log_likelihood.std()


def test_the_description_says_where_it_comes_from(trained, samples):
    """Samples, numbers of points, software and a history of every epoch."""
    parts = split(samples)
    assert trained.provenance["samples"]["request"] == samples.provenance["request"]
    assert trained.provenance["points"] == {
        "training": int(parts.train.sum()),
        "validation": int(parts.validation.sum()),
    }
    assert "keras" in trained.provenance["software"]
    epochs = [row["epoch"] for row in trained.history]
    assert epochs == list(range(1, len(epochs) + 1))
    assert trained.parameters == samples.parameters


def test_the_seed_decides(samples, uninterrupted):
    """The same seed gives the same weights to the last bit, another seed others."""
    assert_same(train(samples, SHORT), uninterrupted)
    other = train(samples, replace(SHORT, seed=3, max_epochs=1))
    assert not np.array_equal(other.networks[0].weights[0], uninterrupted.networks[0].weights[0])


def test_the_rates_are_cut(uninterrupted):
    """The settings of these tests do cut the rate, or the restarts below prove little."""
    rates = [row["rate"] for row in uninterrupted.history]
    assert rates[0] == 1e-3
    assert len(set(rates)) >= 4


@pytest.mark.parametrize("epoch", [1, 3, 6, 8])
def test_an_interrupted_training_goes_on(samples, uninterrupted, tmp_path, epoch):
    """Stopped after any epoch and called again: the same weights to the last bit (on a
    CPU Keras is deterministic), the last epoch included, after which nothing is trained."""
    path = tmp_path / "training.npz"

    def interrupt(text, done, total):
        if done == epoch:
            raise Interrupted

    with pytest.raises(Interrupted):
        train(samples, SHORT, checkpoint=path, progress=interrupt)
    told = []
    found = train(samples, SHORT, checkpoint=path, progress=lambda t, n, of: told.append(n))
    assert told == list(range(epoch + 1, 9))
    assert_same(found, uninterrupted)


SCRIPT = """
import time
from dnnlik.sampling import Samples
from dnnlik.surrogate.settings import TrainingSettings
from dnnlik.surrogate.ensemble import train

def wait(text, done, total):
    if done >= 4:
        time.sleep(0.5)

settings = TrainingSettings(**{settings!r})
train(Samples.open({samples!r}), settings, checkpoint={path!r}, progress=wait)
"""


@pytest.mark.slow
def test_a_killed_training_goes_on(samples, samples_file, uninterrupted, tmp_path):
    """SIGKILL in another process after four epochs or more, then the same call here: the
    same weights to the last bit."""
    path = tmp_path / "training.npz"
    script = SCRIPT.format(settings=SHORT.to_json(), samples=str(samples_file), path=str(path))
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(Path(dnnlik.__file__).parents[1])},
    )
    try:
        assert wait_for(path, process, epochs=4)
        process.send_signal(signal.SIGKILL)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == -signal.SIGKILL
    told = []
    found = train(samples, SHORT, checkpoint=path, progress=lambda t, n, of: told.append(n))
    assert 0 < len(told) <= 4
    assert_same(found, uninterrupted)


def wait_for(path: Path, process: subprocess.Popen, epochs: int) -> bool:
    """Whether so many epochs were noted before the process ended."""
    end = time.monotonic() + 90
    while time.monotonic() < end and process.poll() is None:
        if path.is_file():
            with np.load(path) as file:
                if str(file["history"]).count('"epoch"') >= epochs:
                    return True
        time.sleep(0.02)
    return False


def test_a_damaged_checkpoint_starts_afresh(samples, uninterrupted, tmp_path):
    """All epochs are done again, with the same result."""
    path = tmp_path / "training.npz"
    train(samples, replace(SHORT, max_epochs=2), checkpoint=path)
    path.write_bytes(path.read_bytes()[:-50])
    told = []
    found = train(samples, SHORT, checkpoint=path, progress=lambda t, n, of: told.append(n))
    assert told == list(range(1, 9))
    assert_same(found, uninterrupted)


def test_fewer_points_than_a_batch(samples):
    """A batch size above the number of points is one batch of all."""
    found = train(samples, replace(SHORT, batch_size=10**6, max_epochs=1))
    assert len(found.history) == 1


def test_bad_samples_are_refused(samples):
    """A NaN in the samples is named before any training."""
    bad = samples.log_main.copy()
    bad[3] = np.nan
    with pytest.raises(InvalidFile, match=r"must be finite.*Received: 1 points"):
        train(replace(samples, log_main=bad), SHORT)


def test_a_training_that_explodes_says_so(samples, tmp_path):
    """A senseless rate: one line that names the rate, and no weights that are NaN."""
    with pytest.raises(NotConverged, match="smaller --learning-rate") as caught:
        train(samples, replace(SHORT, learning_rate=1e30), checkpoint=tmp_path / "c.npz")
    assert "\n" not in str(caught.value)
