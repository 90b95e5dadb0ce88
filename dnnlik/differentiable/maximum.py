"""Bounded maximisation inside the graph, for any function that TensorFlow can differentiate.

Damped Newton steps (Levenberg and Marquardt; Nocedal & Wright, Numerical Optimization,
ch. 10) for a batch of problems, as one `tf.while_loop`: it compiles with XLA and runs where
the rest of a training step runs. `dnnlik.inference` has the fitter for everything else.
The result carries no gradient; `dnnlik.differentiable.implicit` gives it one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from dnnlik.differentiable.derivatives import Derivatives, derivatives
from dnnlik.differentiable.linear import solve
from dnnlik.parameters import ParameterSet

__all__ = ["Maximum", "maximise"]

STEPS = 60
"""Most Newton steps; a dozen is usual."""

_TOLERANCE = 1e-14  # of the log-likelihood, promised by the last step and then taken
_ROUNDING = 16 * float(np.finfo(float).eps)
_RIDGE = 1e-12  # relative; directions without any effect must not make a system singular
_BESIDE = 0.1  # of the natural length of a parameter
_LEAST_DAMPING, _LARGEST_DAMPING = 1e-3, 1e12


class Maximum(NamedTuple):
    """n maxima: ``points`` (n, d), ``values`` (n,), ``gradient`` (n, d), ``hessian``
    (n, d, d) there, ``held`` (n, d): what a bound or the user holds, ``converged`` (n,)."""

    points: tf.Tensor
    values: tf.Tensor
    gradient: tf.Tensor
    hessian: tf.Tensor
    held: tf.Tensor
    converged: tf.Tensor


class _State(NamedTuple):
    step: tf.Tensor
    points: tf.Tensor
    at: Derivatives
    damping: tf.Tensor
    settled: tf.Tensor


def maximise(
    function: Callable[[tf.Tensor], tf.Tensor],
    start: tf.Tensor,
    parameters: ParameterSet,
    free: NDArray[np.bool_],
) -> Maximum:
    """Maximise a function (n, d) → (n,) over its free parameters, within their bounds.

    Args:
        function: row by row; twice differentiable by TensorFlow, finite at the start.
        start: (n, d) float64, within the bounds.
        parameters: their bounds, and their scales as first lengths.
        free: (d,) which parameters may move; the others stay where they start.
    """
    search = _Search(function, parameters, free)
    state = search.first(_beside(function, tf.stop_gradient(start), parameters, free))
    state = _State(*tf.while_loop(search.goes_on, search.advanced, state, maximum_iterations=STEPS))
    return Maximum(
        state.points,
        *state.at,
        held=search.held(state),
        converged=state.settled,
    )


def _beside(
    function: Callable[[tf.Tensor], tf.Tensor],
    start: tf.Tensor,
    parameters: ParameterSet,
    free: NDArray[np.bool_],
) -> tf.Tensor:
    """The better of two points a little to either side of the start, within the bounds; the
    start itself where neither is allowed.

    The inits of nuisance parameters are points of symmetry, where the slope of a variation
    that is the same up and down vanishes also when they are a saddle.
    """
    inside = tf.clip_by_value(start, parameters.lower, parameters.upper)
    size = _BESIDE * parameters.scales
    # What is held may lie outside of its bounds: a tested value is the caller's choice.
    best = tf.where(free, inside, start)
    value = tf.fill([start.shape[0]], tf.constant(-np.inf, tf.float64))
    for step in (-size, size):
        trial = tf.clip_by_value(inside + step, parameters.lower, parameters.upper)
        trial = tf.where(free, trial, start)
        height = function(trial)
        better = height > value
        best = tf.where(better[:, None], trial, best)
        value = tf.where(better, height, value)
    return best


class _Search:
    """The parts of `maximise`."""

    def __init__(
        self,
        function: Callable[[tf.Tensor], tf.Tensor],
        parameters: ParameterSet,
        free: NDArray[np.bool_],
    ) -> None:
        self.function, self.free = function, free
        self.lower, self.upper = parameters.lower, parameters.upper
        self.scales = parameters.scales

    def first(self, points: tf.Tensor) -> _State:
        zeros = tf.zeros_like(points[:, 0])
        at = derivatives(self.function, points)
        return _State(tf.constant(0), points, at, zeros, tf.zeros_like(zeros, dtype=tf.bool))

    def goes_on(self, *state: tf.Tensor) -> tf.Tensor:
        now = _State(*state)
        hopeful = ~now.settled & (now.damping < _LARGEST_DAMPING)
        return (now.step < STEPS) & tf.reduce_any(hopeful)

    def held(self, now: _State) -> tf.Tensor:
        """Parameters that are not free, or at a bound that the gradient pushes against."""
        slope = now.at.gradient
        below = (now.points <= self.lower) & (slope <= 0)
        return ~self.free | below | ((now.points >= self.upper) & (slope >= 0))

    def advanced(self, *state: tf.Tensor) -> _State:
        """One damped Newton step, taken where it does not lose."""
        now = _State(*state)
        trial = self._trial(now)
        moved = trial - now.points
        promise = tf.reduce_sum(moved * now.at.gradient, axis=1) + 0.5 * tf.reduce_sum(
            moved * tf.linalg.matvec(now.at.hessian, moved), axis=1
        )
        at = derivatives(self.function, trial)
        rounding = _ROUNDING * (1.0 + tf.abs(now.at.values))
        gain = at.values - now.at.values
        good = (promise >= 0) & (gain >= 0.1 * promise - rounding) & _finite(at)
        good &= ~now.settled
        # A promise this small is kept by any step, and the step is worth taking.
        settled = now.settled | (good & (promise <= _TOLERANCE + rounding) & (now.damping == 0))
        damping = tf.where(good, 0.1 * now.damping, tf.maximum(10 * now.damping, _LEAST_DAMPING))
        damping = tf.where(damping < 0.5 * _LEAST_DAMPING, tf.zeros_like(damping), damping)
        return _State(
            now.step + 1,
            tf.where(good[:, None], trial, now.points),
            Derivatives(*(_chosen(good, new, old) for new, old in zip(at, now.at, strict=True))),
            tf.where(now.settled, now.damping, damping),
            settled,
        )

    def _trial(self, now: _State) -> tf.Tensor:
        """Where the step leads; NaN, which promises nothing, where more damping is needed."""
        loose = tf.cast(~self.held(now), tf.float64)
        system = -now.at.hessian * (self.scales[:, None] * self.scales)
        system *= loose[:, :, None] * loose[:, None, :]
        ridge = _RIDGE * (1.0 + tf.abs(tf.linalg.diag_part(system)))
        diagonal = 1.0 - loose + now.damping[:, None] + ridge
        right = loose * self.scales * now.at.gradient
        solved = solve(system + tf.linalg.diag(diagonal), right)
        trial = now.points + self.scales * solved * loose
        return tf.where(loose > 0, tf.clip_by_value(trial, self.lower, self.upper), now.points)


def _chosen(good: tf.Tensor, new: tf.Tensor, old: tf.Tensor) -> tf.Tensor:
    mask = tf.reshape(good, [-1] + [1] * (len(new.shape) - 1))
    return tf.where(mask, new, old)


def _finite(at: Derivatives) -> tf.Tensor:
    finite = tf.math.is_finite(at.values) & tf.reduce_all(tf.math.is_finite(at.gradient), axis=1)
    return finite & tf.reduce_all(tf.math.is_finite(at.hessian), axis=[1, 2])
