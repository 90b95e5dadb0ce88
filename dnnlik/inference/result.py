"""What a fit found, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from dnnlik.exceptions import NotConverged
from dnnlik.parameters import ParameterSet

__all__ = ["FitResult", "FitStatus"]


class FitStatus(Enum):
    """How a fit ended; the value is the sentence to show."""

    CONVERGED = "the projected gradient vanishes"
    STALLED = "no further progress, but the projected gradient is not small"
    UNDEFINED = "the log-likelihood is not finite where the fit starts, nor at the inits"


@dataclass(frozen=True)
class FitResult:
    """A maximum of the log-likelihood.

    Attributes:
        parameters: the parameter set.
        point: (d,) where it is, fixed parameters included.
        log_likelihood: its value (natural log, no factor 2).
        projected_gradient: largest component of the gradient that bounds do not
            hold, times the width of its parameter with the others held.
        evaluations: calls of value and gradient.
        status: how the fit ended.
    """

    parameters: ParameterSet = field(repr=False)
    point: NDArray[np.float64] = field(repr=False)
    log_likelihood: float
    projected_gradient: float
    evaluations: int
    status: FitStatus

    @property
    def converged(self) -> bool:
        return self.status is FitStatus.CONVERGED

    def __getitem__(self, name: str) -> float:
        return float(self.point[self.parameters.index(name)])

    def checked(self) -> FitResult:
        """Itself if converged, else `NotConverged`."""
        if not self.converged:
            raise NotConverged(
                f"the fit did not converge: {self.status.value}. "
                f"Received: projected gradient {self.projected_gradient:.2g}"
            )
        return self
