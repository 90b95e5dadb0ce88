"""Training steps: gradients through the whole chain, one XLA program, and every event used."""

import os
import subprocess
import sys
import textwrap

import keras
import numpy as np
import pytest
import tensorflow as tf
from analyses import (
    SHAPE,
    STAT,
    chain_of,
    channel,
    cut_of,
    cut_problem,
    events_of,
    network_of,
    problem_of,
    trainer_of,
    values_of,
)
from finite_differences import differences

from dnnlik.datasets.cut import asimov_significance
from dnnlik.differentiable import (
    OBJECTIVES,
    Binning,
    Cut,
    CutObservable,
    Events,
    NetworkObservable,
    TrainableEdges,
    evaluate,
    training,
)
from dnnlik.exceptions import InvalidInput

STATISTICAL = [name for name, o in OBJECTIVES.items() if not o.needs_scores]


class Moved:
    """An observable's variables as one flat vector that may be moved."""

    def __init__(self, variables):
        self.variables = variables
        self.start = values_of(variables)

    @property
    def flat(self):
        return np.concatenate([a.ravel() for a in self.start])

    def to(self, flat):
        sizes = np.cumsum([a.size for a in self.start])[:-1]
        for v, part in zip(self.variables, np.split(np.asarray(flat), sizes), strict=True):
            v.assign(part.reshape(v.shape))


@pytest.fixture(scope="module")
def cut_chain():
    """A threshold and two bin edges, float64, through a varied shape and staterror: of each
    objective the gradient and central differences."""
    problem = problem_of(SHAPE, STAT, events=events_of(size=40, weights=True), floor=1.0)
    edges = TrainableEdges([-1.0, 1.0, 2.0, 4.0], dtype=tf.float64)
    observable = CutObservable([Cut(1, -0.5, 2.0)], 0, Binning(edges, 0.4))
    moved = Moved(observable.trainable_variables)
    values, gradients = chain_of(problem, observable, STATISTICAL)
    start, step, slopes, received = moved.flat, 1e-3, [], gradients()
    for axis in np.eye(len(start)):
        at = {}
        for k in (-2, -1, 1, 2):
            moved.to(start + k * step * axis)
            at[k] = values()
        slopes.append((8 * (at[1] - at[-1]) - (at[2] - at[-2])) / (12 * step))
    moved.to(start)
    return received, np.transpose(slopes)


@pytest.mark.slow
@pytest.mark.parametrize("name", STATISTICAL)
def test_gradients_of_cuts_and_edges(cut_chain, name):
    """Events to objective in float64, to 1e-5 of the largest."""
    gradients, slopes = (part[STATISTICAL.index(name)] for part in cut_chain)
    assert np.abs(slopes).max() > 0
    np.testing.assert_allclose(gradients, slopes, rtol=1e-5, atol=1e-5 * np.abs(slopes).max())


def network64(seed=1):
    """Smooth and float64, so that differences of its weights are exact."""
    initializer = keras.initializers.GlorotUniform(seed)
    return keras.Sequential(
        [keras.Input((2,), dtype="float64")]
        + [
            keras.layers.Dense(units, activation, kernel_initializer=initializer, dtype="float64")
            for units, activation in ((3, "tanh"), (1, "sigmoid"))
        ]
    )


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-5), ("float32", 5e-3)])
def test_gradients_of_the_weights_of_a_network(dtype, tolerance):
    """Of cls and both cross-entropies along the gradients themselves: in float64 to 1e-5, in
    float32 to what differences of its outputs can tell."""
    problem = problem_of(events=events_of(size=40), floor=1e-3)
    wide = NetworkObservable(network64(), Binning([0.0, 0.4, 1.0], 0.1))
    if dtype == "float32":
        narrow = keras.Sequential(
            [keras.Input((2,)), keras.layers.Dense(3, "tanh"), keras.layers.Dense(1, "sigmoid")]
        )
        narrow.set_weights(wide.network.get_weights())
        wide = NetworkObservable(narrow, wide.binning)
    names = ["cls", "cross_entropy", "cross_entropy_varied"]
    moved = Moved(wide.trainable_variables)
    values, gradients = chain_of(problem, wide, names)
    step = 1e-3 if dtype == "float64" else 2e-2
    for row, gradient in enumerate(gradients()):
        length = np.linalg.norm(gradient)
        along = gradient / length

        def value(t, row=row, along=along):
            moved.to(moved.flat + t * along)
            return values()[row]

        (slope,) = differences(value, 0.0, step=step)
        np.testing.assert_allclose(length, slope, rtol=tolerance)
    moved.to(moved.flat)


