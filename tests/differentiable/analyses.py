"""Small analyses for the tests: few events, few bins, networks of a few units."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from dnnlik.differentiable import Binning, Cut, CutObservable, Events, NetworkObservable, Problem
from dnnlik.differentiable.analysis import analysed, batches
from dnnlik.differentiable.expression import parse_loss
from dnnlik.differentiable.network import dense_network
from dnnlik.differentiable.training import Trainer
from dnnlik.exceptions import InvalidInput

MU = {"name": "mu", "type": "normfactor", "data": None}
SHAPE = {"name": "shape", "type": "histosys", "data": {"hi_data": "up", "lo_data": "down"}}
STAT = {"name": "stat", "type": "staterror", "data": "background"}
YIELDS = {"signal": 20.0, "background": 100.0, "up": 104.0, "down": 97.0}
CENTRES = {"signal": 2.0, "background": 0.0, "up": 0.3, "down": -0.2}


def events_of(seed=0, size=60, features=2, names=CENTRES, weights=False):
    """Events of each sample around its centre, with weights of both signs or without."""
    rng = np.random.default_rng(seed)
    return {
        name: Events(
            rng.normal(CENTRES[name], 1, (size, features)),
            rng.choice([1.5, 0.7, -0.4], size, p=[0.5, 0.3, 0.2]) if weights else None,
        )
        for name in names
    }


def channel(*modifiers, name="SR", signal="signal", background="background"):
    """A signal on a background that has modifiers."""
    samples = [
        {"name": "signal", "data": signal, "modifiers": [MU]},
        {"name": "background", "data": background, "modifiers": list(modifiers)},
    ]
    return {"name": name, "samples": samples}


def problem_of(*modifiers, events=None, **options):
    """One channel; the shape varies unless other modifiers are given."""
    options.setdefault("channels", [channel(*(modifiers or (SHAPE,)))])
    options.setdefault("yields", YIELDS)
    return Problem(events=events or events_of(), **options)


def cut_problem(**options):
    """Counts above a cut, nothing uncertain: the cheapest model there is."""
    events = options.pop("events", None) or events_of(names=("signal", "background"), features=1)
    yields = {"signal": 20.0, "background": 100.0}
    channels = [channel()]
    return Problem(**{"events": events, "yields": yields, "channels": channels, **options})


def cut_of(start=0.8, slope=3.0, binning=None):
    return CutObservable([Cut(0, start, slope)], binning=binning)


def network_of(problem, bins=3, layers=(4,), seed=0, **options):
    network = dense_network([problem.events[n] for n in problem.names], layers, seed=seed)
    return NetworkObservable(network, Binning(np.linspace(0, 1, bins + 1), 0.1, **options))


def trainer_of(problem, observable, objective, **options):
    options.setdefault("batch_size", 1000)
    return Trainer(problem, problem.events, observable, parse_loss(objective), **options)


def trained_of(problem, observable, hard=False):
    """The model of all events of a problem, in the graph or out of it."""
    return analysed(problem, observable, batches(problem, problem.events), hard=hard)


def values_of(variables):
    """Copies of what variables hold."""
    return [np.array(v.numpy()) for v in variables]


def chain_of(problem, observable, losses):
    """The whole chain, compiled once: weights (losses,) of losses → their values (losses,) at
    the present variables, and the gradient (flat) of the sum of those with a weight."""
    variables = [
        v.value if isinstance(v, keras.Variable) else v for v in observable.trainable_variables
    ]

    @tf.function(jit_compile=True, autograph=False)
    def chain(weights):
        with tf.GradientTape() as tape:
            trained = trained_of(problem, observable)
            values = tf.stack([parse_loss(name).value(trained) for name in losses])
            # Products with a weight of 0 would let NaN of other losses in.
            chosen = tf.reduce_sum(tf.where(weights > 0, values, tf.zeros_like(values)))
        zero = tf.UnconnectedGradients.ZERO
        slopes = tape.gradient(chosen, variables, unconnected_gradients=zero)
        return values, tf.concat([tf.reshape(slope, [-1]) for slope in slopes], 0)

    def values():
        return chain(tf.zeros(len(losses), tf.float64))[0].numpy()

    def gradients():
        return np.array([chain(tf.constant(w))[1].numpy() for w in np.eye(len(losses))], float)

    return values, gradients


def assert_refused(make, received):
    """What ``make`` builds is refused in one line that ends with what was received."""
    with pytest.raises(InvalidInput, match=f"Received: .*{received}") as error:
        make()
    assert "\n" not in str(error.value)
