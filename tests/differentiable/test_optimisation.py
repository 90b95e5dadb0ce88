"""Training as a whole: the best epoch is kept, and a killed training goes on."""

import json
from dataclasses import replace

import keras
import numpy as np
import pytest
from analyses import cut_of, cut_problem, events_of, network_of, problem_of, values_of

from dnnlik.differentiable import (
    OBJECTIVES,
    Binning,
    Events,
    NetworkObservable,
    Settings,
    optimise,
    training,
)
from dnnlik.differentiable.expression import parse_loss
from dnnlik.exceptions import InvalidInput, LowStatisticsWarning, NotConverged
from dnnlik.restart import RestartState

CHEAP = ("asimov_significance", "cross_entropy")
SETTINGS = Settings("cross_entropy", epochs=5, batch_size=16, learning_rate=0.05, seed=1)


@pytest.fixture(autouse=True)
def _few_objectives(monkeypatch):
    """Evaluate those alone that compile quickly."""
    monkeypatch.setattr(training, "OBJECTIVES", {name: OBJECTIVES[name] for name in CHEAP})


PROBLEM = cut_problem(floor=1e-3)


def normalised(seed=0):
    """With moving averages and dropout: a state beyond the trained weights."""
    network = keras.Sequential([
        keras.Input((1,)), keras.layers.BatchNormalization(),
        keras.layers.Dense(4, "tanh", kernel_initializer=keras.initializers.GlorotUniform(seed)),
        keras.layers.Dropout(0.2, seed=3),
        keras.layers.Dense(1, "sigmoid", kernel_initializer=keras.initializers.GlorotUniform(seed)),
    ])  # fmt: skip
    return NetworkObservable(network, Binning([0.0, 0.5, 1.0], 0.1))


MAKES = {"cut": cut_of, "network": lambda: network_of(PROBLEM), "normalised": normalised}
OBJECTIVE = {"cut": "asimov_significance", "network": "cross_entropy + 0.1*cross_entropy"}


def settings_of(kind):
    return replace(SETTINGS, objective=OBJECTIVE.get(kind, "cross_entropy"))


@pytest.fixture(scope="module")
def uninterrupted():
    """Trainings from beginning to end, each when it is first asked for."""
    done = {}

    def get(kind):
        if kind not in done:
            done[kind] = optimise(PROBLEM, MAKES[kind](), settings_of(kind))
        return done[kind]

    return get


def assert_same(one, other):
    """The same history and the same observable, to the last bit."""
    np.testing.assert_equal(one.history, other.history)
    assert one.best_epoch == other.best_epoch
    for a, b in zip(*(values_of(r.observable.variables) for r in (one, other)), strict=True):
        np.testing.assert_array_equal(a, b)


def test_numbers_of_numpy(tmp_path):
    """Counts, rates and floors from arrays are as good as any."""
    settings = Settings(
        "cross_entropy", np.int64(1), np.int32(16), np.float32(0.05), seed=np.int64(3)
    )
    problem = replace(PROBLEM, floor=np.float32(0.01))
    optimise(problem, network_of(problem), settings, state=tmp_path / "state.npz")
    assert json.dumps([settings.epochs, settings.learning_rate, settings.seed, problem.floor])


@pytest.mark.parametrize("kind", MAKES)
def test_the_best_epoch_is_kept(uninterrupted, kind):
    """Where the objective is lowest on held-out events; the observable is that of it."""
    found = uninterrupted(kind)
    loss = parse_loss(found.settings.objective)
    values = [loss.of(record) for record in found.history]
    assert found.best_epoch == int(np.argmin(values))
    assert found.metrics == found.history[found.best_epoch]
    again = training.evaluate(PROBLEM, found.observable, found.held_out)
    assert again == {name: found.metrics[name] for name in again}
    assert [record["epoch"] for record in found.history] == list(range(6))
    assert np.isnan(found.history[0]["loss"])
    assert all(np.isfinite(record["loss"]) for record in found.history[1:])
    assert found.seconds > 0


def test_an_untrained_observable_may_be_the_best():
    """A training that only spoils keeps the start."""
    observable = cut_of(start=0.9)
    before = values_of(observable.variables)
    found = optimise(PROBLEM, observable, Settings("-1*asimov_significance", 2, 1000, 1e-9))
    values = [record["asimov_significance"] for record in found.history]
    assert found.best_epoch == int(np.argmin(values)) == 0
    np.testing.assert_array_equal(values_of(observable.variables), before)


def test_what_is_tracked():
    """The named objectives and what the training needs, with the numbers of a full record."""
    settings = Settings("cross_entropy", 1, 16, 0.05)
    found, full = (
        optimise(PROBLEM, MAKES["network"](), replace(settings, tracked=names))
        for names in (("cross_entropy",), ())
    )
    assert set(full.metrics) - set(found.metrics) == {"asimov_significance"}
    assert found.metrics == {name: full.metrics[name] for name in found.metrics}
    known = training.evaluate(PROBLEM, full.observable, full.held_out, ["asimov_significance"])
    assert known == {"asimov_significance": full.metrics["asimov_significance"]}
    with pytest.raises(InvalidInput, match=r"no objective of this name.*Received: 'sigma'"):
        training.evaluate(PROBLEM, full.observable, full.held_out, ["sigma"])
    with pytest.raises(InvalidInput, match="no objective of this name"):
        Settings("cls", tracked=("cls", "sigma"))