def test_a_step_is_one_xla_program():
    """From the rows of events to the new weights; nothing leaves for Python, no device is
    named in it."""
    problem = problem_of(SHAPE, STAT, events=events_of(size=20))
    trainer = trainer_of(problem, network_of(problem, bins=2), "cls", batch_size=10)
    rows = [tf.constant(np.arange(10, dtype=np.int32)) for _ in problem.names]
    text = trainer._compiled.experimental_get_compiler_ir(rows)(stage="hlo")
    assert "ENTRY" in text
    graph = trainer._compiled.get_concrete_function(rows).graph.as_graph_def()
    functions = [node for f in graph.library.function for node in f.node_def]
    nodes = [*graph.node, *functions]
    assert len(nodes) > 100
    assert not {n.op for n in nodes} & {"PyFunc", "EagerPyFunc", "PyFuncStateless"}
    assert {n.device for n in nodes} == {""}
    before = values_of(trainer.observable.trainable_variables)
    outcome = trainer.epoch(1)
    assert np.isfinite(outcome["loss"])
    assert outcome["skipped_steps"] == 0
    assert not np.array_equal(before[0], values_of(trainer.observable.trainable_variables)[0])


DEVICES = """
import tensorflow as tf
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2)
import sys
sys.path.insert(0, {here!r})
from analyses import cut_problem, network_of, trainer_of
from dnnlik.devices import on_device
with on_device("CPU:1"):
    problem = cut_problem()
    trainer = trainer_of(problem, network_of(problem), "cross_entropy", batch_size=30)
    rows = [tf.range(30), tf.range(30)]
    loss, finite = trainer._compiled(rows)
tensors = [loss, finite, *(b for s in trainer.samples.values() for b in s[:2])]
tensors += [v.value for v in trainer.variables]
places = {{t.device.rpartition("device:")[2] for t in tensors}}
assert places == {{"CPU:1"}}, places
assert bool(finite)
"""


def test_a_step_runs_where_it_is_told_to():
    """With two logical CPUs variables, events and results are on the second one."""
    here = os.path.dirname(os.path.abspath(__file__))
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(DEVICES.format(here=here))],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("batch_size", [1, 7, 60, 1000])
def test_an_epoch_uses_every_event(batch_size):
    """Of every sample, also where they are of different sizes and a batch is one event."""
    events = events_of(features=1, names=("signal", "background"))
    events["signal"] = events["signal"][np.arange(12)]
    trainer = trainer_of(
        cut_problem(events=events), cut_of(), "asimov_significance", batch_size=batch_size
    )
    seen = [set(), set()]

    def step(rows):
        for found, part in zip(seen, rows, strict=True):
            found.update(part.numpy().tolist())
        return tf.constant(1.0), tf.constant(True)

    trainer._compiled = step
    assert trainer.epoch(1) == {"loss": 1.0, "skipped_steps": 0.0}
    assert seen == [set(range(12)), set(range(60))]


