"""Validation of a surrogate against the exact likelihood, as one frozen report."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dnnlik.sampling.samples import Samples
from dnnlik.typing import JSON
from dnnlik.validation.coverage import Content
from dnnlik.validation.document import document_of, write_validation
from dnnlik.validation.error_profiles import ErrorProfile, Extrapolation
from dnnlik.validation.fitted import Fitted
from dnnlik.validation.held_out import HeldOut
from dnnlik.validation.intervals import Interval
from dnnlik.validation.joint import Divergence
from dnnlik.validation.limits import LimitComparison
from dnnlik.validation.metrics import ErrorBand, Marginal
from dnnlik.validation.sampled import SurrogateSample
from dnnlik.validation.scans import Scan
from dnnlik.validation.skipped import Skipped
from dnnlik.validation.thresholds import Verdict
from dnnlik.validation.toys import ToyEnd
from dnnlik.validation.uncertainty import StatedUncertainty

__all__ = ["REVISION", "Validation"]

REVISION = 6
"""Raised whenever a number of the report is computed in another way."""


@dataclass(frozen=True, eq=False)
class Validation:
    """The report: one field a question, each described where its class is.

    ``bands`` are of all test points, ``posterior`` of the unbiased ones; ``quadratic`` the same
    without the network, None where there is no baseline. ``divergence`` is of the held-out
    posterior points. ``sampled`` and ``toys`` are None where they were not asked for;
    ``uncertainty`` is None of a single network. ``skipped`` says what is not there and why.
    ``samples`` are those it was validated on.
    """

    names: tuple[str, ...]
    bands: tuple[ErrorBand, ...]
    posterior: ErrorBand
    quadratic: ErrorBand | None
    quadratic_effective_fraction: float | None
    effective_fraction: float
    marginals: tuple[Marginal, ...]
    divergence: Divergence
    fitted: Fitted
    scans: tuple[Scan, ...]
    limits: tuple[LimitComparison, ...]
    intervals: tuple[Interval, ...]
    contents: tuple[Content, ...]
    by_drop: ErrorProfile
    by_radius: ErrorProfile
    by_parameter: tuple[ErrorProfile, ...]
    outside: tuple[Extrapolation, ...]
    sampled: SurrogateSample | None
    toys: tuple[ToyEnd, ...] | None
    skipped: tuple[Skipped, ...]
    verdict: Verdict
    held_out: HeldOut
    samples: Samples
    subject: JSON
    uncertainty: StatedUncertainty | None = None

    def to_json(self) -> JSON:
        """The content of ``validation.json``."""
        return document_of(self)

    def write(self, path: str | Path) -> JSON:
        """Write ``validation.json``, checked against its schema, and return its content."""
        return write_validation(self, path)
