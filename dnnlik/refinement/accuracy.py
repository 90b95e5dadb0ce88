"""What a refined sample file says of a surrogate that was trained on it."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from dnnlik.exceptions import InvalidInput
from dnnlik.inference import effective_sample_size, fit, profile
from dnnlik.sampling.samples import Samples
from dnnlik.surrogate.data import split
from dnnlik.typing import JSON, LogDensity

__all__ = ["Accuracy", "ScanError", "accuracy"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class ScanError:
    """t of one parameter of interest at some values, exact and of the surrogate."""

    name: str
    values: tuple[float, ...]
    t_exact: tuple[float, ...]
    t_surrogate: tuple[float, ...]

    @property
    def mean_error(self) -> float:
        return float(np.mean(np.abs(np.subtract(self.t_exact, self.t_surrogate))))

    @property
    def largest_error(self) -> float:
        return float(np.max(np.abs(np.subtract(self.t_exact, self.t_surrogate))))


@dataclass(frozen=True)
class Accuracy:
    """Errors of ln L (natural log, surrogate minus exact) on held-out draws of the exact
    posterior, and of t.

    Attributes:
        points: held-out draws, of which ``distinct`` are different.
        rms: of the error, a constant offset included; ``spread`` without it.
        largest: error.
        effective_fraction: (Σw)²/(nΣw²) of the weights exp(error).
        scans: one a parameter of interest.
        calls: of the exact likelihood, all together.
    """

    points: int
    distinct: int
    rms: float
    spread: float
    largest: float
    effective_fraction: float
    scans: tuple[ScanError, ...]
    calls: int

    def to_json(self) -> JSON:
        """A JSON object of everything."""
        return {
            **asdict(self),
            "scans": [
                {
                    "name": s.name,
                    "values": list(s.values),
                    "t_exact": list(s.t_exact),
                    "t_surrogate": list(s.t_surrogate),
                    "mean_error": s.mean_error,
                    "largest_error": s.largest_error,
                }
                for s in self.scans
            ],
        }


def accuracy(samples: Samples, surrogate: LogDensity) -> Accuracy:
    """Compare a surrogate with the exact values that a refined file holds; no call is made.

    Raises:
        InvalidInput: the file was not made by `refine`.
    """
    said = samples.diagnostics.get("refinement")
    if said is None:
        raise InvalidInput(
            "the accuracy without exact calls needs samples of `dnnlik run --calls`. "
            f"Received: samples of strategy {samples.provenance['request'].get('strategy')!r}"
        )
    rows = samples.rows(split(samples).test & samples.unbiased)
    error = surrogate.log_likelihood(rows.points) - rows.log_likelihood
    weights = np.exp(error - error.max())
    return Accuracy(
        points=len(rows),
        distinct=len(np.unique(rows.points, axis=0)),
        rms=float(np.sqrt(np.mean(error**2))),
        spread=float(error.std()),
        largest=float(np.abs(error).max()),
        effective_fraction=float(effective_sample_size(weights) / len(weights)),
        scans=tuple(_scan_error(samples, surrogate, scan) for scan in said["scans"]),
        calls=int(sum(said["calls"].values())),
    )


def _scan_error(samples: Samples, surrogate: LogDensity, scan: JSON) -> ScanError:
    points, exact = np.array(scan["points"]), np.array(scan["log_likelihood"])
    start = samples.maximum.point
    best = fit(surrogate, start=start)
    found = profile(surrogate, scan["name"], scan["values"], best=best, starts=points)
    highest = max(samples.diagnostics["log_likelihood_at_maximum"], exact.max())
    return ScanError(
        scan["name"],
        tuple(scan["values"]),
        tuple(float(t) for t in 2 * (highest - exact)),
        tuple(float(t) for t in found.t),
    )