@pytest.mark.parametrize("batch_size", [1, 2, 60])
def test_small_batches_train(batch_size):
    """One event, and fewer than bins: every number that comes out is finite."""
    problem = cut_problem(floor=1e-3)
    observable = cut_of(binning=Binning([-1.0, 0.0, 1.0, 2.0], 0.3))
    trainer = trainer_of(problem, observable, "asimov_significance", batch_size=batch_size)
    outcome = trainer.epoch(1)
    assert np.isfinite(outcome["loss"])
    assert outcome["skipped_steps"] == 0
    assert trainer.steps == -(-60 // batch_size)


def test_training_finds_the_best_cut():
    """1/Z_A of counts without uncertainties: the optimum of the sigmoid, by a scan."""
    problem = cut_problem()
    observable = cut_of(start=-0.5, slope=3.0)
    trainer = trainer_of(problem, observable, "asimov_significance", learning_rate=0.05)
    for epoch in range(200):
        trainer.epoch(epoch)
    s, b = (problem.events[n].features[:, 0].astype(float) for n in ("signal", "background"))

    def significance(cut):
        passed = (1 / (1 + np.exp(-3 * (x - cut))) for x in (s, b))
        return asimov_significance(*(y * p.mean() for y, p in zip((20, 100), passed, strict=True)))

    scan = np.linspace(-1, 3, 4001)
    best = scan[np.argmax([significance(c) for c in scan])]
    assert abs(observable.describe()["cut_0"] - best) < 0.01


class Broken(keras.layers.Layer):
    """NaN for events beyond a place, and a state that counts calls."""

    def __init__(self, beyond):
        super().__init__()
        self.beyond = beyond

    def call(self, x):
        return tf.where(x[:, :1] > self.beyond, tf.constant(np.nan), x[:, :1])


def test_steps_without_finite_gradient_change_nothing():
    """Neither weights, nor moving averages, nor the optimizer; the other steps count."""
    events = events_of(features=1, size=8, names=("signal", "background"))
    far = np.zeros((8, 1))
    far[3] = 99.0
    events = {**events, "signal": Events(far)}
    network = keras.Sequential([
        keras.Input((1,)), Broken(50.0), keras.layers.BatchNormalization(),
        keras.layers.Dense(1, "sigmoid"),
    ])  # fmt: skip
    problem = cut_problem(events=events)
    observable = NetworkObservable(network, Binning([0.0, 1.0], 0.1))
    trainer = trainer_of(problem, observable, "cross_entropy", batch_size=1)
    before = None

    def step(rows, compiled=trainer._compiled):
        nonlocal before
        before = values_of(trainer.variables)
        loss, finite = compiled(rows)
        after = values_of(trainer.variables)
        same = [np.array_equal(b, v) for b, v in zip(before, after, strict=True)]
        assert all(same) == (not finite)
        return loss, finite

    trainer._compiled = step
    outcome = trainer.epoch(1)
    assert outcome["skipped_steps"] == 1
    assert np.isfinite(outcome["loss"])


@pytest.mark.parametrize("objective", ["cross_entropy", "cross_entropy_varied"])
def test_a_loss_without_bins_leaves_the_edges(objective):
    """Cross-entropy does not depend on trained edges: they stay, the weights move."""
    problem = problem_of(events=events_of(size=10))
    observable = network_of(problem)
    observable.binning = Binning(TrainableEdges([0.0, 0.5, 1.0]), 0.1)
    trainer = trainer_of(problem, observable, objective)
    (weights, *_) = values_of(observable.trainable_variables)
    assert trainer.epoch(1)["skipped_steps"] == 0
    assert observable.describe() == {"edge_1": 0.5}
    assert not np.array_equal(weights, values_of(observable.trainable_variables)[0])


@pytest.mark.parametrize("equal", ["variation", "signal"])
def test_what_is_equal_trains(equal):
    """A variation that is its nominal, and a signal like the background: finite gradients."""
    same = {**SHAPE, "data": {"hi_data": "background", "lo_data": "background"}}
    events = events_of(size=20)
    if equal == "signal":
        events["signal"] = events["background"]
    problem = problem_of(same if equal == "variation" else SHAPE, events=events)
    outcome = trainer_of(problem, network_of(problem, bins=2), "cls").epoch(1)
    assert np.isfinite(outcome["loss"])
    assert outcome["skipped_steps"] == 0


def test_an_empty_bin_trains():
    """Where neither events nor kernels reach, without a floor."""
    binning = Binning([-3.0, 1.0, 5.0, 500.0, 600.0], 0.1)
    trainer = trainer_of(problem_of(), cut_of(binning=binning), "cls")
    outcome = trainer.epoch(1)
    assert np.isfinite(outcome["loss"])
    assert outcome["skipped_steps"] == 0


def refused(received, problem, observable, objective, **options):
    with pytest.raises(InvalidInput) as error:
        trainer_of(problem, observable, objective, **options)
    assert "\n" not in str(error.value)
    assert received in str(error.value).split("Received: ")[1]


def test_what_is_refused():
    """Scores of cuts, of numbers, of an unknown parameter of interest; empty batches."""
    cuts, numbers = cut_problem(), problem_of(channels=[channel(SHAPE, signal=[1.0, 2.0, 3.0])])
    unknown = cut_problem(poi="kappa")
    refused("CutObservable", cuts, cut_of(), "cls + cross_entropy")
    refused("'mu'", numbers, network_of(numbers), "cross_entropy")
    refused("'kappa'", unknown, network_of(unknown), "cross_entropy_varied")
    refused("0", cuts, cut_of(), "cls", batch_size=0)


def test_evaluation_is_numpy(monkeypatch):
    """Hard counts of the events that are given, cross-entropy of all outputs."""
    names = ("asimov_significance", "cross_entropy", "cross_entropy_varied")
    monkeypatch.setattr(training, "OBJECTIVES", {n: OBJECTIVES[n] for n in names})
    problem = problem_of(events=events_of(seed=4), floor=1e-3)
    observable = network_of(problem, bins=4)
    found = evaluate(problem, observable, problem.events)
    outputs = {n: np.asarray(observable.network(s.features), float)[:, 0]
               for n, s in problem.events.items()}  # fmt: skip
    counts = [
        np.histogram(outputs[n], np.linspace(0, 1, 5))[0] * problem.yields[n] / 60 + 1e-3
        for n in ("signal", "background")
    ]
    expected = asimov_significance(*counts)
    np.testing.assert_allclose(found["asimov_significance"], expected, rtol=1e-9)
    signal = np.log(outputs["signal"]).mean()
    other = np.log(1 - outputs["background"]).mean()
    np.testing.assert_allclose(found["cross_entropy"], -0.5 * (signal + other), rtol=1e-5)
    weights = [problem.yields[n] for n in ("background", "up", "down")]
    varied = [np.log(1 - outputs[n]).mean() for n in ("background", "up", "down")]
    expected = -0.5 * (signal + np.average(varied, weights=weights))
    np.testing.assert_allclose(found["cross_entropy_varied"], expected, rtol=1e-5)
