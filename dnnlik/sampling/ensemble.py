"""Unbiased sampling of the posterior with emcee (arXiv:1202.3665).

Warm-up rounds of growing length adapt a Gaussian reference for the proposals and
measure the autocorrelation time τ; then the reference is frozen and the chain runs
for 100 τ. A chain that turns out shorter than 50 τ counts as warm-up and is run again
with the thinning it needs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import emcee
import numpy as np
from numpy.typing import NDArray

from dnnlik.exceptions import NotConverged
from dnnlik.inference import FitResult
from dnnlik.sampling.convergence import autocorrelation_time
from dnnlik.sampling.moves import mixture_of_moves, sampler_of
from dnnlik.sampling.reference import Reference, laplace_reference
from dnnlik.sampling.reflection import Arcs
from dnnlik.sampling.starts import starting_points
from dnnlik.sampling.store import SampleStore
from dnnlik.sampling.task import Task, spacing
from dnnlik.typing import JSON, LogDensity, Points, Progress

__all__ = ["run_unbiased"]

STEPS_PER_TAU = 50
"""Fewest autocorrelation times in a chain (emcee's advice); twice that is aimed for."""
_WARM_UP = 100  # steps of the first round; each round doubles them
_WARM_UP_ROUNDS = 9
_PASSES = 5
_BLOCK_ROWS = 8_000


@dataclass(frozen=True)
class _Progressing:
    """Where a chain is: what a restart needs, and nothing else."""

    coords: Points
    log_prob: NDArray[np.float64]
    rng: tuple[Any, ...]
    reference: Reference
    stage: int  # warm-up round; _WARM_UP_ROUNDS + pass once in production
    stored: int  # steps of the present pass already on disk
    thin: int

    def to_state(self) -> dict[str, Any]:
        _, keys, position, has_gauss, cached = self.rng
        return {
            "coords": self.coords,
            "log_prob": self.log_prob,
            "rng_keys": keys,
            "rng_rest": np.array([position, has_gauss, cached]),
            "mean": self.reference.mean,
            "factor": self.reference.factor,
            "numbers": np.array([self.stage, self.stored, self.thin]),
        }

    @classmethod
    def from_state(cls, state: dict[str, NDArray[Any]]) -> _Progressing:
        stage, stored, thin = state["numbers"]
        position, has_gauss, cached = state["rng_rest"]
        return cls(
            coords=state["coords"],
            log_prob=state["log_prob"],
            rng=("MT19937", state["rng_keys"], int(position), int(has_gauss), float(cached)),
            reference=Reference(state["mean"], state["factor"]),
            stage=int(stage),
            stored=int(stored),
            thin=int(thin),
        )


def run_unbiased(
    density: LogDensity, best: FitResult, task: Task, store: SampleStore, progress: Progress
) -> JSON:
    """Fill the rows of a task; resumes from the store's state if that is of this task.

    Returns diagnostics: ``tau`` (in steps, the largest over the parameters), the
    ``steps`` of the chain, its ``thin``, and the number of ``passes``.

    Raises:
        NotConverged: the chain is still shorter than 50 τ after several passes.
    """
    saved = store.load_state()
    if int(saved.get("chain", -1)) == task.chain:
        now = _Progressing.from_state(saved)
    else:
        now = _start(density, best, task)
    while now.stage < _WARM_UP_ROUNDS:
        now = _warm_up(density, task, now, progress)
        _save(store, task, now)
    while now.stage < _WARM_UP_ROUNDS + _PASSES:
        now = _produce(density, task, store, now, progress)
        tau = _tau(task, store, now.thin)
        steps = task.steps * now.thin
        if steps >= STEPS_PER_TAU * tau.max():
            return {
                "tau": float(tau.max()),
                "steps": steps,
                "thin": now.thin,
                "passes": now.stage - _WARM_UP_ROUNDS + 1,
            }
        if now.stage == _WARM_UP_ROUNDS + _PASSES - 1:
            # Not saved: the same command measures the same chain and says the same.
            break
        now = replace(now, stage=now.stage + 1, stored=0, thin=_thin(task, tau.max()))
        _save(store, task, now)
    raise NotConverged(
        f"the chain did not reach {STEPS_PER_TAU} autocorrelation times in {_PASSES} passes; ask "
        "for more points, with another output. "
        f"Received: {steps} steps, autocorrelation time {tau.max():.0f}"
    )


def _save(store: SampleStore, task: Task, now: _Progressing) -> None:
    store.save_state({"chain": task.chain, **now.to_state()})


def _start(density: LogDensity, best: FitResult, task: Task) -> _Progressing:
    """Walkers from the Laplace approximation; where that is outside, closer in."""
    reference = laplace_reference(density, best.point)
    coords, log_prob = starting_points(density, reference, task.walkers, task.rng(1))
    return _Progressing(coords, log_prob, task.legacy_rng_state(), reference, 0, 0, 1)


def _advance(
    density: LogDensity, now: _Progressing, steps: int
) -> tuple[_Progressing, NDArray[np.float64]]:
    """Run emcee for some stored steps: the new position and the block (steps, walkers, d)."""
    moves = mixture_of_moves(Arcs.within(now.reference, density.parameters))
    sampler = sampler_of(density, len(now.coords), moves)
    start = emcee.State(now.coords, log_prob=now.log_prob, random_state=now.rng)
    block = np.empty((steps, *now.coords.shape))
    walk = sampler.sample(
        start, iterations=steps, thin_by=now.thin, store=False, skip_initial_state_check=True
    )
    for i, state in enumerate(walk):
        block[i] = state.coords
    moved = replace(
        now,
        coords=block[-1].copy(),
        log_prob=np.array(state.log_prob),
        rng=tuple(sampler.random_state),
    )
    return moved, block


def _warm_up(
    density: LogDensity, task: Task, now: _Progressing, progress: Progress
) -> _Progressing:
    """One round: move, then take the reference from its second half.

    A round that is long against the autocorrelation time is the last.
    """
    steps = _WARM_UP * 2**now.stage
    progress(f"chain {task.chain}: warm-up of {steps} steps", 0, 1)
    thin = max(1, steps // 200)
    moved, block = _advance(density, replace(now, thin=thin), steps // thin)
    half = block[len(block) // 2 :]
    reference = Reference.of_sample(half.reshape(-1, half.shape[2]))
    tau = float(autocorrelation_time(half, thin).max())
    settled = now.stage > 0 and steps > 40 * tau
    return replace(
        moved,
        reference=reference,
        stage=_WARM_UP_ROUNDS if settled else now.stage + 1,
        stored=0,
        thin=_thin(task, tau),
    )


def _thin(task: Task, tau: float) -> int:
    """Steps between stored ones so that the chain is twice as long as it must be."""
    return max(task.thin, math.ceil(2 * STEPS_PER_TAU * tau / task.steps))


def _produce(
    density: LogDensity, task: Task, store: SampleStore, now: _Progressing, progress: Progress
) -> _Progressing:
    """Fill the rows of the task from where they are filled to."""
    at_once = max(1, _BLOCK_ROWS // task.walkers)
    text = f"chain {task.chain}: sampling{spacing(now.thin)}"
    while now.stored < task.steps:
        steps = min(at_once, task.steps - now.stored)
        moved, block = _advance(density, now, steps)
        numbers = range((now.stored + 1) * now.thin, (now.stored + steps + 1) * now.thin, now.thin)
        row = task.first + now.stored * task.walkers
        store.write(row, block, strategy=task.strategy, chain=task.chain, steps=numbers)
        now = replace(moved, stored=now.stored + steps)
        _save(store, task, now)
        progress(text, now.stored, task.steps)
    return now


def _tau(task: Task, store: SampleStore, thin: int) -> NDArray[np.float64]:
    """Autocorrelation time of each parameter of the stored chain, in steps, (d,)."""
    return autocorrelation_time(store.chain(task.first, task.steps, task.walkers), thin)
