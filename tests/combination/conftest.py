"""Gaussian likelihoods with a common nuisance parameter, and published random surrogates."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from dnnlik.likelihoods import AnalyticLikelihood
from dnnlik.onnx.graph import surrogate_model
from dnnlik.onnx.metadata import metadata_properties
from dnnlik.onnx.verify import write
from dnnlik.parameters import Normal, Parameter, ParameterSet
from dnnlik.surrogate.description import Domain, Network, Quadratic, SurrogateDescription

JES = Normal(0.2, 0.8)


@dataclass(frozen=True)
class Measurement:
    """seen = μ + slope · jes + own ± error, with jes constrained and own by ± 0.5."""

    seen: float
    slope: float
    error: float
    own: str

    def likelihood(self) -> AnalyticLikelihood:
        def log_main(points: np.ndarray) -> np.ndarray:
            predicted = points[:, 0] + self.slope * points[:, 1] + points[:, 2]
            return -0.5 * ((self.seen - predicted) / self.error) ** 2

        return AnalyticLikelihood(
            [
                Parameter("mu", 0, (-50, 50), poi=True),
                Parameter("jes", 0, (-20, 20), JES),
                Parameter(self.own, 0, (-20, 20), Normal(0, 0.5)),
            ],
            log_main,
        )


@pytest.fixture
def measurements() -> tuple[Measurement, Measurement]:
    return Measurement(2.0, 1.5, 0.7, "one"), Measurement(-1.0, -0.4, 0.9, "two")


@pytest.fixture
def gaussians(measurements):
    return [m.likelihood() for m in measurements]


def description_of(
    parameters: ParameterSet, seed: int, members: int = 1, domain: float = 2.0
) -> SurrogateDescription:
    """A random network on a steep quadratic, so that it has one maximum near the inits."""
    rng = np.random.default_rng(seed)
    size, inits = len(parameters), parameters.inits
    one = np.eye(size)

    def network() -> Network:
        units = pairwise([size, 8, 6, 1])
        weights = [rng.normal(size=(a, b)) / np.sqrt(a) for a, b in units]
        biases = [0.3 * rng.normal(size=w.shape[1]) for w in weights]
        return Network(tuple(weights), tuple(biases), inits, 5 * np.ones(size), -3.0, 0.1)

    return SurrogateDescription(
        parameters=parameters,
        adds_constraint=True,
        quadratic=Quadratic(inits, -20.0, rng.normal(size=size), -4 * one),
        networks=tuple(network() for _ in range(members)),
        uncertainty_factor=1.5,
        domain=Domain(inits - domain, inits + domain, inits, one, domain**2 * size),
        settings={},
        provenance={"seed": seed},
    )


def parameters_of(likelihood) -> ParameterSet:
    """The Gaussian ones, within bounds that a small network can cover."""
    return ParameterSet([replace(p, bounds=(-4, 4)) for p in likelihood.parameters])


def publish(description: SurrogateDescription, path: Path) -> Path:
    properties = metadata_properties(description, accuracy={}, author="A", license="CC0-1.0")
    write(surrogate_model(description, metadata=properties), path)
    return path


@pytest.fixture
def published_files(gaussians, tmp_path) -> list[Path]:
    """Two published surrogates that share mu and jes; the second is an ensemble."""
    found = []
    for i, likelihood in enumerate(gaussians):
        description = description_of(parameters_of(likelihood), seed=i, members=1 + 2 * i)
        found.append(publish(description, tmp_path / f"{'ab'[i]}.onnx"))
    return found


@pytest.fixture
def description(gaussians) -> SurrogateDescription:
    """A random surrogate of the first Gaussian's parameters."""
    return description_of(parameters_of(gaussians[0]), seed=0)
