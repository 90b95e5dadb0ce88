"""Samples under other priors: weights, and unweighted points drawn by them.

A posterior is the likelihood times the prior, and a sample file has both apart: other
priors need no new samples as long as they are not far from the old ones. How far is told by
Kish's effective size (Σw)²/Σw².
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnlik.combination.likelihood import digest_of_members
from dnnlik.combination.terms import parameters_with_priors, priors_to_json
from dnnlik.constraints import Normal
from dnnlik.environment import software_versions
from dnnlik.exceptions import BelowThreshold, InvalidInput
from dnnlik.inference import LEVELS, effective_sample_size, hpdi
from dnnlik.parameters import ParameterSet
from dnnlik.sampling.known import write_samples
from dnnlik.sampling.samples import Samples

__all__ = ["Reweighted", "resampled", "reweighted"]

FEWEST = 100.0
"""Effective points below which no interval is worth quoting: a width to 7 %."""

SMALLEST_FRACTION = 0.01
"""Below, a hundredth of the points carries the answer, and the tails decide which."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Reweighted:
    """The posterior rows of a sample file under other priors.

    Attributes:
        parameters: with the new priors.
        priors: what was asked for.
        rows: (n,) the rows of the file that follow the posterior.
        weights: (n,) of these rows, adding up to 1.
        effective_fraction: (Σw)²/(nΣw²), 1 for equal weights.
        effective_points: that times what the rows were worth before: the effective points
            that the sampler measured, or n where it did not.
        before, after: HPDI of each parameter of interest, (levels, 2), at `LEVELS`.
    """

    parameters: ParameterSet
    priors: Mapping[str, Normal | None]
    rows: NDArray[np.intp]
    weights: Array
    effective_fraction: float
    effective_points: float
    before: Mapping[str, Array]
    after: Mapping[str, Array]

    def checked(self, *, fraction: float = SMALLEST_FRACTION, points: float = FEWEST) -> Reweighted:
        """Itself, if enough of the sample is left.

        Raises:
            BelowThreshold: a smaller effective fraction, or fewer effective points.
        """
        if self.effective_fraction < fraction or self.effective_points < points:
            raise BelowThreshold(
                "the priors are too far from those of the samples: sample anew with them, see "
                f"`dnnlik combine --prior`. Received: effective fraction "
                f"{self.effective_fraction:.3g} (at least {fraction:g}), "
                f"{self.effective_points:.3g} effective points (at least {points:g})"
            )
        return self


def reweighted(samples: Samples, priors: Mapping[str, Normal | None]) -> Reweighted:
    """Weights exp(new log prior − old log prior) of the rows that follow the posterior.

    Args:
        samples: with rows of the strategy "unbiased"; the others have no part in it.
        priors: by name, of unconstrained parameters; None for uniform within the bounds.

    Raises:
        InvalidParameters: see `dnnlik.with_priors`.
        InvalidInput: fewer than two rows of the posterior, or one of density zero.

    Example::

        found = reweighted(Samples.open("samples.h5"), {"mu": Normal(1, 0.5)}).checked()
        found.after["mu"][0]        # 68.27 % HPDI
        np.average(values, weights=found.weights)
    """
    parameters = parameters_with_priors(samples.parameters, priors)
    rows = np.flatnonzero(samples.unbiased)
    if rows.size < 2:
        raise InvalidInput(
            "only rows that follow the posterior (strategy 'unbiased') can be reweighted. "
            f"Received: {rows.size} of them"
        )
    points = samples.points[rows]
    weights = _weights(parameters.log_prior(points) - samples.log_prior[rows])
    worth = float(samples.diagnostics.get("effective_points", rows.size))
    fraction = effective_sample_size(weights) / rows.size
    columns = {name: points[:, parameters.index(name)] for name in parameters.poi_names}
    return Reweighted(
        parameters=parameters,
        priors=dict(priors),
        rows=rows,
        weights=weights,
        effective_fraction=fraction,
        effective_points=fraction * min(worth, rows.size),
        before={name: hpdi(column, LEVELS) for name, column in columns.items()},
        after={name: hpdi(column, LEVELS, weights=weights) for name, column in columns.items()},
    )


def _weights(log_weights: Array) -> Array:
    if not np.isfinite(log_weights).all():
        raise InvalidInput(
            "rows of the posterior must have a finite prior, within all bounds. "
            f"Received: {int((~np.isfinite(log_weights)).sum())} without"
        )
    # Relative to the largest, so that none overflows and not all underflow.
    weights = np.exp(log_weights - log_weights.max())
    return np.asarray(weights / weights.sum())


def resampled(
    samples: Samples, found: Reweighted, path: str | Path, *, points: int | None = None, seed: int
) -> Samples:
    """Unweighted points under the new priors as a sample file.

    Rows are drawn in proportion to their weights with one random offset (systematic
    resampling: each occurs its expected number of times, rounded up or down), in the order of
    the file. A row keeps its chain, walker and step, so that its copies stay together where
    training holds walkers out. The digest of the likelihood is that of
    ``with_priors(likelihood, priors)``.

    Args:
        samples: what ``found`` is of.
        found: see `reweighted`.
        path: the file. A complete one of the same request is returned as it is.
        points: how many; by default the effective size of the weights, above which copies
            add nothing.
        seed: of the offset.

    Raises:
        InvalidInput: no points, a negative seed.
        InvalidFile: the file is of another request, or cannot be written.
    """
    count = max(1, int(effective_sample_size(found.weights))) if points is None else points
    if count < 1 or seed < 0:
        raise InvalidInput(
            "resampling needs at least one point and a seed that is not negative. "
            f"Received: {count} points, seed {seed}"
        )
    rows = found.rows[_systematic(found.weights, count, np.random.default_rng(seed))]
    drawn = samples.rows(rows)
    provenance = {"request": _request(samples, found, count, seed), "software": software_versions()}
    drawn = replace(
        drawn,
        parameters=found.parameters,
        log_prior=found.parameters.log_prior(drawn.points),
        provenance=provenance,
        diagnostics=_diagnostics(samples, found, rows),
    )
    write_samples(drawn, path)
    return Samples.open(path)


def _systematic(weights: Array, count: int, rng: np.random.Generator) -> NDArray[np.intp]:
    places = (rng.uniform() + np.arange(count)) / count
    cumulative = np.cumsum(weights)
    # Rounding may leave the last sum a little below one.
    return np.searchsorted(cumulative / cumulative[-1], places, side="right")


def _request(samples: Samples, found: Reweighted, count: int, seed: int) -> dict[str, Any]:
    old = samples.provenance["request"]["likelihood"]
    names = samples.parameters.names
    return {
        "likelihood": digest_of_members([old], [names], found.parameters),
        "strategy": "unbiased",
        "resampled_from": samples.digest,
        "priors": priors_to_json(found.priors),
        "points": count,
        "seed": seed,
    }


def _diagnostics(samples: Samples, found: Reweighted, rows: NDArray[np.intp]) -> dict[str, Any]:
    return {
        "effective_points": min(found.effective_points, float(rows.size)),
        "effective_fraction_of_weights": found.effective_fraction,
        "distinct_points": int(np.unique(rows).size),
        "before": {k: v for k, v in samples.diagnostics.items() if k != "chains"},
    }
