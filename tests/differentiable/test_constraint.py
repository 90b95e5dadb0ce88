"""A bound of the cross-entropy: the multiplier's steps, the bound, and which epoch is kept."""

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf
from analyses import (
    assert_refused,
    cut_of,
    cut_problem,
    network_of,
    problem_of,
    trainer_of,
    values_of,
)

from dnnlik.datasets.two_signals import two_signals
from dnnlik.differentiable import OBJECTIVES, Constraint, Events, Settings, optimise, training
from dnnlik.differentiable.constraint import Multiplier
from dnnlik.differentiable.methods import METHODS, category_observable
from dnnlik.differentiable.problems import two_signals_problem

PROBLEM = cut_problem(floor=1e-3)
OBJECTIVE = "-1*cross_entropy"  # all that it wants is forbidden
SETTINGS = Settings(
    OBJECTIVE, epochs=6, batch_size=1000, learning_rate=0.05, seed=1, pretraining=4,
    constraint=Constraint(tolerance=0.003, rate=100.0),
)  # fmt: skip


@pytest.fixture(autouse=True)
def _few_objectives(monkeypatch):
    """Evaluate those alone that compile quickly."""
    chosen = ("sigma_sum", "cross_entropy", "cross_entropy_varied")
    monkeypatch.setattr(training, "OBJECTIVES", {name: OBJECTIVES[name] for name in chosen})


def test_the_multiplier_follows_the_excess():
    """It grows by the rate times the excess, is 0 wherever there is none; the penalty is their
    product."""
    multiplier = Multiplier(Constraint(bound=0.5, rate=2.0))
    told = []
    for entropy in (0.6, 0.8, 0.5, 0.4, 0.7):
        multiplier.ascend(tf.constant(entropy, tf.float64))
        told.append(multiplier.describe()["multiplier"])
    np.testing.assert_allclose(told, [0.2, 0.8, 0.8, 0.0, 0.4])
    penalties = [float(multiplier.penalty(tf.constant(e, tf.float64))) for e in (0.75, 0.3, np.nan)]
    np.testing.assert_allclose(penalties, [0.4 * 0.25, 0.0, np.nan])


def after_steps(objective, constraint=None):
    """All weights after three steps, ω set to 2.5 before each; what it is after the last, and the
    loss of the first."""
    problem = problem_of()
    observable = network_of(problem)
    trainer = trainer_of(problem, observable, objective, constraint=constraint)
    losses = []
    for number in range(3):
        if trainer.multiplier:
            trainer.multiplier.variables[0].assign(2.5)
        losses.append(trainer.epoch(number)["loss"])
    weights = np.concatenate([v.ravel() for v in values_of(observable.variables)])
    return weights, losses[0], trainer.describe().get("multiplier")


