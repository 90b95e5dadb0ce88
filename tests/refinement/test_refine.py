"""A whole refinement: its budget, its file, its resumption, and what it says of a surrogate."""

from __future__ import annotations

import numpy as np
import pytest

from dnnlik.documents import read_json
from dnnlik.exceptions import InvalidFile, InvalidInput, InvalidParameters
from dnnlik.inference import profile
from dnnlik.likelihoods import AnalyticLikelihood
from dnnlik.parameters import Parameter
from dnnlik.refinement import RefinementSettings, accuracy, refine
from dnnlik.sampling import STRATEGIES, sample
from dnnlik.steps import validate_step
from dnnlik.surrogate.data import split
from dnnlik.surrogate.domain import domain_of
from dnnlik.surrogate.settings import TrainingSettings
from dnnlik.workflow import learn

CALLS = 900
SETTINGS = RefinementSettings(rounds=1, scan_points=5)
# Shorter trainings leave errors of one in ln L, and chains that refuse most of the proposals.
QUICK = TrainingSettings(
    layers=(32, 32), batch_size=32, steps=800, learning_rate=0.02, members=2, seed=3
)


@pytest.fixture(scope="module")
def refined(counted_once, tmp_path_factory):
    """One refinement: the points that were asked for, the likelihood, the samples."""
    function, likelihood = counted_once
    path = tmp_path_factory.mktemp("refined") / "s.h5"
    samples = refine(likelihood, path, calls=CALLS, seed=3, settings=SETTINGS, training=QUICK)
    return np.concatenate(function.points), likelihood, samples


def test_the_whole_of_it(refined):
    """No call beyond the budget, nearly all of it used, each counted in the diagnostics; all
    finite calls are rows with their exact values; training rows are never held out."""
    asked, likelihood, samples = refined
    assert 0.95 * CALLS < len(asked) <= CALLS
    assert sum(samples.diagnostics["refinement"]["calls"].values()) == len(asked)
    finite = asked[np.isfinite(likelihood.log_likelihood(asked))]
    # Held-out proposals that a chain refused are rows too: nothing is lost.
    np.testing.assert_array_equal(np.unique(samples.points, axis=0), np.unique(finite, axis=0))
    for name in ("log_main", "log_constraint", "log_prior"):
        expected = getattr(likelihood, name)(samples.points)
        np.testing.assert_allclose(getattr(samples, name), expected, rtol=1e-13)
    parts = split(samples)
    assert not (parts.test & (samples.chain <= SETTINGS.rounds + 1)).any()
    assert parts.test[samples.unbiased].all()
    assert parts.validation.sum() > 0.05 * len(samples)
    assert set(np.unique(samples.strategy)) == {0, STRATEGIES.index("refined")}
    assert domain_of(samples).contains(samples.points[parts.train]).all()


def test_the_held_out_rows_follow_the_exact_posterior(refined):
    """Mean and width of each parameter against the integral on a grid."""
    _, likelihood, samples = refined
    p = likelihood.parameters
    axes = [np.linspace(*b, 60) for b in ((-1, 6), (-4, 4), (0.3, 2.2))]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    value = likelihood.log_density(grid)
    weight = np.exp(value - value.max())
    weight /= weight.sum()
    points, size = samples.points[samples.unbiased], samples.diagnostics["effective_points"]
    assert size > 30
    mean = weight @ grid
    width = np.sqrt(weight @ (grid - mean) ** 2)
    assert np.abs((points.mean(axis=0) - mean) / width * np.sqrt(size)).max() < 4
    np.testing.assert_allclose(points.std(axis=0) / width, 1, atol=5 / np.sqrt(2 * size))
    assert len(p) == 3


def test_what_it_says_of_a_surrogate(refined):
    """The exact likelihood as its own surrogate has no error and all weights equal; a
    constant is an error of ln L alone; t at the checked values is never below the exact one."""
    _, likelihood, samples = refined
    perfect = accuracy(samples, likelihood)
    assert perfect.rms < 1e-12
    assert perfect.effective_fraction == pytest.approx(1)
    (scan,) = perfect.scans
    exact = profile(likelihood, "mu", scan.values).t
    np.testing.assert_allclose(scan.t_surrogate, exact, atol=1e-3)
    assert (scan.t_exact >= exact - 0.01).all()
    assert np.abs(scan.t_exact - exact)[1:4].max() < 0.3
    moved = AnalyticLikelihood(
        likelihood.parameters, lambda x: likelihood.log_main(x) + 2.0, digest="moved"
    )
    shifted = accuracy(samples, moved)
    assert shifted.rms == pytest.approx(2)
    assert shifted.spread < 1e-9
    assert shifted.effective_fraction == pytest.approx(1)
    assert perfect.to_json()["scans"][0]["mean_error"] == scan.mean_error


@pytest.mark.slow
def test_a_killed_run_makes_no_call_twice(counting, tmp_path):
    """Stopped in the fit, in a round and in the test: the calls of all parts together are
    those of one run, and the file is complete."""
    function, likelihood = counting
    path, before = tmp_path / "samples.h5", 0
    for stop in (30, 400, 860):
        function.stop = stop
        with pytest.raises(KeyboardInterrupt):
            refine(likelihood, path, calls=CALLS, seed=3, settings=SETTINGS, training=QUICK)
        assert not path.exists()
        assert before <= function.calls <= stop
        before = function.calls
    function.stop = 10**9
    samples = refine(likelihood, path, calls=CALLS, seed=3, settings=SETTINGS, training=QUICK)
    assert function.calls <= CALLS
    assert sum(samples.diagnostics["refinement"]["calls"].values()) == function.calls
    made = function.calls
    request = {"calls": CALLS, "seed": 3, "refinement": SETTINGS, "settings": QUICK}
    learned = learn(likelihood, tmp_path, **request)
    assert function.calls == made
    assert learned.accuracy.calls == made
    assert read_json(tmp_path / "accuracy.json") == learned.accuracy.to_json()
    report = validate_step(likelihood, samples, tmp_path / "surrogate.h5", tmp_path / "validation")
    assert report["effective_fraction"] == pytest.approx(learned.accuracy.effective_fraction)
    with pytest.raises(InvalidFile, match=r"another request \(seed\)"):
        refine(likelihood, path, calls=CALLS, seed=4, settings=SETTINGS, training=QUICK)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [({"calls": 100}, r"without gradients need at least \d+ calls"), ({"seed": -1}, "seed")],
)
def test_wrong_requests_make_no_call(counting, tmp_path, change, complaint):
    """Refused before anything is evaluated or written."""
    function, likelihood = counting
    with pytest.raises(InvalidInput, match=f"{complaint}.*Received: "):
        refine(likelihood, tmp_path / "s.h5", **{"calls": CALLS, **change})
    assert function.calls == 0
    assert list(tmp_path.iterdir()) == []


def test_without_a_parameter_of_interest(tmp_path):
    """There is no t to check."""
    none = AnalyticLikelihood([Parameter("x", 0, (-9, 9))], lambda x: -(x[:, 0] ** 2))
    with pytest.raises(InvalidParameters, match="poi=True"):
        refine(none, tmp_path / "s.h5", calls=5000)


def test_other_samples_have_no_such_accuracy(counting, tmp_path):
    """They were not refined: an error that says what is needed."""
    samples = sample(counting[1], tmp_path / "s.h5", strategy={"boundary": 1}, points=400)
    with pytest.raises(InvalidInput, match=r"dnnlik run --calls.*Received: "):
        accuracy(samples, counting[1])