def test_few_events_are_warned_of():
    """Twelve events where a hundred are expected."""
    few = problem_of(events=events_of(size=12))
    settings = Settings("asimov_significance", 1, 9)
    with pytest.warns(LowStatisticsWarning, match="a training would fit fluctuations"):
        optimise(few, network_of(few), settings)


def test_cross_entropy_may_come_first():
    """The first epochs are those of a training for cross-entropy alone, the others begin there."""
    first = Settings("cross_entropy", 1, 16, 0.05, 1, pretraining=2)
    found = optimise(PROBLEM, MAKES["network"](), replace(first, objective="asimov_significance"))
    assert [record["epoch"] for record in found.history] == [0, 1, 2, 3]
    alone = optimise(PROBLEM, MAKES["network"](), first)
    for one, other in zip(found.history[:3], alone.history[:3], strict=True):
        np.testing.assert_equal(one, other)
    assert found.history[3]["loss"] != alone.history[3]["loss"]


@pytest.mark.parametrize("epoch", [1, 3])
def test_a_pretraining_that_was_interrupted_goes_on(tmp_path, epoch):
    """In either part; the same history as without."""
    settings = Settings("asimov_significance", 2, 16, 0.05, 1, pretraining=2)
    whole = optimise(PROBLEM, MAKES["network"](), settings)
    interrupted_after(epoch, "network", tmp_path / "state.npz", settings=settings)
    again = optimise(PROBLEM, MAKES["network"](), settings, state=tmp_path / "state.npz")
    assert_same(again, whole)


def test_the_seed_decides(uninterrupted):
    """The same seed gives the same, another one other events and another order."""
    again = optimise(PROBLEM, MAKES["network"](), settings_of("network"))
    assert_same(again, uninterrupted("network"))
    other = optimise(PROBLEM, MAKES["network"](), replace(settings_of("network"), seed=2, epochs=1))
    assert other.history[0]["cross_entropy"] != again.history[0]["cross_entropy"]


def interrupted_after(epoch, kind, path, observable=None, settings=None):
    """A training that Ctrl-C ends after an epoch."""

    def interrupt(text, done, total):
        if done == epoch:
            raise KeyboardInterrupt

    observable = observable or MAKES[kind]()
    with pytest.raises(KeyboardInterrupt):
        optimise(PROBLEM, observable, settings or settings_of(kind), state=path, progress=interrupt)
    return observable


@pytest.mark.parametrize("epoch", [1, 5])
@pytest.mark.parametrize("kind", MAKES)
def test_an_interrupted_training_goes_on(uninterrupted, tmp_path, kind, epoch):
    """The same history and weights as without, and only what was left is trained."""
    path = tmp_path / "new" / "state.npz"
    interrupted_after(epoch, kind, path)
    told = []
    found = optimise(
        PROBLEM, MAKES[kind](), settings_of(kind), state=path,
        progress=lambda text, done, of: told.append(done) if text[:5] == "train" else None,
    )  # fmt: skip
    assert told == list(range(epoch + 1, 6))
    assert_same(found, uninterrupted(kind))


def test_the_same_observable_goes_on(uninterrupted, tmp_path):
    """As in a notebook: an interrupted training leaves it as it was, the next call goes on."""
    path = tmp_path / "state.npz"
    fresh = values_of(MAKES["network"]().variables)
    observable = interrupted_after(3, "network", path)
    for a, b in zip(values_of(observable.variables), fresh, strict=True):
        np.testing.assert_array_equal(a, b)
    told = []
    found = optimise(
        PROBLEM, observable, settings_of("network"), state=path,
        progress=lambda text, done, of: told.append(done) if text[:5] == "train" else None,
    )  # fmt: skip
    assert told == [4, 5]
    assert_same(found, uninterrupted("network"))


OTHERS = {
    "another seed": {"settings": replace(SETTINGS, seed=9)},
    "another learning rate": {"settings": replace(SETTINGS, learning_rate=0.04)},
    "other events": {"problem": cut_problem(
        floor=1e-3, events=events_of(seed=3, names=("signal", "background"), features=1))},
    "other yields": {"problem": replace(PROBLEM, yields={"signal": 21.0})},
    "another floor": {"problem": replace(PROBLEM, floor=2e-3)},
    "other held-out events": {"problem": replace(PROBLEM, held_out=PROBLEM.events)},
    "another start": {"observable": network_of(PROBLEM, seed=5)},
    "other bins": {"observable": network_of(PROBLEM, bins=4)},
    "another end of the bins": {"observable": network_of(PROBLEM, outside="reflect")},
}  # fmt: skip


