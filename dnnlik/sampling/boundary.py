"""Points where a surrogate's domain is to end: at the far ends of rays from the maximum.

A network is asked for values between its training points; what lies beyond the last of
them it makes up. Rays go out in the shape of the posterior until t reaches its limit or a
bound is met, half of them along the posterior's line of one parameter, half in any
direction.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from dnnlik.inference import FitResult
from dnnlik.parameters import ParameterSet
from dnnlik.sampling.reference import Reference, laplace_reference
from dnnlik.sampling.store import SampleStore
from dnnlik.sampling.task import Task
from dnnlik.typing import JSON, LogDensity, Points, Progress

__all__ = ["T_END", "distance_to_bounds", "ray_ends", "run_boundary"]

Array = NDArray[np.float64]

T_END = 16.0
"""Twice the drop of the log-likelihood at the end of a ray along one parameter: four
standard deviations. In any direction of d dimensions it is the chi-square of the same
probability, because of a posterior in ten dimensions half is beyond t = 9."""

_INNER = 0.5  # of the limit: rows are spread evenly in t from here to the end
_STEPS = 12
_CLOSE = 0.02  # of the limit, that an end may be short of it


def run_boundary(
    density: LogDensity, best: FitResult, task: Task, store: SampleStore, progress: Progress
) -> JSON:
    """Fill the rows of a task; one that was cut off is run again from its start.

    Returns diagnostics: ``at_bounds``, the fraction of rays that end at a bound.
    """
    text = f"chain {task.chain}: rays to the boundary"
    progress(text, 0, task.steps)
    reference = laplace_reference(density, best.point)
    rng, bounded = task.rng(0), 0
    for step in range(task.steps):
        directions, limits = _directions(reference, task.walkers, rng)
        directions = _inward(density.parameters, best.point, directions)
        ends, at_bounds = ray_ends(density, best, directions, limits)
        shrink = np.sqrt(rng.uniform(_INNER, 1.0, size=(task.walkers, 1)))
        block = best.point + shrink * (ends - best.point)
        store.write(
            task.first + step * task.walkers,
            block[None],
            strategy=task.strategy,
            chain=task.chain,
            steps=range(step, step + 1),
        )
        bounded += int(at_bounds.sum())
        progress(text, step + 1, task.steps)
    return {"at_bounds": bounded / task.rows}


def _directions(reference: Reference, count: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Directions (count, d), one standard deviation long, and the limit of t of each."""
    width = len(reference.mean)
    z = rng.normal(size=(count, width))
    # In z the line of parameter i, along which the others follow it, is row i of the factor.
    along = reference.factor[rng.integers(width, size=count)]
    one = np.arange(count) % 2 == 0
    z = np.where(one[:, None], np.sign(z[:, :1]) * along, z)
    z /= np.linalg.norm(z, axis=1, keepdims=True)
    everywhere = chi2.isf(chi2.sf(T_END, 1), width)
    return z @ reference.factor.T, np.where(one, T_END, everywhere)


def _inward(parameters: ParameterSet, point: Array, directions: Array) -> Array:
    """A maximum at a bound has no ray through it: along it there are some."""
    out = (point <= parameters.lower) & (directions < 0)
    out |= (point >= parameters.upper) & (directions > 0)
    return np.where(out, 0.0, directions)


def ray_ends(
    density: LogDensity, best: FitResult, directions: Array, limits: Array
) -> tuple[Points, NDArray[np.bool_]]:
    """Where t = 2 (ln L_max - ln L) reaches its limit on rays from the maximum.

    ``directions`` (n, d), of which the Gaussian's t is the square of the length; ``limits``
    (n,). Returns the ends (n, d), never beyond the limit (short of it by two per cent at
    most, where the likelihood is continuous), and which of them are at a bound (n,).
    """
    farthest = distance_to_bounds(density.parameters, best.point, directions)
    low, high = np.zeros(len(limits)), np.full(len(limits), np.inf)
    size = np.minimum(np.sqrt(limits), farthest)
    for _ in range(_STEPS):
        points = _at(density.parameters, best.point, size[:, None] * directions)
        t = 2 * (best.log_likelihood - density.log_likelihood(points))
        inside = t <= limits
        low, high = np.where(inside, size, low), np.where(inside, high, size)
        going = ~(inside & ((t > (1 - _CLOSE) * limits) | (size >= farthest)))
        if not going.any():
            break
        size = np.where(going, _next(size, t, limits, low, high, farthest), size)
    return _at(density.parameters, best.point, low[:, None] * directions), low >= farthest


def _next(size: Array, t: Array, limits: Array, low: Array, high: Array, most: Array) -> Array:
    """As if t were a parabola, aiming a little inside; else the middle of what is left."""
    with np.errstate(divide="ignore", invalid="ignore"):
        guess = np.minimum(size * np.sqrt((1 - _CLOSE / 2) * limits / t), most)
    usable = (t > 0) & (guess > low) & (guess < high)
    middle = np.where(np.isfinite(high), (low + high) / 2, np.minimum(2 * size, most))
    return np.where(usable, guess, middle)


def distance_to_bounds(parameters: ParameterSet, point: Array, directions: Array) -> Array:
    """How many times each direction (n, d) fits between a point (d,) and the bounds, (n,)."""
    room = np.where(directions > 0, parameters.upper - point, point - parameters.lower)
    with np.errstate(divide="ignore", invalid="ignore"):
        reach = np.where(directions != 0, room / np.abs(directions), np.inf)
    return np.asarray(reach.min(axis=1))


def _at(parameters: ParameterSet, point: Array, step: Array) -> Points:
    """Rounding is cut at the bounds."""
    return np.asarray(np.clip(point + step, parameters.lower, parameters.upper))
