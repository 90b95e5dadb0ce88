"""The plain description of a surrogate: arrays and a parameter list, no framework.

What a trained surrogate *is*, apart from how it was trained or is evaluated:

.. math:: \\log L(\\theta) = [\\log L_\\mathrm{constraint}(\\theta)] + q(\\theta)
          + \\frac1M\\sum_k [m_k + s_k\\,\\mathrm{MLP}_k((\\theta-\\bar\\theta_k)/\\sigma_k)]

with the closed-form constraint terms (left out when the network learned the
whole log-likelihood, as in arXiv:1911.03305), the quadratic baseline q of the
main term, and a network on the standardised rest, or the mean of several; beside a quadratic
it is held below a ceiling (`SurrogateDescription`). The spread of
several, times a factor that was calibrated, is the uncertainty of the mean.
Natural logarithms, no factor 2. Needs NumPy alone; the ONNX room reads it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnlik.asimov import AsimovCurve
from dnnlik.parameters import ParameterSet

__all__ = [
    "ACTIVATIONS",
    "Bends",
    "Ceiling",
    "Domain",
    "Network",
    "Quadratic",
    "SurrogateDescription",
]

ACTIVATIONS = ("silu", "selu", "tanh")
"""Names of activation functions, see `dnnlik.surrogate.activations`."""

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Quadratic:
    r"""Second-order expansion :math:`v + g(\theta-c) + \frac12(\theta-c)H(\theta-c)`.

    >>> q = Quadratic(np.zeros(1), 1.0, np.ones(1), -2 * np.eye(1))
    >>> float(q.value_of(np.array([[1.0]]))[0])
    1.0
    """

    centre: Array  # (d,)
    value: float
    gradient: Array  # (d,)
    hessian: Array  # (d, d), symmetric

    def gradient_of(self, points: Array) -> Array:
        """Its derivative at points, (n, d) → (n, d)."""
        return np.asarray(self.gradient + (points - self.centre) @ self.hessian)

    def value_of(self, points: Array) -> Array:
        """The quadratic at points, (n, d) → (n,)."""
        step = points - self.centre
        curved = 0.5 * np.einsum("nd,nd->n", step @ self.hessian, step)
        return np.asarray(self.value + step @ self.gradient + curved)


@dataclass(frozen=True, eq=False)
class Bends:
    r"""More inputs of a network: how far a systematic is from nominal, up or down alike.

    Of :math:`a=(\theta-c)/w` in some columns they are

    .. math:: s(a) = \begin{cases} a^2(15-10a^2+3a^4)/8 & |a|\le 1 \\ |a| & |a|>1\end{cases}

    twice continuously differentiable. The interpolation codes of HistFactory (4 and 4p,
    arXiv:1007.1727's companion CERN-OPEN-2012-016, section 4.1) go straight on beyond
    ±1 with different slopes up and down, and bend between: a linear combination of a and
    s(a) is such a line (code 4p exactly), which a network would otherwise have to learn for
    each of a hundred parameters.

    >>> bends = Bends(np.array([1]), np.zeros(1), np.ones(1))
    >>> bends.of(np.array([[7.0, -3.0], [7.0, 1.0], [7.0, 0.0]])).ravel().tolist()
    [3.0, 1.0, 0.0]
    """

    columns: NDArray[np.int64]  # (k,)
    centre: Array  # (k,)
    width: Array  # (k,), positive

    def of(self, points: Array) -> Array:
        """Them at points, (n, d) → (n, k)."""
        a = (points[:, self.columns] - self.centre) / self.width
        t2 = np.clip(a, -1, 1) ** 2
        outside = np.maximum(np.abs(a) - 1, 0)
        return np.asarray(t2 * (15 - 10 * t2 + 3 * t2 * t2) / 8 + outside)


NO_BENDS = Bends(np.empty(0, np.int64), np.empty(0), np.empty(0))


@dataclass(frozen=True, eq=False)
class Network:
    """A multilayer perceptron with its input and output scaling.

    Its inputs are the standardised parameters, then the ``bends`` of raw ones.

    ``weights[k]`` has shape (inputs, outputs) of layer k, ``biases[k]`` (outputs,);
    the ``activation``, one of `ACTIVATIONS`, after every layer but the last, whose single
    output is linear.
    """

    weights: tuple[Array, ...]
    biases: tuple[Array, ...]
    input_mean: Array  # (d,)
    input_scale: Array  # (d,), positive
    output_mean: float
    output_scale: float
    activation: str = "selu"
    bends: Bends = NO_BENDS

    @property
    def layers(self) -> tuple[int, ...]:
        """Units of the hidden layers."""
        return tuple(int(bias.size) for bias in self.biases[:-1])


@dataclass(frozen=True, eq=False)
class Domain:
    """Where a surrogate was trained: a box and an ellipsoid; inside means inside both.

    The ellipsoid is ``(θ-centre) precision (θ-centre) <= max_distance2`` with the
    inverse covariance of the posterior points, because the corners of a box in a
    hundred dimensions are far from anything that was ever seen.
    """

    lower: Array  # (d,)
    upper: Array  # (d,)
    centre: Array  # (d,)
    precision: Array  # (d, d)
    max_distance2: float

    def contains(self, points: Array) -> NDArray[np.bool_]:
        """Which points are inside, (n, d) → (n,)."""
        step = points - self.centre
        distance2 = np.einsum("nd,nd->n", step @ self.precision, step)
        boxed = ((points >= self.lower) & (points <= self.upper)).all(axis=1)
        return np.asarray(boxed & (distance2 <= self.max_distance2))


@dataclass(frozen=True)
class Ceiling:
    """ln L is at most ``steepness`` times the quadratic with the constraint terms plus
    ``offset``, see `dnnlik.surrogate.ceiling`."""

    steepness: float
    offset: float


@dataclass(frozen=True, eq=False)
class SurrogateDescription:
    """Everything that defines a surrogate, and where it came from.

    Its value is the mean of ``networks``. With two or more, ``uncertainty_factor`` times
    their standard deviation (n - 1 in the denominator) is the uncertainty of the value.
    ``settings`` are those of the training, ``provenance`` names the samples and
    the likelihood by digest, the seed and the software versions (JSON objects);
    ``history`` has a record of losses, rate and seconds an epoch. ``asimov`` are tables of
    the exact likelihood for upper limits: no value depends on them.

    Outside of the box of its training points a network goes on in straight lines, upwards as
    well as down, and a fit that steps out may find a maximum there. Where a quadratic carries
    on, the networks keep the value that they have at the nearest point of the box (`edges`), and
    nowhere is the value above the ``ceiling`` (None: there is none).
    """

    parameters: ParameterSet
    adds_constraint: bool
    quadratic: Quadratic | None
    networks: tuple[Network, ...]
    domain: Domain
    settings: dict[str, Any]
    provenance: dict[str, Any]
    history: Sequence[Mapping[str, float]] = ()
    uncertainty_factor: float = 1.0
    asimov: tuple[AsimovCurve, ...] = ()
    ceiling: Ceiling | None = None

    @property
    def edges(self) -> tuple[Array, Array] | None:
        """The box, (d,) each, whose nearest point the networks see; None if they see all."""
        return None if self.quadratic is None else (self.domain.lower, self.domain.upper)

    def digest(self) -> str:
        """SHA-256 of everything that the values of the surrogate depend on."""
        found = hashlib.sha256(f"{self.parameters.digest()} {self.adds_constraint}".encode())
        for edge in self.edges or ():
            found.update(_bytes(edge))
        found.update(np.float64(self.uncertainty_factor).tobytes())
        if self.ceiling is not None:
            found.update(np.array([self.ceiling.steepness, self.ceiling.offset]).tobytes())
        for part in (self.quadratic, *self.networks):
            for value in () if part is None else vars(part).values():
                for array in _parts(value):
                    found.update(_bytes(array))
        return found.hexdigest()


def _parts(value: Any) -> tuple[Any, ...]:
    if isinstance(value, Bends):
        return tuple(vars(value).values())
    return value if isinstance(value, tuple) else (value,)


def _bytes(value: Any) -> bytes:
    if isinstance(value, str):
        return value.encode()
    return np.asarray(value, dtype="<f8").tobytes()
