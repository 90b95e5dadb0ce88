"""What a surrogate must reach to be published, and why: `REASONS`.

Limits are on sizes of effects, not on p-values, wherever that is possible: with enough points
any two distributions differ significantly, and a reader asks by how much.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["REASONS", "Check", "Thresholds", "Verdict"]


@dataclass(frozen=True)
class Thresholds:
    """Limits of a verdict, see `REASONS`."""

    effective_fraction: float = 0.9
    total_variation: float = 0.1
    mean_t_error: float = 0.05
    largest_t_error: float = 0.2
    poi_shift: float = 0.1
    error_ratio: float = 0.05
    fit_distance: float = 0.1
    unconverged_fits: int = 0
    limit_difference: float = 0.02
    expected_limit_difference: float = 0.05
    hpdi_shift: float = 0.1
    smallest_p: float = 0.001
    sampled_excess: float = 0.02
    outside_domain: float = 0.02
    beats_quadratic: bool = True


REASONS = {
    "effective_fraction": "reweighting to the exact posterior then costs a tenth of the points, "
    "and no region carries a noticeable excess",
    "total_variation": "no region differs by more probability; the best possible classifier "
    "tells the two apart in at most 55 % of the cases",
    "mean_t_error": "an end of an interval moves by Δt/(2√t) standard deviations: 0.025 at one",
    "largest_t_error": "up to t = 9 an end of an interval moves by at most 0.1 standard "
    "deviations at one, 0.03 at three",
    "poi_shift": "a tenth of the statistical uncertainty is below what is quoted",
    "error_ratio": "5 % of an uncertainty is below the second digit that is quoted",
    "fit_distance": "the exact t of the surrogate's best fit, all parameters together: fits of "
    "the data themselves move by √t standard deviations",
    "unconverged_fits": "whoever fits the surrogate must find a maximum wherever fits of the exact "
    "likelihood do: of the best fit and of every value of the scans, those where the exact fit "
    "converged are counted",
    "limit_difference": "the data scatter a limit far more: half the ±1σ band of expected limits "
    "is a third of the median where a likelihood is Gaussian, so that 2 % of a limit are 6 % of "
    "it; with a published table of Asimov values against the exact Asimov dataset, else Wald "
    "against Wald",
    "expected_limit_difference": "without a published table it is Wald's approximation, from the "
    "slope at zero alone, and itself good to some per cent; a table is the exact one",
    "hpdi_shift": "a tenth of a standard deviation, beyond three Monte Carlo errors",
    "smallest_p": "no marginal differs significantly, all of them together",
    "sampled_excess": "points drawn from the surrogate have at most 2 % of probability "
    "elsewhere along any direction, beyond what chance gives once in a thousand",
    "outside_domain": "chains on the surrogate stay where it was trained; of the exact "
    "posterior well under 1 % is outside",
    "beats_quadratic": "a network no better than its closed-form baseline is not worth its weights",
}
"""Why each limit is what it is."""


@dataclass(frozen=True)
class Check:
    """One limit: what was measured, against what, and whether it holds.

    ``measured`` None was not measured: it has neither passed nor failed, and ``note`` says
    why. NaN (a result that should be there and is not) has failed.
    """

    name: str
    measured: float | None
    limit: float
    at_most: bool
    reason: str = ""
    note: str = ""

    @property
    def passed(self) -> bool | None:
        if self.measured is None:
            return None
        return self.measured <= self.limit if self.at_most else self.measured >= self.limit

    @property
    def sentence(self) -> str:
        relation = "at most" if self.at_most else "at least"
        if self.measured is None:
            return f"{self.name} not measured ({self.note})"
        state = "" if self.passed else ", missed"
        measured = "none" if math.isnan(self.measured) else f"{self.measured:.4g}"
        return f"{self.name} {measured} ({relation} {self.limit:.4g}{state})"


@dataclass(frozen=True)
class Verdict:
    """All checks; passed if none that was measured is missed."""

    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        return all(check.passed is not False for check in self.checks)

    @property
    def missed(self) -> Sequence[str]:
        """Sentences of the checks that were missed."""
        return [check.sentence for check in self.checks if check.passed is False]

    @property
    def not_measured(self) -> Sequence[str]:
        """Sentences of the checks whose input was skipped."""
        return [check.sentence for check in self.checks if check.passed is None]
