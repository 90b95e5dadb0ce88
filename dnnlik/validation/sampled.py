"""Points drawn from the surrogate itself, by the sampler that drew from the exact one.

Reweighting sees a surrogate only where the exact likelihood has points. A sampler goes
wherever the surrogate lets it, also out of its domain, where it says anything. A chain that
runs away is a finding of the validation, not the end of it.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dnnlik.exceptions import DnnlikError, InvalidFile, InvalidLikelihood, NotConverged
from dnnlik.inference import FitResult
from dnnlik.likelihoods.base import Likelihood
from dnnlik.sampling import Samples, sample
from dnnlik.sampling.samples import header_of, opened
from dnnlik.surrogate.data import split
from dnnlik.surrogate.description import Domain
from dnnlik.typing import JSON, LogDensity, Progress, no_progress
from dnnlik.validation.blocks import blocks_of
from dnnlik.validation.held_out import independence_of
from dnnlik.validation.intervals import Interval, intervals_of_samples
from dnnlik.validation.joint import Divergence, divergence
from dnnlik.validation.request import Request
from dnnlik.validation.whitened import (
    WhitenedTests,
    chains_of,
    rows_of_chains,
    whitened_tests,
)

__all__ = ["FILE_NAME", "SurrogateSample", "compared", "draw", "sampler_of"]

FILE_NAME = "surrogate_samples.h5"
_INFINITE = 1e6  # where the exact likelihood is zero


@dataclass(frozen=True, eq=False)
class SurrogateSample:
    """What the surrogate's own posterior looks like.

    Attributes:
        sampler: that drew it.
        points, effective_points: how many; the latter of the worst parameter.
        r_hat: agreement of its chains, None where they did not converge.
        converged: whether they did; otherwise ``reason`` says what happened.
        outside: fraction of its points outside of the surrogate's domain, and
            ``exact_outside`` that of the exact posterior's; None without a domain.
        tests: against the exact posterior in whitened space; None if not converged.
        divergence: from its points, weighted to the exact posterior; None likewise.
        intervals: of its points and the exact ones; empty likewise.
        samples: the points, None if there are none.
    """

    sampler: str
    points: int
    effective_points: float | None
    r_hat: float | None
    converged: bool
    reason: str
    outside: float | None
    exact_outside: float | None
    tests: WhitenedTests | None = None
    divergence: Divergence | None = None
    intervals: tuple[Interval, ...] = ()
    samples: Samples | None = None


def draw(
    surrogate: Likelihood,
    samples: Samples,
    path: str | Path,
    *,
    best: FitResult,
    sampler: str | None = None,
    most: int = Request.most_points,
    progress: Progress = no_progress,
) -> tuple[Samples | None, str]:
    """Draw from a surrogate into a file as its samples were drawn from the exact likelihood.

    Args:
        path: the file. That of the same request is read or continued, any other replaced.
        best: a maximum of the surrogate, near enough to start from.
        sampler: another one than that of the samples (`sampler_of`).
        most: points; not more than the samples have of the posterior, but as many as any
            sampler needs.

    Returns the points, None if there are none, and what went wrong, empty if nothing did.
    """
    wanted: JSON = {
        "sampler": sampler or sampler_of(samples),
        "points": _count(samples, most),
        "seed": int(samples.provenance["request"]["seed"]) + 1,
    }
    _clear(Path(path), {"likelihood": surrogate.digest, **wanted})
    try:
        made = sample(
            surrogate,
            path,
            strategy="unbiased",
            gradients=False,
            best=best,
            progress=progress,
            **wanted,
        )
    except (NotConverged, InvalidLikelihood) as error:
        with suppress(InvalidFile):
            return Samples.open(path), str(error)
        return None, str(error)
    return made, ""


def sampler_of(samples: Samples) -> str:
    """The sampler of a sample file; Hamiltonian of one whose rows no sampler made (refined or
    reweighted), for every surrogate has gradients."""
    return str(samples.provenance["request"].get("sampler", "hamiltonian"))


def _count(samples: Samples, most: int) -> int:
    # Two ensembles of up to 4d walkers and 30 steps, or 32 chains of as many.
    fewest = 240 * max(4, len(samples.parameters))
    return max(fewest, min(int(samples.unbiased.sum()), most))


def _clear(path: Path, wanted: JSON) -> None:
    """Remove the points of another surrogate or request, or a damaged file."""
    if not path.exists():
        return
    try:
        with opened(path) as file:
            stated = header_of(file, path)["provenance"]["request"]
            same = all(stated.get(name) == value for name, value in wanted.items())
    except (DnnlikError, KeyError):
        same = False
    if not same:
        path.unlink()


def compared(
    exact: LogDensity,
    surrogate: LogDensity,
    samples: Samples,
    drawn: Samples | None,
    reason: str,
    *,
    sampler: str,
    domain: Domain | None = None,
    seed: int = 0,
) -> SurrogateSample:
    """What the points that `draw` gave say against those of the exact posterior."""
    if drawn is None:
        return SurrogateSample(sampler, 0, None, None, False, reason, None, None)
    outside, exact_outside = (_outside(domain, x) for x in (drawn, samples))
    converged = not reason
    found = SurrogateSample(
        sampler=sampler,
        points=len(drawn),
        effective_points=drawn.diagnostics.get("effective_points"),
        r_hat=drawn.diagnostics.get("r_hat"),
        converged=converged,
        reason=reason,
        outside=outside,
        exact_outside=exact_outside,
        samples=drawn,
    )
    return _tested(exact, surrogate, samples, found, seed) if converged else found


def _outside(domain: Domain | None, samples: Samples) -> float | None:
    if domain is None:
        return None
    return float((~domain.contains(samples.points[samples.unbiased])).mean())


def _tested(
    exact: LogDensity,
    surrogate: LogDensity,
    samples: Samples,
    found: SurrogateSample,
    seed: int,
) -> SurrogateSample:
    drawn = found.samples
    assert drawn is not None  # of a converged sample; for the type checker
    # Errors on training points are smaller than elsewhere: of the exact chains the held-out.
    # Each file has the values of what it was drawn from.
    unseen = samples.rows(split(samples).test & samples.unbiased)
    expected = _bounded(surrogate.log_likelihood(unseen.points) - unseen.log_likelihood)
    ratio = _bounded(drawn.log_likelihood - exact.log_likelihood(drawn.points))
    tests = whitened_tests(
        chains_of(samples),
        chains_of(drawn),
        seed=seed,
        scores=(expected[rows_of_chains(unseen)], ratio[rows_of_chains(drawn)]),
        independence=(independence_of(samples), independence_of(drawn)),
    )
    return replace(
        found,
        tests=tests,
        divergence=divergence(ratio, blocks_of(drawn), seed=seed, source="surrogate"),
        intervals=intervals_of_samples(samples, drawn, seed=seed),
    )


def _bounded(log_ratio: NDArray[np.float64]) -> NDArray[np.float64]:
    """ln of the surrogate over the exact likelihood, (n,), finite where the latter is zero."""
    return np.asarray(np.minimum(log_ratio, _INFINITE))
