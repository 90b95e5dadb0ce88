"""What may be asked of a refinement, and whether a file is what was asked for."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from dnnlik.exceptions import InvalidFile, InvalidInput, InvalidParameters
from dnnlik.likelihoods.base import Likelihood
from dnnlik.refinement.held_out import scan_calls
from dnnlik.refinement.maximum import stencil_calls
from dnnlik.refinement.settings import RefinementSettings
from dnnlik.sampling.samples import Samples
from dnnlik.surrogate.settings import TrainingSettings
from dnnlik.typing import JSON

__all__ = ["FEWEST_HELD_OUT", "check_request", "fewest_calls", "present_samples", "request_of"]

FEWEST_HELD_OUT = 120
"""Draws that no training sees, at least."""

_FEWEST_A_PARAMETER = 30  # points to learn from


def fewest_calls(width: int, pois: int, differentiable: bool, scan_points: int) -> int:
    """Below this nothing sensible can be learned: a rough number for d parameters."""
    maximum = 4 * width + 20 if differentiable else 2 * stencil_calls(width) + 15 * (width + 1)
    test = FEWEST_HELD_OUT + pois * scan_calls(width, differentiable, scan_points)
    return maximum + test + _FEWEST_A_PARAMETER * width + 200


def check_request(
    likelihood: Likelihood,
    calls: int,
    seed: int,
    settings: RefinementSettings,
    training: TrainingSettings,
) -> None:
    """Refuse what cannot end well, before any call.

    Raises:
        InvalidInput: too few calls, a negative seed, one network alone where points are
            chosen by its uncertainty.
        InvalidParameters: no parameter of interest.
    """
    p = likelihood.parameters
    if not p.poi_names:
        raise InvalidParameters(
            "at least one parameter must be of interest (poi=True). Received: none"
        )
    if seed < 0:
        raise InvalidInput(f"the seed must not be negative. Received: {seed}")
    differentiable = hasattr(likelihood, "value_and_gradient")
    fewest = fewest_calls(len(p), len(p.poi_names), differentiable, settings.scan_points)
    if calls < fewest:
        raise InvalidInput(
            f"{len(p)} parameters {'with' if differentiable else 'without'} gradients need at "
            f"least {fewest} calls. Received: {calls}"
        )
    if settings.power and training.members < 2:
        raise InvalidInput(
            "points are chosen by what several networks disagree on: train at least two, or "
            f"set the power to 0. Received: 1 network, power {settings.power}"
        )


def request_of(
    likelihood: Likelihood,
    calls: int,
    seed: int,
    settings: RefinementSettings,
    training: TrainingSettings,
) -> JSON:
    """What two equal requests have in common, in the provenance of their samples."""
    return {
        "likelihood": likelihood.digest,
        "strategy": "refined",
        "calls": calls,
        "seed": seed,
        "settings": asdict(settings),
        "training": training.to_json(),
    }


def present_samples(path: Path, request: JSON) -> Samples:
    """The samples of a file, if they are those of the request.

    Raises:
        InvalidFile: they are of another.
    """
    samples = Samples.open(path)
    stated = samples.provenance["request"]
    other = [name for name, value in request.items() if stated.get(name) != value]
    if other:
        raise InvalidFile(
            f"the file holds samples of another request ({', '.join(other)}); give another "
            f"output or remove it. Received: {path}"
        )
    return samples