def epochs_done(path, problem=PROBLEM, observable=None, settings=SETTINGS):
    """Which epochs a training would do that finds a state; nothing is computed."""
    told = []
    with pytest.MonkeyPatch.context() as patch:
        outcome = {"loss": 1.0, "skipped_steps": 0.0}
        patch.setattr(training.Trainer, "epoch", lambda self, number: outcome)
        patch.setattr(training.Evaluation, "__call__", lambda self: dict.fromkeys(CHEAP, 1.0))
        optimise(
            problem, observable or network_of(problem), settings, state=path,
            progress=lambda text, done, of: told.append(done) if text[:5] == "train" else None,
        )  # fmt: skip
    return told


@pytest.fixture(scope="module")
def state(tmp_path_factory):
    """The state after two epochs."""
    path = tmp_path_factory.mktemp("state") / "state.npz"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "OBJECTIVES", {name: OBJECTIVES[name] for name in CHEAP})
        interrupted_after(2, "network", path, settings=SETTINGS)
    return path.read_bytes()


@pytest.fixture
def path(tmp_path, state):
    (tmp_path / "state.npz").write_bytes(state)
    return tmp_path / "state.npz"


def test_the_same_training_goes_on(path):
    """Or the tests below would prove nothing."""
    assert epochs_done(path) == [3, 4, 5]


@pytest.mark.parametrize("kind", OTHERS)
def test_another_training_starts_afresh(path, kind):
    """Whatever is different: nothing of the other one is taken over."""
    assert epochs_done(path, **OTHERS[kind]) == [1, 2, 3, 4, 5]


def widened(observable):
    observable.binning.bandwidth = 0.2
    return observable


def with_another_activation():
    network = network_of(PROBLEM)
    network.network.layers[2].activation = keras.activations.selu
    return network


@pytest.mark.parametrize("make", [lambda: widened(network_of(PROBLEM)), with_another_activation])
def test_the_same_variables_may_be_another_observable(path, make):
    """Another bandwidth or activation starts afresh, though nothing that is trained differs."""
    assert epochs_done(path, observable=make()) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("content", [b"", b"no npz file", "cut", "flipped"])
def test_a_damaged_state_starts_afresh(path, state, content):
    """And is replaced."""
    place = state.index(np.array("cross_entropy").tobytes())  # not in a name or a gap of the zip
    flipped = state[:place] + bytes([state[place] ^ 255]) + state[place + 1 :]
    path.write_bytes({"cut": state[:-50], "flipped": flipped}.get(content, content))
    assert epochs_done(path) == [1, 2, 3, 4, 5]
    assert epochs_done(path) == []


@pytest.mark.parametrize("name", ["identity", "first", "history", "best_epoch"])
def test_a_state_of_another_version_starts_afresh(path, name):
    """An entry is missing."""
    content = RestartState(path).load()
    del content[name]
    RestartState(path).save(content)
    assert epochs_done(path) == [1, 2, 3, 4, 5]


def nan_network():
    network = network_of(PROBLEM)
    network.network.layers[-1].bias.assign([np.nan])
    return network


@pytest.mark.parametrize("objective", ["cross_entropy", "asimov_significance"])
def test_a_network_that_is_nan(tmp_path, objective):
    """Every step is skipped, and in the end the training has not converged: one line."""
    path = tmp_path / "state.npz"
    with pytest.raises(NotConverged, match="not finite after any epoch") as error:
        optimise(
            PROBLEM, nan_network(), replace(SETTINGS, objective=objective, epochs=1), state=path
        )
    assert "\n" not in str(error.value)
    assert error.value.exit_code == 4
    records = json.loads(str(RestartState(path).load()["history"]))
    assert records[1]["skipped_steps"] == 3  # of 45 events in batches of 16
    assert np.isnan(records[1][objective])


REFUSED = {
    "no epochs": (lambda: Settings(epochs=0), "epochs=0"),
    "no events in a batch": (lambda: Settings(batch_size=0), "batch_size=0"),
    "a negative learning rate": (lambda: Settings(learning_rate=-1e-3), "-0.001"),
    "no learning rate": (lambda: Settings(learning_rate=0.0), "0.0"),
    "a learning rate that is NaN": (lambda: Settings(learning_rate=np.nan), "nan"),
    "a negative seed": (lambda: Settings(seed=-1), "-1"),
    "an unknown objective": (lambda: Settings("clz"), "'clz'"),
    "scores of cuts": (lambda: optimise(PROBLEM, cut_of(), "cross_entropy"), "CutObservable"),
    "one event": (
        lambda: optimise(replace(PROBLEM, events={
            **PROBLEM.events, "signal": Events([[0.0]])}), cut_of(), "cls"), "1 in signal"),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_refused(kind):
    """One line that ends with what was received."""
    make, received = REFUSED[kind]
    with pytest.raises(InvalidInput) as error:
        make()
    assert "\n" not in str(error.value)
    assert received in str(error.value).split("Received: ")[1]


def test_an_objective_alone_is_enough():
    """The other settings are the defaults."""
    assert Settings("cls") == Settings()
    assert Settings().epochs == 60
