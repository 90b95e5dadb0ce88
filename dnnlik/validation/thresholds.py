"""What a surrogate must reach to be published, and why.

- ``effective_fraction`` ≥ 0.9: reweighting to the exact posterior then costs a tenth
  of the points, and no region carries a noticeable excess.
- ``mean_t_error`` ≤ 0.05, ``largest_t_error`` ≤ 0.2 up to t = 9: an interval end moves
  by Δt/(2 sqrt t) standard deviations: 0.025 at one, 0.03 at most at three.
- ``smallest_p``, times the number of marginals, ≥ 0.001: none of the marginals is
  distinguishable from the exact one.
- ``beats_quadratic``: a network no better than its closed-form baseline is not worth
  its weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Check", "Thresholds", "Verdict"]


@dataclass(frozen=True)
class Thresholds:
    """Limits of a verdict; the defaults are those of the module's docstring."""

    effective_fraction: float = 0.9
    mean_t_error: float = 0.05
    largest_t_error: float = 0.2
    smallest_p: float = 0.001
    beats_quadratic: bool = True


@dataclass(frozen=True)
class Check:
    """One limit: what was measured, against what, and whether it holds."""

    name: str
    measured: float
    limit: float
    at_most: bool

    @property
    def passed(self) -> bool:
        return self.measured <= self.limit if self.at_most else self.measured >= self.limit

    @property
    def sentence(self) -> str:
        relation = "at most" if self.at_most else "at least"
        state = "" if self.passed else ", missed"
        return f"{self.name} {self.measured:.4g} ({relation} {self.limit:.4g}{state})"


@dataclass(frozen=True)
class Verdict:
    """All checks; passed if every one is."""

    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        return all(check.passed for check in self.checks)

    @property
    def missed(self) -> Sequence[str]:
        """Sentences of the checks that were missed."""
        return [check.sentence for check in self.checks if not check.passed]
