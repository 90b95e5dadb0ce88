"""Bounded maximisation of many log-likelihoods at once by damped Newton steps.

Every problem goes its own way: the same number of numerical operations is done for
all that are still on theirs, as one batch of evaluations and one of linear systems.

A step maximises the quadratic model within the bounds (`dnnlik.inference.quadratic`).
Damping follows Levenberg and Marquardt (Nocedal & Wright, Numerical Optimization,
ch. 10). A Hessian costs d gradients, so one that still foresees the gains
is used again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dnnlik.inference.problems import hessians
from dnnlik.inference.quadratic import QuadraticModel, curvature_widths, definite
from dnnlik.typing import Points, Problems

__all__ = ["Solution", "maximise", "projected_slope", "pushed_out"]

Array = NDArray[np.float64]
Index = NDArray[np.intp]
Mask = NDArray[np.bool_]

GAIN_TOLERANCE = 1e-9
"""A maximum is one where the quadratic model promises less than this in log-likelihood."""
_ITERATIONS = 100
_ROUNDING = 8 * float(np.finfo(float).eps)
_NO_DAMPING, _LARGEST_DAMPING = 1e-3, 1e12
_GOOD_MODEL = 0.25  # |gain / promise - 1| below which a Hessian is used once more
_LAGGING = 0.2  # share of the promise that is left, above which it is not


@dataclass
class Solution:
    """Where each of n problems stands: arrays of length n, or (n, d)."""

    points: Array
    values: Array
    slopes: Array
    widths: Array  # of each parameter with the others held, from the last Hessian
    promise: Array  # what the quadratic model still promises within the bounds
    damping: Array
    evaluations: int

    @classmethod
    def at(cls, problems: Problems, starts: Points) -> Solution:
        """Before the first step."""
        count = len(starts)
        values, slopes = problems.value_and_gradient(starts, np.arange(count))
        return cls(
            starts.copy(),
            values,
            slopes,
            widths=np.tile(problems.parameters.scales, (count, 1)),
            promise=np.full(count, np.inf),
            damping=np.zeros(count),
            evaluations=count,
        )

    @property
    def settled(self) -> Mask:
        """Whether an undamped model promises nothing more, beyond rounding, (n,)."""
        small = np.abs(self.promise) <= GAIN_TOLERANCE + _ROUNDING * np.abs(self.values)
        return np.asarray(small & (self.damping < _NO_DAMPING))


def maximise(problems: Problems, starts: Points, free: Mask) -> Solution:
    """Maximise each problem from its start (n, d) over its free parameters (n, d).

    Starts must be inside the bounds and have a finite log-likelihood; where they have
    not, they stay where they are.
    """
    return _Search(problems, starts, free).run()


class _Search:
    """The state of `maximise`, and its parts."""

    def __init__(self, problems: Problems, starts: Points, free: Mask) -> None:
        self.problems, self.free = problems, free
        self.now = Solution.at(problems, starts)
        self.information = np.empty((*starts.shape, starts.shape[1]))
        self.held_then = np.zeros(starts.shape, dtype=bool)  # when that was made
        self.age = np.full(len(starts), -1)  # steps since; -1: to be made

    def run(self) -> Solution:
        now = self.now
        going = np.flatnonzero(np.isfinite(now.values))
        for _ in range(_ITERATIONS):
            step, promise = self._model(going)
            lagging = (self.age[going] > 0) & (promise > _LAGGING * now.promise[going])
            now.promise[going] = promise
            left = ~now.settled[going] & (now.damping[going] < _LARGEST_DAMPING)
            going, step, lagging = going[left], step[left], lagging[left]
            if not going.size:
                break
            self._advance(going, step)
            self.age[going[lagging]] = -1
        return now

    def _model(self, rows: Index) -> tuple[Array, Array]:
        """The step (m, d) of each problem, and the gain (m,) that it promises."""
        now, p = self.now, self.problems.parameters
        held = ~self.free[rows] | pushed_out(self.problems, now.points[rows], now.slopes[rows])
        # A parameter that left its bound has no curvature in an information made there.
        self.age[rows[(self.held_then[rows] & ~held).any(axis=1)]] = -1
        old = self.age[rows] < 0
        self._renew(rows[old], held[old])
        model = QuadraticModel(
            slope=now.slopes[rows],
            information=self.information[rows],
            lower=p.lower - now.points[rows],
            upper=p.upper - now.points[rows],
            widths=now.widths[rows],
            held=held,
            damping=now.damping[rows],
        )
        step = model.step()
        return step, model.promise(step)

    def _renew(self, rows: Index, held: Mask) -> None:
        now = self.now
        second = hessians(self.problems, now.points[rows], rows, now.slopes[rows])
        now.evaluations += second.shape[1] * rows.size
        now.widths[rows] = curvature_widths(second, self.problems.parameters.scales)
        self.information[rows] = definite(second, now.widths[rows], held)
        self.held_then[rows], self.age[rows] = held, 0

    def _advance(self, rows: Index, step: Array) -> None:
        """Try the steps; take those that gain, and adapt the damping to how much they do."""
        now, p = self.now, self.problems.parameters
        here = now.points[rows]
        # A step to a bound ends on it, not a rounding error before it.
        trial = np.where(step >= p.upper - here, p.upper, here + step)
        trial = np.where(step <= p.lower - here, p.lower, trial)
        values, slopes = self.problems.value_and_gradient(trial, rows)
        now.evaluations += rows.size
        defined = np.isfinite(values) & np.isfinite(slopes).all(axis=1)
        ratio = _ratio(np.where(defined, values, -np.inf) - now.values[rows], now, rows)
        ratio = np.where(defined, ratio, -1.0)
        taken = ratio > 1e-4
        moved = rows[taken]
        now.points[moved], now.values[moved] = trial[taken], values[taken]
        now.slopes[moved] = slopes[taken]
        # A Hessian that foresaw the gain serves once more. One that did not, and is not
        # of this point, is made again before the damping is blamed.
        fits, fresh = np.abs(ratio - 1) < _GOOD_MODEL, self.age[rows] == 0
        kept = np.where(taken, fits, fresh)
        self.age[rows] = np.where(kept, self.age[rows] + taken, -1)
        damping = now.damping[rows]
        worse = (ratio < 0.25) & (taken | fresh)
        damping = np.where(worse, np.maximum(10 * damping, _NO_DAMPING), damping)
        damping = np.where(ratio > 0.75, 0.1 * damping, damping)
        now.damping[rows] = np.where(damping < 0.1 * _NO_DAMPING, 0.0, damping)


def _ratio(gain: Array, now: Solution, rows: Index) -> Array:
    """Gain over promise; gains below rounding are taken for what the model says, and a
    step that was cut at a bound and promises none is a failed one."""
    promise, rounding = now.promise[rows], _ROUNDING * np.abs(now.values[rows])
    ratio = np.where(promise > rounding, gain / np.maximum(promise, rounding + 1e-30), -1.0)
    return np.where((np.abs(promise) <= rounding) & np.isfinite(gain), 1.0, ratio)


def pushed_out(problems: Problems, points: Array, slopes: Array) -> Mask:
    """Which parameters are at a bound that the gradient pushes them against, (n, d)."""
    p = problems.parameters
    return ((points <= p.lower) & (slopes < 0)) | ((points >= p.upper) & (slopes > 0))


def projected_slope(problems: Problems, points: Array, slopes: Array, free: Mask) -> Array:
    """The gradient (n, d) without the components that a bound, or a user, holds."""
    return np.where(pushed_out(problems, points, slopes) | ~free, 0.0, slopes)