def test_a_step_is_one_of_the_sum():
    """Above the bound ω is the weight of the cross-entropy; below it there is no cross-entropy,
    and ω returns to 0."""
    objective = "-1*cross_entropy_varied"
    above, loss_above, grown = after_steps(objective, Constraint(bound=0.01))
    below, loss_below, reset = after_steps(objective, Constraint(bound=1e3))
    total, loss_total, _ = after_steps(f"{objective} + 2.5*cross_entropy")
    alone, loss_alone, _ = after_steps(objective)
    assert loss_above == pytest.approx(loss_total - 2.5 * 0.01, rel=1e-6)
    assert loss_below == pytest.approx(loss_alone, rel=1e-6)
    np.testing.assert_allclose(above, total, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(below, alone, rtol=1e-4, atol=1e-6)
    assert np.abs(alone - total).max() > 1e-3
    assert grown > 2.5
    assert reset == 0.0


def test_a_step_without_a_finite_gradient_leaves_the_multiplier():
    """As it leaves everything."""
    observable = network_of(PROBLEM)
    trainer = trainer_of(PROBLEM, observable, "cross_entropy", constraint=Constraint(1e-3))
    trainer.multiplier.variables[0].assign(1.5)
    observable.network.layers[-1].bias.assign([np.nan])
    assert trainer.epoch(0)["skipped_steps"] == 1
    assert trainer.describe()["multiplier"] == 1.5


@pytest.fixture(scope="module")
def whole():
    """A training that is not interrupted."""
    with pytest.MonkeyPatch.context() as patch:
        chosen = ("cross_entropy",)
        patch.setattr(training, "OBJECTIVES", {name: OBJECTIVES[name] for name in chosen})
        return optimise(PROBLEM, network_of(PROBLEM), SETTINGS)


def test_the_bound_is_that_of_the_end_of_the_pretraining(whole):
    """On the events of the training, by numpy; unknown before, the same ever after."""
    observable, scores = network_of(PROBLEM), {}
    train, _ = PROBLEM.split(SETTINGS.seed)

    def look(text, done, total):
        if done == SETTINGS.pretraining:
            scores.update({n: observable.summary(train[n].features).numpy() for n in train})

    optimise(PROBLEM, observable, replace(SETTINGS, epochs=1), progress=look)
    signal, other = np.log(scores["signal"]).mean(), np.log(1 - scores["background"]).mean()
    bounds = [record["cross_entropy_bound"] for record in whole.history]
    assert np.isnan(bounds[:4]).all()
    np.testing.assert_allclose(bounds[4:], -0.5 * (signal + other) + 0.003, rtol=1e-5)


def test_the_kept_epoch_keeps_the_cross_entropy(whole):
    """The objective pulls it up: the best of the epochs that are within the tolerance on held-out
    events, not the best of all."""
    entropy = np.array([record["cross_entropy"] for record in whole.history])
    assert whole.metrics["cross_entropy"] <= entropy[4] + 0.003
    assert entropy.max() > entropy[4] + 0.003
    allowed = [e if e <= entropy[4] + 0.003 else -np.inf for e in entropy[4:]]
    assert whole.best_epoch == 4 + int(np.argmax(allowed))


def test_where_none_is_allowed_the_least_excess_is_kept():
    """A bound that no epoch has."""
    settings = replace(SETTINGS, epochs=2, pretraining=0, constraint=Constraint(bound=0.01))
    found = optimise(PROBLEM, network_of(PROBLEM), settings)
    entropy = [record["cross_entropy"] for record in found.history]
    assert found.best_epoch == int(np.argmin(entropy))


@pytest.mark.parametrize("epoch", [2, 4, 7])
def test_an_interrupted_training_goes_on(whole, tmp_path, epoch):
    """Before, at and after the end of the pretraining: the same multipliers, bound and network."""

    def interrupt(text, done, total):
        if done == epoch:
            raise KeyboardInterrupt

    path = tmp_path / "state.npz"
    with pytest.raises(KeyboardInterrupt):
        optimise(PROBLEM, network_of(PROBLEM), SETTINGS, state=path, progress=interrupt)
    observable = network_of(PROBLEM)
    again = optimise(PROBLEM, observable, SETTINGS, state=path)
    for name in ("multiplier", "cross_entropy_bound", "loss"):
        np.testing.assert_array_equal(*([r[name] for r in run.history] for run in (whole, again)))
    assert again.best_epoch == whole.best_epoch
    for one, other in zip(
        *(values_of(r.observable.variables) for r in (whole, again)), strict=True
    ):
        np.testing.assert_array_equal(one, other)
    assert max(record["multiplier"] for record in again.history) > 0


@pytest.mark.slow
def test_two_signals():
    """Trained for Σ σ the uncertainties shrink by a fifth and the cross-entropy is lost; with the
    constraint it stays, and they shrink by less. On many events that no step sees."""
    fresh = {name: Events(x) for name, x in two_signals(30_000, seed=2).items()}
    problem = replace(two_signals_problem(1, 10_000), held_out=fresh)
    settings = replace(METHODS["sannt"].settings, epochs=40)
    constraint = Constraint(tolerance=0.02)
    free, kept = (
        optimise(problem, category_observable(problem, seed=1), replace(settings, constraint=c))
        for c in (None, constraint)
    )
    before = free.history[30]
    assert before["sigma_sum"] == pytest.approx(0.956, rel=0.05)  # of the best classifier
    assert 0.650 < free.metrics["sigma_sum"] < 0.8 * before["sigma_sum"]
    assert free.metrics["cross_entropy"] > before["cross_entropy"] + 0.1
    assert free.metrics["sigma_sum"] < kept.metrics["sigma_sum"] < 0.9 * before["sigma_sum"]
    assert kept.metrics["cross_entropy"] <= before["cross_entropy"] + 0.02


REFUSED = {
    "no bound and no pretraining": (
        lambda: Settings("cls", constraint=Constraint()), "no pretraining"),
    "a bound of zero": (lambda: Constraint(bound=0.0), "bound=0.0"),
    "a bound that is NaN": (lambda: Constraint(bound=np.nan), "bound=nan"),
    "a negative tolerance": (lambda: Constraint(tolerance=-0.1), "tolerance=-0.1"),
    "no rate": (lambda: Constraint(rate=0.0), "rate=0.0"),
    "cuts": (lambda: trainer_of(PROBLEM, cut_of(), "cls", constraint=Constraint(0.5)),
             "Constraint.* for a CutObservable"),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_refused(kind):
    """One line each."""
    assert_refused(*REFUSED[kind])
