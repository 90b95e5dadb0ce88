"""Learning a likelihood that is slow: few calls, each where it helps.

`refine` makes a sample file with no more than a given number of calls: ``maximum`` finds
the peak from values, ``proposals`` says where to look, ``fence`` keeps a surrogate to what is
known, ``acquisition`` chooses what is asked next, ``rounds`` repeats it, and ``held_out``
keeps a part for the test. ``budget`` counts every call and keeps it on disk. `accuracy` is
what such a file says of a surrogate; `advice` what to do before anything slow begins.
"""

from dnnlik.refinement.accuracy import Accuracy, accuracy
from dnnlik.refinement.advice import advice
from dnnlik.refinement.rounds import refine
from dnnlik.refinement.settings import RefinementSettings, small_data_settings

__all__ = [
    "Accuracy",
    "RefinementSettings",
    "accuracy",
    "advice",
    "refine",
    "small_data_settings",
]
