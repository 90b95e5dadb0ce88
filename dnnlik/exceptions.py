"""The errors that dnnlik raises, and the exit code each has on the command line.

::

    DnnlikError
    ├── InvalidInput           exit 3: what was handed in cannot be used
    │   ├── InvalidParameters      a parameter list that means nothing
    │   ├── InvalidLikelihood      no likelihood, or one that returns nonsense
    │   ├── InvalidPoints          points of the wrong shape, order or kind
    │   └── InvalidFile            a file that is missing, damaged or of another kind
    └── NotGoodEnough          exit 4: the computation ended, its result may not be used
        ├── NotConverged           a fit or a chain that did not settle
        ├── BudgetExhausted        more calls of the likelihood than were allowed
        └── BelowThreshold         a surrogate that misses its accuracy thresholds

    LowStatisticsWarning       a warning: too few simulated events to train on

Every message is one line: what is wrong, what was expected, what to do, and
last ``Received: ...``. Usage errors of the command line (exit 2) are click's.
"""

from __future__ import annotations

__all__ = [
    "BelowThreshold",
    "BudgetExhausted",
    "DnnlikError",
    "InvalidFile",
    "InvalidInput",
    "InvalidLikelihood",
    "InvalidParameters",
    "InvalidPoints",
    "LowStatisticsWarning",
    "NotConverged",
    "NotGoodEnough",
]


class DnnlikError(Exception):
    """Base of every error that dnnlik raises on purpose."""

    exit_code = 1


class InvalidInput(DnnlikError, ValueError):
    """Something that was handed in cannot be used."""

    exit_code = 3


class InvalidParameters(InvalidInput):
    """A parameter, or a list of them, that means nothing."""


class InvalidLikelihood(InvalidInput):
    """A file or function that is no likelihood, or returns nonsense."""


class InvalidPoints(InvalidInput):
    """Parameter points of the wrong shape, order or kind."""


class InvalidFile(InvalidInput):
    """A file that is missing, damaged or of another kind."""


class NotGoodEnough(DnnlikError):
    """A computation ended, but its result may not be used."""

    exit_code = 4


class NotConverged(NotGoodEnough):
    """A fit or a Markov chain did not settle within its limits."""


class BudgetExhausted(NotGoodEnough):
    """The calls of a likelihood that were allowed are used up."""


class BelowThreshold(NotGoodEnough):
    """A surrogate misses the accuracy thresholds for publication."""


class LowStatisticsWarning(UserWarning):
    """Simulated events are so few that a training would fit their fluctuations."""
