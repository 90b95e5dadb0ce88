"""Problems that ship, one a file: events, and the model that is made of them."""

from __future__ import annotations

from dnnlik.differentiable.problems.blobs import blobs_problem
from dnnlik.differentiable.problems.cut import cut_problem
from dnnlik.differentiable.problems.mixture import mixture_problem
from dnnlik.differentiable.problems.normals import normals_problem
from dnnlik.differentiable.problems.resonance import resonance_problem
from dnnlik.differentiable.problems.two_signals import two_signals_problem

__all__ = [
    "blobs_problem",
    "cut_problem",
    "mixture_problem",
    "normals_problem",
    "resonance_problem",
    "two_signals_problem",
]
