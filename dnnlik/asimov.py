r"""What background-only data would show, as a table that travels with a surrogate.

A surrogate knows the observed data alone. What an upper limit needs of other data is one
function of the parameter of interest,

.. math:: \sqrt{q_{\mu,A}} = \mu/\sigma(\mu)

of the Asimov dataset of the background-only fit (arXiv:1007.1727, sect. 3.2 and 3.6), other
parameters profiled. `dnnlik.inference.asimov_curve` makes the table from an exact likelihood.
Needs NumPy alone; SciPy where a table is interpolated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dnnlik.exceptions import InvalidInput

__all__ = ["AsimovCurve", "curve_named", "curves_from_json", "curves_to_json"]

Array = NDArray[np.float64]

_FEWEST = 4


@dataclass(frozen=True, eq=False)
class AsimovCurve:
    """√q_{μ,A} at m values of a parameter of interest; factor 2 included, no units.

    It is that of q and of q̃ alike: the maximum of these data is at 0, where both
    statistics are t_μ for every μ ≥ 0.

    Args:
        poi: the parameter of interest.
        values: (m,) in its own units, from 0 upwards, increasing, four or more.
        root: (m,) √q_{μ,A}, 0 at the first and increasing.

    Raises:
        InvalidInput: other shapes, a number that is not finite, or that does not increase.

    >>> line = AsimovCurve("mu", np.arange(5.0), 2 * np.arange(5.0))
    >>> line.root_at([0.5, 4.0]).tolist(), line.end
    ([1.0, 8.0], 4.0)
    """

    poi: str
    values: Array
    root: Array

    def __post_init__(self) -> None:
        if not isinstance(self.poi, str) or not self.poi:
            raise InvalidInput(f"an Asimov curve has the name of a parameter. Received: {self.poi}")
        for name in ("values", "root"):
            object.__setattr__(self, name, _increasing(name, getattr(self, name)))
        if self.values.shape != self.root.shape:
            raise InvalidInput(
                "an Asimov curve has one root for each value. "
                f"Received: {self.root.size} for {self.values.size}"
            )

    def __eq__(self, other: object) -> bool:
        """Of the same parameter with the same numbers."""
        return isinstance(other, AsimovCurve) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    @property
    def _key(self) -> tuple[str, bytes, bytes]:
        return self.poi, self.values.tobytes(), self.root.tobytes()

    @property
    def end(self) -> float:
        """The largest value of the table."""
        return float(self.values[-1])

    def covers(self, values: ArrayLike) -> bool:
        """Whether all values are within the table."""
        wanted = np.asarray(values, dtype=float)
        return bool(((wanted >= 0) & (wanted <= self.end)).all())

    def root_at(self, values: ArrayLike) -> Array:
        """√q_{μ,A} at values (n,) → (n,), by a monotone cubic (Fritsch and Carlson,
        SIAM J. Numer. Anal. 17 (1980) 238). Nothing is extrapolated.

        Raises:
            InvalidInput: a value that the table does not reach, or a NaN.
        """
        from scipy.interpolate import PchipInterpolator  # readers of a file do without

        wanted = np.asarray(values, dtype=float)
        if not self.covers(wanted):
            raise InvalidInput(
                f"the Asimov curve of {self.poi!r} is known from 0 to {self.end:g}. "
                f"Received: {wanted.tolist()}"
            )
        return np.asarray(PchipInterpolator(self.values, self.root)(wanted))

    def to_json(self) -> dict[str, Any]:
        """A JSON object with the names of the arguments."""
        return {"poi": self.poi, "values": self.values.tolist(), "root": self.root.tolist()}

    @classmethod
    def from_json(cls, document: Any) -> AsimovCurve:
        """The inverse of `to_json`.

        Raises:
            InvalidInput: the object means nothing.
        """
        keys = ("poi", "values", "root")
        if not isinstance(document, dict) or not set(keys) <= set(document):
            raise InvalidInput(
                f"an Asimov curve is an object of {', '.join(keys)}. Received: {document!r:.80}"
            )
        return cls(*(document[key] for key in keys))


def curve_named(curves: Sequence[AsimovCurve], poi: str) -> AsimovCurve | None:
    """The curve of a parameter of interest; None without one."""
    return next((curve for curve in curves if curve.poi == poi), None)


def curves_to_json(curves: Sequence[AsimovCurve]) -> list[dict[str, Any]]:
    """A JSON list."""
    return [curve.to_json() for curve in curves]


def curves_from_json(document: Any, names: Sequence[str]) -> tuple[AsimovCurve, ...]:
    """The inverse of `curves_to_json`.

    Args:
        document: a JSON list.
        names: the parameters that there are.

    Raises:
        InvalidInput: no list, a curve that means nothing, of an unknown parameter, or two
            of the same.
    """
    if not isinstance(document, list):
        raise InvalidInput(f"Asimov curves are a list. Received: {document!r:.80}")
    curves = tuple(AsimovCurve.from_json(item) for item in document)
    pois = [curve.poi for curve in curves]
    if len(set(pois)) < len(pois) or not set(pois) <= set(names):
        raise InvalidInput(
            f"Asimov curves are of parameters of the likelihood, one each. Received: {pois}"
        )
    return curves


def _increasing(name: str, numbers: ArrayLike) -> Array:
    """Numbers from 0 upwards, read-only."""
    try:
        array = np.array(numbers, dtype=float)
    except (TypeError, ValueError) as error:
        raise InvalidInput(
            f"{name} of an Asimov curve are numbers. Received: {numbers!r:.80}"
        ) from error
    rises = array.ndim == 1 and array.size >= _FEWEST and np.isfinite(array).all()
    if not rises or array[0] != 0 or not (np.diff(array) > 0).all():
        raise InvalidInput(
            f"{name} of an Asimov curve are {_FEWEST} or more finite numbers that increase from 0. "
            f"Received: {array.tolist()!r:.80}"
        )
    array.flags.writeable = False
    return array
