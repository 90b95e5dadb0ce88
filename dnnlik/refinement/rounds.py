"""The loop: ask, learn, ask where what was learned is least sure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from dnnlik.likelihoods.base import Likelihood
from dnnlik.refinement.acquisition import chosen
from dnnlik.refinement.budget import CountedLikelihood
from dnnlik.refinement.fence import fenced
from dnnlik.refinement.held_out import (
    CheckedScan,
    PlannedScan,
    checked_scan,
    independence_chains,
    scan_calls,
)
from dnnlik.refinement.maximum import Peak, peak_of
from dnnlik.refinement.proposals import around_maximum, candidates, posterior_draws
from dnnlik.refinement.record import CHAINS, samples_of
from dnnlik.refinement.request import FEWEST_HELD_OUT, check_request, present_samples, request_of
from dnnlik.refinement.settings import RefinementSettings, small_data_settings
from dnnlik.restart import RestartState
from dnnlik.sampling.effective import effective_size
from dnnlik.sampling.known import write_samples
from dnnlik.sampling.reference import Reference, reference_of
from dnnlik.sampling.samples import Samples
from dnnlik.surrogate.ensemble import train
from dnnlik.surrogate.likelihood import SurrogateLikelihood
from dnnlik.surrogate.settings import TrainingSettings
from dnnlik.typing import JSON, Points, Progress, no_progress

__all__ = ["refine"]

_MOST_HELD_OUT = 3000
_ROUND_SEED = 10**6  # further apart than the seeds of members


def refine(
    likelihood: Likelihood,
    path: str | Path,
    *,
    calls: int = 20_000,
    seed: int = 0,
    settings: RefinementSettings | None = None,
    training: TrainingSettings | None = None,
    progress: Progress = no_progress,
) -> Samples:
    """Sample a likelihood into a file with a limited number of calls, for training.

    The maximum and its curvature; a first round about them; rounds of points where an
    ensemble of networks is least sure, out of its posterior, profile and a wider posterior;
    held-out draws of the exact posterior; exact values at the profile. Every call is kept
    in ``FILE.calls`` as it is made, and what was done is not done again after a kill.

    Args:
        likelihood: what to learn, with or without gradients.
        path: the sample file. A complete one of the same request is returned as it is.
        calls: points at which the likelihood may be evaluated, fits and test included.
        seed: of all randomness.
        settings: how the calls are shared out.
        training: of the networks that choose; `small_data_settings` unless given.
        progress: called with (text, calls made, calls).

    Returns:
        The samples: "refined" rows to learn from, and "unbiased" ones, which
        `dnnlik.surrogate.data.split` holds out: independence chains of the exact posterior.
        ``diagnostics["refinement"]`` is what `dnnlik.refinement.accuracy` needs.

    Raises:
        InvalidInput: too few calls, a negative seed, no parameter of interest, one network
            alone where points are chosen by its uncertainty.
        InvalidFile: the file is of another request, or cannot be written.
        NotConverged: no maximum was found, or a training or its chains did not settle.
        BudgetExhausted: the maximum took nearly all of the calls.
    """
    path, settings = Path(path), settings or RefinementSettings()
    training = training or small_data_settings(calls, seed=seed)
    check_request(likelihood, calls, seed, settings, training)
    request = request_of(likelihood, calls, seed, settings, training)
    if path.exists():
        return present_samples(path, request)
    counted = _counted(likelihood, calls, path, request, progress)
    state = RestartState(path.with_name(path.name + ".rounds.npz"))
    refinement = _Refinement(counted, request, seed, settings, training, state, progress)
    write_samples(refinement.samples(), path)
    state.remove()
    return Samples.open(path)


def _counted(
    likelihood: Likelihood, calls: int, path: Path, request: JSON, progress: Progress
) -> CountedLikelihood:
    """The likelihood with its budget, and the calls of an earlier run that was killed."""
    return CountedLikelihood(
        likelihood,
        calls,
        path.with_name(path.name + ".calls"),
        identity=request,
        progress=lambda made: progress("calls of the likelihood", made, calls),
    )


@dataclass
class _Refinement:
    """One run; what is expensive to find again is in ``state`` before it is used."""

    density: CountedLikelihood
    request: JSON
    seed: int
    settings: RefinementSettings
    training: TrainingSettings
    state: RestartState
    progress: Progress

    def __post_init__(self) -> None:
        self._found: dict[str, Any] = dict(self.state.load())

    def _kept(self, name: str, make: Callable[[], NDArray[Any]]) -> NDArray[Any]:
        if name not in self._found:
            self._found[name] = make()
            self.state.save(self._found)
        return np.asarray(self._found[name])

    def _rng(self, use: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, use])

    @cached_property
    def _peak(self) -> Peak:
        self.density.round = 0
        self.progress("finding the maximum", 0, 1)
        return peak_of(self.density)

    @cached_property
    def _reference(self) -> Reference:
        return reference_of(self.density.parameters, self._peak.best.point, self._peak.hessian)

    @property
    def _last(self) -> int:
        """The last round that trains."""
        return self.settings.rounds + 1

    def _used(self, number: int) -> int:
        return int((self.density.records[:, 0] == number).sum())

    @cached_property
    def _shares(self) -> tuple[int, list[int]]:
        """Held-out draws, and the points of each round from the first on."""
        calls, p = self.density.calls, self.density.parameters
        held = int(self.settings.held_out * calls)
        held = min(max(held, FEWEST_HELD_OUT), _MOST_HELD_OUT) // CHAINS * CHAINS
        points = self.settings.scan_points
        scans = len(p.poi_names) * scan_calls(len(p), self.density.differentiable, points)
        left = calls - self._used(0) - held - scans
        first = int(self.settings.first * left)
        return held, [first, *[(left - first) // self.settings.rounds] * self.settings.rounds]

    # NumPy's threads and XLA's get into each other's way (see `sample`).
    @threadpool_limits.wrap(limits=1, user_api="blas")
    def samples(self) -> Samples:
        """All of it."""
        expansion = self._peak.expansion
        held, shares = self._shares
        for number, count in enumerate(shares, start=1):
            points = self._kept(f"round {number}", partial(self._next, number, count))
            self.density.round = number
            self.density.evaluate(points)
        rows, said = self._held_out(held)
        scans = [self._scan(name) for name in self.density.parameters.poi_names]
        return samples_of(
            self.density,
            expansion,
            self.request,
            last=self._last,
            chains=rows,
            diagnostics={
                **said,
                "chains": [],
                "log_likelihood_at_maximum": self._peak.best.log_likelihood,
                "refinement": {**self._said(), "scans": [_json(scan) for scan in scans]},
            },
        )

    def _said(self) -> JSON:
        names = ["maximum", *(f"round {k}" for k in range(1, self._last + 1)), "held out", "scans"]
        return {"calls": {name: self._used(k) for k, name in enumerate(names)}}

    def _next(self, number: int, count: int) -> Points:
        """The points of a round."""
        rng, p = self._rng(number), self.density.parameters
        if number == 1:
            return around_maximum(p, self._reference, count, rng)
        surrogate, common = self._learned_from(number - 1)
        self.progress(f"choosing {count} points", 0, 1)
        some = candidates(common, self._reference, self.settings.candidates * count, rng)
        power = self.settings.power
        scores = surrogate.uncertainty(some) if power else np.ones(len(some))
        return some[chosen(scores, count, power, rng)]

    def _learned_from(self, last: int) -> tuple[SurrogateLikelihood, Likelihood]:
        """What the rounds up to ``last`` teach, without and with the fence."""
        known = samples_of(self.density, self._peak.expansion, self.request, last=last)
        settings = replace(self.training, seed=self.training.seed + _ROUND_SEED * last)
        surrogate = SurrogateLikelihood(train(known, settings, progress=self.progress))
        return surrogate, fenced(surrogate, self._reference, known.points)

    @cached_property
    def _learned(self) -> Likelihood:
        """What was learned from all rounds."""
        return self._learned_from(self._last)[1]

    def _held_out(self, count: int) -> tuple[NDArray[np.intp], JSON]:
        """The records that the held-out chains are at, and what is to be said of them."""
        rng = self._rng(self._last + 1)
        points = self._kept("held out", lambda: posterior_draws(self._learned, count, rng))
        learned = self._kept("held out, learned", lambda: self._learned.log_likelihood(points))
        self.density.round = self._last + 1
        self.density.evaluate(points)
        log_weight = self.density.log_likelihood(points) - learned
        steps, acceptance = independence_chains(log_weight, CHAINS, self._rng(99))
        size = min(effective_size(points[steps][:, :, i]) for i in range(points.shape[1]))
        said = {"effective_points": min(size, float(steps.size)), "acceptance": acceptance}
        return self.density.rows_of(points)[steps], said

    def _scan(self, name: str) -> CheckedScan:
        count = self.settings.scan_points

        def plan() -> NDArray[Any]:
            found = PlannedScan.of(self._learned, name, count)
            return np.concatenate(
                [found.values[:, None], found.points, found.curvature.reshape(count, -1)], axis=1
            )

        kept, d = self._kept(f"scan {name}", plan), len(self.density.parameters)
        self.density.round = self._last + 2
        curvature = kept[:, 1 + d :].reshape(count, d, d)
        return checked_scan(
            self.density, PlannedScan(name, kept[:, 0], kept[:, 1 : 1 + d], curvature)
        )


def _json(scan: CheckedScan) -> JSON:
    return {
        "name": scan.name,
        "values": scan.values.tolist(),
        "points": scan.points.tolist(),
        "log_likelihood": scan.log_likelihood.tolist(),
    }
