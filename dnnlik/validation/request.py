"""What a validation is asked to do beyond its fixed part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dnnlik.exceptions import InvalidInput
from dnnlik.sampling import POSTERIOR_SAMPLERS
from dnnlik.typing import JSON

__all__ = ["Request"]


@dataclass(frozen=True, eq=False)
class Request:
    """Attributes:
    scan: values of the first parameter of interest; by default up to t = 9 on both sides.
    scan_parameters: more parameters to scan, by name.
    sampler: of the surrogate; by default that of the samples.
    quick: draw no points from the surrogate.
    most_points: of the surrogate's own sample; 20,000 show a hundredth of probability moved.
    toys: random datasets a hypothesis; 0 for none.
    seed: of bootstraps, directions and toys.

    Raises:
        InvalidInput: a negative number, no points, an unknown sampler.
    """

    scan: NDArray[np.float64] | None = None
    scan_parameters: Sequence[str] = ()
    sampler: str | None = None
    quick: bool = False
    most_points: int = 20_000
    toys: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.toys < 0 or self.most_points < 1 or self.seed < 0:
            raise InvalidInput(
                "toys and seed are not negative, and points at least one. Received: "
                f"toys {self.toys}, points {self.most_points}, seed {self.seed}"
            )
        if self.sampler not in (None, *POSTERIOR_SAMPLERS):
            raise InvalidInput(
                f"the sampler must be one of {', '.join(POSTERIOR_SAMPLERS)}. "
                f"Received: {self.sampler!r}"
            )

    def to_json(self) -> JSON:
        """What two equal requests have in common."""
        return {
            "scan": None if self.scan is None else np.asarray(self.scan).tolist(),
            "scan_parameters": list(self.scan_parameters),
            "sampler": self.sampler,
            "quick": self.quick,
            "most_points": self.most_points,
            "toys": self.toys,
            "seed": self.seed,
        }
