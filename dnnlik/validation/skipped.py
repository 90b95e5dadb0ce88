"""What was not measured, and why: said in the report, never passed over in silence."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Skipped"]


@dataclass(frozen=True)
class Skipped:
    """One thing that a report does not have, and the reason in a sentence."""

    what: str
    reason: str
