"""Hamiltonian Monte Carlo with up to a thousand chains at once.

Warm-up rounds of growing length adapt the Gaussian reference of the trajectories and,
by dual averaging, the step between kicks; then both are frozen and each chain gives
one point a trajectory. A trajectory turns about the reference by about a quarter of a
circle, where a Gaussian has forgotten its start. All randomness is a function of the seed and
the number of the trajectory, so that a restart needs no state of a generator.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnlik.exceptions import InvalidLikelihood
from dnnlik.inference import FitResult
from dnnlik.sampling.adaptation import DualAveraging
from dnnlik.sampling.convergence import effective_sizes
from dnnlik.sampling.reference import Reference, laplace_reference
from dnnlik.sampling.reflection import Arcs
from dnnlik.sampling.starts import starting_points
from dnnlik.sampling.store import SampleStore
from dnnlik.sampling.task import Task, spacing
from dnnlik.sampling.trajectories import Position, Transition, log_terms, position, transition
from dnnlik.typing import JSON, DifferentiableLogDensity, LogDensity, Progress

__all__ = ["require_gradients", "run_hamiltonian"]

ACCEPTANCE = 0.9
"""More than the usual 0.8: a step that suits most of the posterior is too large in its
stiffest parts, where chains then stick."""
_ANGLE = 2.0  # of a trajectory: a little beyond the quarter where a Gaussian forgets
_JITTER = 0.2  # of the angle, either way: no period of the posterior is hit for ever
_FINE, _FINEST = 0.1, 3.0  # share of fine steps, and the most decades that they are finer
_MOST_KICKS = 200
_ROUNDS = 6
_LENGTH = 16  # trajectories of the first round; each round doubles them
_LENGTHS_PER_TAU = 10  # of a round that may be the last, and of a chain
_BLOCK_ROWS = 32_768


@dataclass(frozen=True)
class _State:
    """Where the chains are: what a restart needs, and nothing else."""

    z: NDArray[np.float64]  # (walkers, d)
    reference: Reference
    step: float
    stage: int  # warm-up round; _ROUNDS: only the step is adapted; then production
    stored: int = 0  # steps already on disk
    thin: int = 1
    warm_up: int = 0  # trajectories of it
    divergences: int = 0
    acceptance: float = 0.0  # summed over the trajectories of production

    def to_state(self) -> dict[str, Any]:
        numbers = (self.stage, self.stored, self.thin, self.warm_up, self.divergences)
        return {
            "z": self.z,
            "mean": self.reference.mean,
            "factor": self.reference.factor,
            "numbers": np.array(numbers),
            "floats": np.array([self.step, self.acceptance]),
        }

    @classmethod
    def from_state(cls, state: dict[str, NDArray[Any]]) -> _State:
        stage, stored, thin, warm_up, divergences = (int(n) for n in state["numbers"])
        step, acceptance = (float(x) for x in state["floats"])
        reference = Reference(state["mean"], state["factor"])
        return cls(
            state["z"], reference, step, stage, stored, thin, warm_up, divergences, acceptance
        )


def run_hamiltonian(
    density: LogDensity, best: FitResult, task: Task, store: SampleStore, progress: Progress
) -> JSON:
    """Fill the rows of a task; resumes from the store's state if that is of this task.

    Returns diagnostics: the ``step`` between kicks and the ``kicks`` of a trajectory,
    the mean ``acceptance``, the number of ``divergences``, ``steps`` and ``thin`` of a
    chain, and the trajectories of the ``warm_up``.

    Raises:
        InvalidLikelihood: it has no gradients.
    """
    density = require_gradients(density)
    saved = store.load_state()
    if int(saved.get("chain", -1)) == task.chain:
        now = _State.from_state(saved)
    else:
        now = _start(density, best, task)
    while now.stage <= _ROUNDS:
        now = _warm_up(density, task, now, progress)
        _save(store, task, now)
    now = _produce(density, task, store, now, progress)
    return {
        "step": now.step,
        "kicks": _kicks(now.step),
        "acceptance": now.acceptance / (task.steps * now.thin),
        "divergences": now.divergences,
        "steps": task.steps * now.thin,
        "thin": now.thin,
        "warm_up": now.warm_up,
    }


def require_gradients(density: LogDensity) -> DifferentiableLogDensity:
    """The density itself, or an error that says what to do."""
    if isinstance(density, DifferentiableLogDensity):
        return density
    raise InvalidLikelihood(
        "Hamiltonian Monte Carlo needs gradients: write log_main in TensorFlow, or sample "
        "with emcee. Received: a likelihood without value_and_gradient"
    )


def _save(store: SampleStore, task: Task, now: _State) -> None:
    store.save_state({"chain": task.chain, **now.to_state()})


def _start(density: DifferentiableLogDensity, best: FitResult, task: Task) -> _State:
    reference = laplace_reference(density, best.point)
    points, _ = starting_points(density, reference, task.walkers, task.rng(1))
    z = Arcs.within(reference, density.parameters).coordinates(points)
    # What the leapfrog would need; where the reference is good, larger steps are learned.
    return _State(z, reference, step=min(_ANGLE, len(best.point) ** -0.25), stage=0)


def _kicks(step: float) -> int:
    return min(max(1, math.ceil(_ANGLE / step)), _MOST_KICKS)


def _trajectories(
    density: DifferentiableLogDensity, task: Task, now: _State, numbers: range, step: DualAveraging
) -> Iterator[Transition]:
    """One transition a number, from where the chains are."""
    arcs = Arcs.within(now.reference, density.parameters)
    here = position(density, arcs, now.z)
    for number in numbers:
        rng = task.rng(2, now.stage, number)
        kicks = _kicks(step.tried)
        angle = _ANGLE / kicks * _jitter(rng, task.walkers)
        moved = transition(density, arcs, here, rng, angle, kicks)
        here = moved.position
        yield moved


def _jitter(rng: np.random.Generator, count: int) -> NDArray[np.float64]:
    """Factors of the step (count,): about 1, and for a few much less, which is what gets
    a chain out of a corner that is too stiff for the step of all others."""
    common = rng.uniform(1 - _JITTER, 1 + _JITTER, size=count)
    fine = 10.0 ** -rng.uniform(0, _FINEST, size=count)
    return np.where(rng.uniform(size=count) < _FINE, fine, common)


def _warm_up(
    density: DifferentiableLogDensity, task: Task, now: _State, progress: Progress
) -> _State:
    """One round: adapt the step in its first half, and the reference from its second.

    After a round that is long against the autocorrelation time the step alone is adapted
    to the last reference, and the chain begins.
    """
    # Enough points for the covariance, however few the chains.
    base = max(_LENGTH, math.ceil(20 * now.z.shape[1] / task.walkers))
    length = base * 2**now.stage if now.stage < _ROUNDS else base
    progress(f"chain {task.chain}: warm-up of {length} trajectories", 0, 1)
    step = DualAveraging(now.step, ACCEPTANCE, largest=_ANGLE)
    half = np.empty((length - length // 2, *now.z.shape))
    for i, moved in enumerate(_trajectories(density, task, now, range(length), step)):
        if i < length // 2:
            step.update(moved.mean_acceptance)
        else:
            step.freeze()
            half[i - length // 2] = moved.position.points
    now = replace(now, z=moved.position.z, step=step.kept, warm_up=now.warm_up + length)
    if now.stage == _ROUNDS:
        return replace(now, stage=_ROUNDS + 1)
    reference = Reference.of_sample(half.reshape(-1, half.shape[2]))
    z = Arcs.within(reference, density.parameters).coordinates(moved.position.points)
    tau = half[:, :, 0].size / effective_sizes(half).min()
    settled = now.stage > 0 and len(half) > _LENGTHS_PER_TAU * tau
    return replace(
        now,
        z=z,
        reference=reference,
        stage=_ROUNDS if settled else now.stage + 1,
        thin=max(task.thin, math.ceil(_LENGTHS_PER_TAU * tau / task.steps)),
    )


def _produce(
    density: DifferentiableLogDensity,
    task: Task,
    store: SampleStore,
    now: _State,
    progress: Progress,
) -> _State:
    """Fill the rows of the task from where they are filled to."""
    at_once = max(1, _BLOCK_ROWS // task.walkers)
    text = f"chain {task.chain}: sampling{spacing(now.thin)}"
    while now.stored < task.steps:
        count = min(at_once, task.steps - now.stored)
        now = _block(density, task, store, now, count)
        _save(store, task, now)
        progress(text, now.stored, task.steps)
    return now


def _block(
    density: DifferentiableLogDensity, task: Task, store: SampleStore, now: _State, count: int
) -> _State:
    """Write the next ``count`` stored steps."""
    first, last = now.stored * now.thin, (now.stored + count) * now.thin
    kept: list[Position] = []
    acceptance, divergences = now.acceptance, now.divergences
    step = DualAveraging(now.step, ACCEPTANCE)
    for number, moved in enumerate(
        _trajectories(density, task, now, range(first, last), step), start=1
    ):
        acceptance += moved.mean_acceptance
        divergences += int(moved.diverged.sum())
        if number % now.thin == 0:
            kept.append(moved.position)
    terms = None
    if density is store.density:  # a tempered chain moves by another
        each = [log_terms(density, where) for where in kept]
        terms = {name: np.concatenate([t[name] for t in each]) for name in each[0]}
    store.write(
        task.first + now.stored * task.walkers,
        np.stack([where.points for where in kept]),
        strategy=task.strategy,
        chain=task.chain,
        steps=range(first + now.thin, last + now.thin, now.thin),
        terms=terms,
    )
    return replace(
        now,
        z=kept[-1].z,
        stored=now.stored + count,
        acceptance=acceptance,
        divergences=divergences,
    )
