"""Ensembles: members differ, their mean is better, their spread is calibrated."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace

import numpy as np
import pytest

from dnnlik.exceptions import InvalidInput
from dnnlik.sampling.samples import Samples
from dnnlik.surrogate.calibration import calibrate
from dnnlik.surrogate.data import split
from dnnlik.surrogate.ensemble import checkpoints, train
from dnnlik.surrogate.file import load_surrogate, save_surrogate
from dnnlik.surrogate.likelihood import SurrogateLikelihood
from dnnlik.surrogate.settings import RECIPES, TrainingSettings, recipe

THREE = TrainingSettings(layers=(24, 24), batch_size=128, max_epochs=20, members=3, seed=5)


@pytest.fixture(scope="module")
def ensemble(samples):
    return train(samples, THREE)


def test_members_differ(ensemble):
    """Other weights, other draws and so another scaling; the same baseline and domain."""
    first, *others = ensemble.networks
    assert len(others) == 2
    for other in others:
        assert not np.array_equal(first.weights[0], other.weights[0])
        assert not np.array_equal(first.input_mean, other.input_mean)
    assert {record["member"] for record in ensemble.history} == {0, 1, 2}


def test_the_mean_is_better_than_its_members(ensemble, samples):
    """On held-out points the squared error of the mean is below the mean squared error of
    the members (by the variance of the members: an identity, if nothing is mixed up)."""
    test = samples.rows(split(samples).test)

    def errors(description):
        surrogate = SurrogateLikelihood(description)
        return surrogate.log_likelihood(test.points) - test.log_likelihood

    members = [errors(replace(ensemble, networks=(n,))) for n in ensemble.networks]
    variance = np.mean(np.var(members, axis=0))
    assert np.mean(errors(ensemble) ** 2) == pytest.approx(
        np.mean(np.square(members)) - variance, rel=1e-9
    )
    assert variance > 0


def test_the_spread_is_calibrated_on_validation_points(ensemble, samples):
    """Within one calibrated standard deviation are 68.27 % of their errors on points of the
    posterior, without the mean error; on test points about as many; the file keeps the factor."""
    surrogate, parts = SurrogateLikelihood(ensemble), split(samples)

    def within(rows):
        some = samples.rows(rows & samples.unbiased)
        errors = surrogate.log_likelihood(some.points) - some.log_likelihood
        return calibrate(
            errors - errors.mean(), surrogate.uncertainty(some.points), factor=1.0
        ).one_sigma

    assert within(parts.validation) == pytest.approx(0.6827, abs=2e-3)
    assert within(parts.test) == pytest.approx(0.6827, abs=0.1)
    assert ensemble.provenance["calibration"]["factor"] == ensemble.uncertainty_factor


def test_round_trip(ensemble, tmp_path):
    """All members, their order and the factor come back from the file."""
    save_surrogate(ensemble, tmp_path / "surrogate.h5")
    found = load_surrogate(tmp_path / "surrogate.h5")
    assert found.digest() == ensemble.digest()
    assert [n.activation for n in found.networks] == ["silu"] * 3


def test_each_member_has_its_own_restart_file(tmp_path):
    """One path for one network, numbered ones for several, none for none."""
    path = tmp_path / "a.npz"
    assert checkpoints(path, replace(THREE, members=1)) == [path]
    assert [file.name for file in checkpoints(path, THREE)] == ["a.00.npz", "a.01.npz", "a.02.npz"]
    assert checkpoints(None, THREE) == [None] * 3


def test_an_interrupted_ensemble_goes_on(samples, ensemble, tmp_path):
    """Stopped in the second member: the first is not trained again, and the result is the
    same to the last bit."""

    class Interrupted(BaseException):
        pass

    def interrupt(text, done, total):
        if "2 of 3" in text and done == 5:
            raise Interrupted

    path = tmp_path / "training.npz"
    with pytest.raises(Interrupted):
        train(samples, THREE, checkpoint=path, progress=interrupt)
    told = []
    found = train(samples, THREE, checkpoint=path, progress=lambda t, n, of: told.append((t, n)))
    assert not any("1 of 3" in text for text, _ in told)
    assert min(n for text, n in told if "2 of 3" in text) == 6
    assert found.digest() == ensemble.digest()


SCRIPT = """
import sys
from dnnlik.sampling import Samples
from dnnlik.surrogate.ensemble import train
from dnnlik.surrogate.settings import TrainingSettings

if __name__ == "__main__":
    settings = TrainingSettings(**{settings!r})
    print(train(Samples.open(sys.argv[1]), settings, workers=2).digest())
"""


@pytest.mark.slow
def test_a_pool_gives_the_same(ensemble, samples_file, tmp_path):
    """Two processes: the same members to the last bit as one after the other."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(settings=THREE.to_json()))
    done = subprocess.run(
        [sys.executable, str(script), str(samples_file)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ensemble.digest()


def test_a_pool_needs_a_file(samples):
    """Rows in memory cannot be sent to workers: one line."""
    with pytest.raises(InvalidInput, match="no file"):
        train(samples.rows(np.arange(len(samples))), THREE, workers=2)


def test_a_killed_process_of_a_pool_is_one_line(samples_file, monkeypatch):
    """Where the system ends a worker, as it does without memory, the way out is told."""

    def killed(*_):
        raise BrokenProcessPool("a worker died")

    monkeypatch.setattr("dnnlik.surrogate.ensemble.as_completed", killed)
    with pytest.raises(InvalidInput, match=r"fewer workers .* Received: 2 workers"):
        train(Samples.open(samples_file), replace(THREE, max_epochs=1), workers=2)


def test_recipes():
    """The paper's has no baseline, SELU and no gradients; settings may be changed."""
    paper = recipe("paper", layers=(8,), seed=3)
    assert (paper.baseline, paper.activation, paper.gradient_weight) == ("none", "selu", 0.0)
    assert (paper.layers, paper.seed) == ((8,), 3)
    assert recipe("default") == TrainingSettings() == RECIPES["default"]
    with pytest.raises(InvalidInput, match="Received: 'best'"):
        recipe("best")


def test_the_papers_recipe_trains(samples):
    """With few units, from values alone, inputs as they are, in float64."""
    found = train(samples, recipe("paper", layers=(16, 16), batch_size=64, max_epochs=40))
    assert found.quadratic is None
    np.testing.assert_array_equal(found.networks[0].input_scale, 1.0)
    test = samples.rows(split(samples).test)
    error = SurrogateLikelihood(found).log_likelihood(test.points) - test.log_likelihood
    assert error.std() < 0.3 * samples.log_likelihood.std()
