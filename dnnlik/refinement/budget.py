"""A likelihood whose calls are counted, limited, and kept on disk.

A *call* is the likelihood at one point, with its gradient where it has one. What was asked
before is answered from what is kept, and costs nothing: so a run that was killed goes on by
asking the same again.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dnnlik.documents import reason_of, write_bytes
from dnnlik.exceptions import BudgetExhausted, InvalidFile
from dnnlik.likelihoods.base import Likelihood
from dnnlik.typing import JSON, DifferentiableLogDensity, Gradients, Points, Values

__all__ = ["CallLog", "CountedLikelihood"]

Array = NDArray[np.float64]

_SECONDS = 0.5  # of evaluation between two writes
_LARGEST_BLOCK = 1024


class CallLog:
    """Records of equal length in a file that only grows.

    A line of JSON says what they belong to; then each is ``width`` float64. A record that a
    kill cut off is dropped.

    Raises:
        InvalidFile: the file belongs to something else, or cannot be written.
    """

    def __init__(self, path: Path, width: int, identity: JSON) -> None:
        self.path, self.width = path, width
        self._head = json.dumps(identity, sort_keys=True).encode() + b"\n"
        if not path.exists():
            self._replace(self._head)

    def read(self) -> Array:
        """All whole records, (n, width)."""
        content = self.path.read_bytes()
        if not content.startswith(self._head):
            raise InvalidFile(
                "the calls that are kept here are of another request; give another output or "
                f"remove them. Received: {self.path}"
            )
        body = content[len(self._head) :]
        whole = len(body) // (8 * self.width) * 8 * self.width
        if whole < len(body):
            self._replace(content[: len(self._head) + whole])
        return np.frombuffer(body[:whole]).reshape(-1, self.width).copy()

    def append(self, records: Array) -> None:
        """Add records (n, width); they are on disk when it returns."""
        try:
            with open(self.path, "ab") as file:
                file.write(np.ascontiguousarray(records).tobytes())
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise InvalidFile(
                f"cannot write the calls ({reason_of(error)}). Received: {self.path}"
            ) from error

    def _replace(self, content: bytes) -> None:
        write_bytes(self.path, content, what="the calls")


class CountedLikelihood(Likelihood):
    """A likelihood that may be called ``calls`` times.

    Args:
        likelihood: the exact one.
        calls: the budget, in points.
        path: where the calls are kept.
        progress: called with the number of calls after each block.

    ``round`` is noted with each call, and ``use`` counts them by round.

    Raises:
        BudgetExhausted: by whatever would need more calls than are left; none is made.
    """

    def __init__(
        self,
        likelihood: Likelihood,
        calls: int,
        path: Path,
        *,
        identity: JSON | None = None,
        progress: Callable[[int], None] = lambda made: None,
    ) -> None:
        self.parameters, self.digest, self.calls = likelihood.parameters, likelihood.digest, calls
        self._exact, self._progress = likelihood, progress
        self.round = 0
        self.differentiable = isinstance(likelihood, DifferentiableLogDensity)
        if self.differentiable:
            self.value_and_gradient = self._value_and_gradient
        d = len(self.parameters)
        self._log = CallLog(path, 2 + d * (2 if self.differentiable else 1), identity or {})
        self.records = self._log.read()
        """Round, ``log_main``, point (d,) and gradient of ``log_main`` (d,): (n, ...)."""
        self._known = {_key(row): i for i, row in enumerate(self.records[:, 2 : 2 + d])}
        self._block, self.seconds = 16, 0.0

    @property
    def made(self) -> int:
        """Calls until now."""
        return len(self.records)

    @property
    def left(self) -> int:
        """Calls that are still allowed."""
        return self.calls - self.made

    def evaluate(self, points: ArrayLike) -> Array:
        """The records of points (n, d), in their order, from the file or by new calls."""
        array = self.parameters.points(points)
        new: dict[bytes, int] = {}
        for i, row in enumerate(array):
            if (key := _key(row)) not in self._known:
                new.setdefault(key, i)
        if len(new) > self.left:
            raise BudgetExhausted(
                f"{len(new)} more calls of the likelihood are needed; allow more. "
                f"Received: {self.left} left of {self.calls}"
            )
        rows = np.fromiter(new.values(), dtype=np.intp, count=len(new))
        while rows.size:
            some, rows = rows[: self._block], rows[self._block :]
            self._call(array[some])
        return self.records[self.rows_of(array)]

    def rows_of(self, points: Points) -> NDArray[np.intp]:
        """Where in ``records`` points (n, d) are that were called before."""
        return np.array([self._known[_key(row)] for row in points], dtype=np.intp)

    def _call(self, points: Points) -> None:
        begin = time.perf_counter()
        record = np.column_stack([np.full(len(points), float(self.round)), *self._terms(points)])
        passed = time.perf_counter() - begin
        self.seconds += passed
        if passed < _SECONDS and len(points) == self._block:
            self._block = min(2 * self._block, _LARGEST_BLOCK)
        self._log.append(record)
        first = len(self.records)
        self._known |= {_key(row): first + i for i, row in enumerate(points)}
        self.records = np.concatenate([self.records, record])
        self._progress(self.made)

    def _terms(self, points: Points) -> list[Array]:
        """``log_main`` (n,), the points, and the gradient of ``log_main`` (n, d)."""
        if not isinstance(self._exact, DifferentiableLogDensity):
            return [self._exact.log_main(points), points]
        value, slope = self._exact.value_and_gradient(points)
        p = self.parameters
        main = value - p.log_constraint(points)
        return [main, points, slope - p.log_constraint_gradient(points)]

    def _main(self, points: Points) -> Values:
        return np.array(self.evaluate(points)[:, 1])

    def _value_and_gradient(self, points: ArrayLike) -> tuple[Values, Gradients]:
        found, p = self.evaluate(points), self.parameters
        at = p.points(points)
        slope = found[:, 2 + len(p) :] + p.log_constraint_gradient(at)
        return found[:, 1] + p.log_constraint(at), slope


def _key(point: NDArray[np.float64]) -> bytes:
    return (point + 0.0).tobytes()  # -0 is 0
