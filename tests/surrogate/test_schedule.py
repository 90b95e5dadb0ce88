"""The plateau schedule, epoch by epoch."""

from __future__ import annotations

import math

import pytest

from dnnlik.exceptions import InvalidInput
from dnnlik.surrogate.schedule import Plateau
from dnnlik.surrogate.settings import TrainingSettings

SETTINGS = TrainingSettings(
    schedule="plateau",
    rate_patience=2,
    rate_factor=0.5,
    stop_patience=5,
    gain=0.1,
)


def run(losses, settings=SETTINGS):
    states = [Plateau(rate=1.0)]
    for loss in losses:
        states.append(states[-1].after(loss, settings))
    return states


def test_the_rate_is_cut_after_epochs_without_gain():
    """Every second epoch without a gain halves the rate; waiting goes on across cuts."""
    states = run([1.0, 1.0, 1.0, 1.0, 1.0])
    assert [state.rate for state in states] == [1, 1, 1, 0.5, 0.5, 0.25]
    assert [state.waited for state in states] == [0, 0, 1, 2, 3, 4]


def test_a_gain_starts_the_count_again():
    """Ten per cent below the reference is a gain, less is none."""
    states = run([1.0, 0.95, 0.89, 0.85])
    assert [state.waited for state in states] == [0, 0, 1, 0, 1]
    assert states[-1].rate == 1.0


def test_small_gains_add_up():
    """The reference is the last gain, not the last loss: slow progress is progress."""
    states = run([1.0, 0.96, 0.92, 0.89])
    assert [state.waited for state in states] == [0, 0, 1, 2, 0]


def test_the_best_loss_needs_no_gain():
    """The lowest loss counts for the weights that are kept, however small the gain."""
    assert [state.best for state in run([1.0, 0.99, 1.5])] == [math.inf, 1.0, 0.99, 0.99]


def test_it_stops_without_gain_or_after_all_epochs():
    """Five epochs without gain, or the eighth epoch."""
    finished = [state.finished(SETTINGS, 8) for state in run([1.0] * 6)]
    assert finished == [False] * 6 + [True]
    falling = [state.finished(SETTINGS, 8) for state in run([0.5**k for k in range(8)])]
    assert falling == [False] * 8 + [True]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"baseline": "cubic"}, "baseline must be one of best, regression, hessian, none"),
        ({"activation": "relu"}, "activation must be one of silu"),
        ({"optimizer": "sgd"}, "optimizer must be one of muon"),
        ({"schedule": "step"}, "schedule must be one of cosine"),
        ({"precision": "half"}, "precision must be one of float32"),
        ({"members": 0}, "members must be positive"),
        ({"steps": 0}, "steps must be positive"),
        ({"draw": 0.0}, "draw is a fraction"),
        ({"draw": math.nan}, "draw is a fraction"),
        ({"layers": ()}, "hidden layers"),
        ({"layers": (8, 0)}, "hidden layers"),
        ({"peak_weight": -1.0}, "peak_weight"),
        ({"peak_weight": math.nan}, "peak_weight"),
        ({"batch_size": 0}, "batch_size must be positive, whole"),
        ({"learning_rate": 0.0}, "learning_rate must be positive"),
        ({"max_epochs": 0}, "max_epochs must be positive"),
        ({"steps": 1.5}, "steps must be positive, whole"),
        ({"members": True}, "members must be positive, whole"),
        ({"layers": (1.5,)}, "hidden layers"),
        ({"gain": math.nan}, "gain must not be negative"),
        ({"gradient_weight": math.inf}, "gradient_weight must not be negative, and finite"),
        ({"rate_factor": 2.0}, "rate_factor is a fraction"),
        ({"learning_rate": math.nan}, "learning_rate must be positive"),
        ({"seed": -1}, "seed must not be negative"),
    ],
)
def test_meaningless_settings_are_refused(change, complaint):
    """One line that names the setting and what was received."""
    with pytest.raises(InvalidInput, match=f"{complaint}.*Received: ") as caught:
        TrainingSettings(**change)
    assert "\n" not in str(caught.value)
