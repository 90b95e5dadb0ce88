"""Who can fill rows of a sample file. A new sampler is one file and one entry here."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from dnnlik.inference import FitResult
from dnnlik.sampling.boundary import run_boundary
from dnnlik.sampling.ensemble import run_unbiased
from dnnlik.sampling.hamiltonian import run_hamiltonian
from dnnlik.sampling.profiled import run_profiled
from dnnlik.sampling.store import SampleStore
from dnnlik.sampling.task import Task
from dnnlik.typing import JSON, LogDensity, Progress

__all__ = ["POSTERIOR_SAMPLERS", "SAMPLERS", "Runner", "Sampler"]

Runner = Callable[[LogDensity, FitResult, Task, SampleStore, Progress], JSON]
"""Fills the rows of a task, goes on where the store's state says that it was, and
returns the diagnostics of the chain."""

_STEPS = 100  # stored steps of a chain to aim for: enough to measure its τ


@dataclass(frozen=True)
class Sampler:
    """One way to fill rows.

    Attributes:
        follows: "unbiased" where the rows follow the posterior (or, of a task that says
            so, the tempered one), else what they are called.
        run: what fills them.
        chains: how many tasks the rows are shared among.
        walkers: of a task, from the number of parameters and of its rows.
        fewest_steps: stored steps of a task at least.
        independent: whether the walkers of a task are chains of their own.
        needs_gradients: whether only a `DifferentiableLogDensity` will do.
    """

    follows: str
    run: Runner
    chains: int
    walkers: Callable[[int, float], int]
    fewest_steps: int
    independent: bool
    needs_gradients: bool = False


def _ensemble_walkers(width: int, rows: float) -> int:
    """A power of two, at least twice the parameters (emcee's ensemble moves need it):
    compiled functions are evaluated in blocks of such sizes."""
    return _power_of_two(max(2 * width, min(int(rows / _STEPS), 512), 16))


def _hamiltonian_walkers(width: int, rows: float) -> int:
    """A thousand chains, if they get so long that the warm-up of each is worth it: many
    blocks of compiled functions for each call from Python."""
    return _power_of_two(max(32, min(int(rows / (4 * _STEPS)), 1024)))


def _profiled_walkers(width: int, rows: float) -> int:
    return _power_of_two(min(max(int(math.sqrt(rows / 3)), 16), 256))


def _boundary_walkers(width: int, rows: float) -> int:
    return _power_of_two(min(max(int(rows / _STEPS), 32), 256))


def _power_of_two(number: int) -> int:
    return int(2 ** math.ceil(math.log2(number)))


SAMPLERS = {
    # Two ensembles, because only independent ones can be compared.
    "emcee": Sampler("unbiased", run_unbiased, 2, _ensemble_walkers, 30, False),
    "hamiltonian": Sampler("unbiased", run_hamiltonian, 1, _hamiltonian_walkers, 30, True, True),
    "profiled": Sampler("profiled", run_profiled, 1, _profiled_walkers, 25, False),
    "boundary": Sampler("boundary", run_boundary, 1, _boundary_walkers, 1, False),
}

POSTERIOR_SAMPLERS = tuple(n for n, sampler in SAMPLERS.items() if sampler.follows == "unbiased")
"""Those that can be asked for: the posterior of any strategy is theirs to fill."""
