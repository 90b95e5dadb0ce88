"""Random surrogates, and where their published files lie."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from dnnlik.onnx.graph import surrogate_model
from dnnlik.onnx.metadata import metadata_properties
from dnnlik.onnx.verify import write
from dnnlik.parameters import Normal, Parameter, ParameterSet, Poisson
from dnnlik.surrogate.bends import bends_of
from dnnlik.surrogate.description import (
    NO_BENDS,
    Bends,
    Domain,
    Network,
    Quadratic,
    SurrogateDescription,
)

MakeDescription = Callable[..., SurrogateDescription]


def _parameters(size: int) -> ParameterSet:
    kinds = [
        Parameter("mu", init=1, bounds=(-1, 5), poi=True),
        Parameter("jes", init=0, bounds=(-5, 5), constraint=Normal(0.3, 1.7)),
        Parameter("gamma", init=1, bounds=(0.01, 3), constraint=Poisson(12.5, 12.5)),
        Parameter("empty bin", init=1, bounds=(0, 6), constraint=Poisson(0, 2)),
        Parameter("lumi", init=1, constraint=Normal(1, 0.02)),
        Parameter("norm", init=1, bounds=(0, 10), prior=Normal(1, 2)),
    ]
    return ParameterSet(kinds[:size])


def _network(
    rng: np.random.Generator, size: int, layers: tuple[int, ...], activation: str, bends: Bends
) -> Network:
    units = [size + bends.columns.size, *layers, 1]
    weights = [rng.normal(size=(a, b)) / np.sqrt(a) for a, b in pairwise(units)]
    biases = [0.3 * rng.normal(size=unit) for unit in units[1:]]
    scale = rng.uniform(0.5, 2, size)
    return Network(
        tuple(weights), tuple(biases), rng.normal(size=size), scale, -7.0, 3.0, activation, bends
    )


def _symmetric(rng: np.random.Generator, size: int) -> np.ndarray:
    root = rng.normal(size=(size, size))
    return root @ root.T / size + np.eye(size)


@pytest.fixture
def make_description() -> MakeDescription:
    """A random surrogate of up to six parameters of every kind."""

    def make(
        size: int = 5,
        layers: tuple[int, ...] = (16, 8),
        quadratic: bool = True,
        adds_constraint: bool = True,
        seed: int = 1,
        activation: str = "selu",
        members: int = 1,
        bends: bool = False,
    ) -> SurrogateDescription:
        rng = np.random.default_rng(seed)
        parameters = _parameters(size)
        inits = parameters.inits
        bent = bends_of(parameters) if bends else NO_BENDS
        return SurrogateDescription(
            parameters=parameters,
            adds_constraint=adds_constraint,
            quadratic=Quadratic(inits, -20.0, rng.normal(size=size), -_symmetric(rng, size))
            if quadratic
            else None,
            networks=tuple(_network(rng, size, layers, activation, bent) for _ in range(members)),
            uncertainty_factor=1.7,
            domain=Domain(inits - 2, inits + 1.5, inits, _symmetric(rng, size), 1.5 * size),
            settings={"layers": list(layers), "seed": seed},
            provenance={"likelihood": "sha256:0"},
        )

    return make


@pytest.fixture
def publish(tmp_path: Path) -> Callable[[SurrogateDescription], Path]:
    """Write a surrogate to ``likelihood.onnx`` and give the path."""

    def write_file(description: SurrogateDescription) -> Path:
        metadata = metadata_properties(
            description, accuracy={"ks": 0.4}, author="A. N. Other", license="CC-BY-4.0"
        )
        write(surrogate_model(description, metadata=metadata), tmp_path / "likelihood.onnx")
        return tmp_path / "likelihood.onnx"

    return write_file


@pytest.fixture
def scatter() -> Callable[..., np.ndarray]:
    """Points around the starting values, some inside and some outside the domain."""

    def points(description: SurrogateDescription, n: int = 50, spread: float = 0.9) -> np.ndarray:
        rng = np.random.default_rng(7)
        inits = description.parameters.inits
        return inits + spread * rng.normal(size=(n, inits.size))

    return points
