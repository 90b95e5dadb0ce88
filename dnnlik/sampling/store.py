"""Samples in one HDF5 file that survives a killed run.

All datasets are allocated in full when the file is created, so that later only
raw numbers are written and the file's structure cannot be left half changed. What
a run needs to go on from where it was is beside it, in ``FILE.state.npz``, replaced
atomically after the rows are on disk, and removed at the end.

The layout is that of `dnnlik.sampling.samples`.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from dnnlik.asimov import AsimovCurve, curves_to_json
from dnnlik.documents import reason_of
from dnnlik.exceptions import InvalidFile, InvalidInput
from dnnlik.restart import RestartState
from dnnlik.sampling.samples import (
    COLUMNS,
    SCHEMA,
    STRATEGIES,
    Maximum,
    header_of,
    opened,
)
from dnnlik.typing import JSON, DifferentiableLogDensity, Generative, LogDensity, Points

__all__ = ["SampleStore"]

_DIAGNOSTICS_BYTES = 65536
_ASIMOV_BYTES = 4096  # of each parameter of interest
_NUMBERS_AT_ONCE = 10_000_000  # 80 MB
_FEWEST_WALKERS = 16


class SampleStore:
    """A sample file while it is being filled.

    `open` creates it or, where one of the same request was left unfinished,
    continues it; `write` stores rows, `save_state` what a restart needs.
    ``provenance["request"]`` is what makes two requests the same.
    """

    def __init__(self, path: Path, density: LogDensity, rows: int, gradients: bool) -> None:
        self.path, self.density, self.rows = path, density, rows
        self.gradients = gradients and isinstance(density, DifferentiableLogDensity)
        self.asimov = isinstance(density, Generative)
        self._state = RestartState(path.with_name(path.name + ".state.npz"))
        self.chains_done: list[JSON] = []

    @classmethod
    def open(
        cls,
        path: str | Path,
        density: LogDensity,
        rows: int,
        provenance: JSON,
        *,
        gradients: bool = True,
    ) -> SampleStore:
        """Create the file, or continue one that the same request left unfinished.

        With ``gradients`` those of ``log_main`` are kept, if the density has them.

        Raises:
            InvalidFile: the file exists and was made by another request.
        """
        store = cls(Path(path), density, rows, gradients)
        if store.path.exists():
            store._check_same(provenance)
            store.chains_done = json.loads(str(store.load_state().get("chains_done", "[]")))
        else:
            store._create(provenance)
        return store

    def _check_same(self, provenance: JSON) -> None:
        with opened(self.path) as file:
            header = header_of(file, self.path)
        # Other software versions may continue a file; another request may not.
        stated = header["provenance"].get("request") or {}
        wanted = json.loads(json.dumps(provenance["request"]))
        other = [name for name, value in wanted.items() if stated.get(name) != value]
        if other:
            raise InvalidFile(
                f"the file holds samples of another request ({', '.join(other)}); give another "
                f"output or remove it. Received: {self.path}"
            )

    def _create(self, provenance: JSON) -> None:
        temporary = self.path.with_name(self.path.name + ".new")
        try:
            self._state.remove()
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with _writable(temporary, new=True) as file:
                self._allocate(file, provenance)
            os.replace(temporary, self.path)
        except (OSError, ValueError, RuntimeError) as error:
            # Where HDF5 cannot allocate or close, h5py raises the latter two.
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise InvalidFile(
                f"cannot create the sample file ({reason_of(error)}). Received: {self.path}"
            ) from error

    def _allocate(self, file: h5py.File, provenance: JSON) -> None:
        width = len(self.density.parameters)
        file.attrs["schema"] = SCHEMA
        file.attrs["parameters"] = json.dumps(self.density.parameters.to_json())
        file.attrs["strategies"] = json.dumps(STRATEGIES)
        file.attrs["provenance"] = json.dumps(provenance)
        shapes: dict[str, tuple[tuple[int, ...], str]] = {"points": ((self.rows, width), "f8")}
        shapes |= {name: ((self.rows,), kind) for name, kind in COLUMNS.items()}
        if self.gradients:
            shapes["gradient"] = ((self.rows, width), "f8")
        shapes |= {
            "maximum_point": ((width,), "f8"),
            "maximum_value": ((1,), "f8"),
            "maximum_gradient": ((width,), "f8"),
            "maximum_hessian": ((width, width), "f8"),
        }
        shapes |= {"rows_written": ((1,), "i8"), "diagnostics": ((_DIAGNOSTICS_BYTES,), "u1")}
        if self.asimov:
            pois = len(self.density.parameters.poi_names)
            shapes["asimov"] = ((_ASIMOV_BYTES * pois,), "u1")
        for name, (shape, kind) in shapes.items():
            plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
            plan.set_layout(h5py.h5d.CONTIGUOUS)
            plan.set_obj_track_times(False)  # the same seed gives the same bytes
            plan.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
            # Writing zeros now means that a full disk is found now.
            plan.set_fill_time(h5py.h5d.FILL_TIME_ALLOC)
            space = h5py.h5s.create_simple(shape)
            h5py.h5d.create(file.id, name.encode(), h5py.h5t.py_create(np.dtype(kind)), space, plan)

    @property
    def complete(self) -> bool:
        """Whether every row is there."""
        with opened(self.path) as file:
            return int(file["rows_written"][0]) == self.rows

    def write(
        self,
        first: int,
        block: NDArray[np.float64],
        *,
        strategy: str,
        chain: int,
        steps: range,
        terms: Mapping[str, NDArray[np.float64]] | None = None,
    ) -> None:
        """Write consecutive stored steps of all walkers, and their log terms.

        ``block`` (steps, walkers, d) goes to the rows from ``first`` on, step by step;
        ``steps`` are the numbers of the stored steps in their chain. ``terms`` are
        ``log_main``, ``log_constraint`` and ``gradient`` of ``log_main`` at the same rows
        where they are known; else they are evaluated.
        """
        walkers, points = block.shape[1], block.reshape(-1, block.shape[2])
        count = len(points)
        columns: dict[str, NDArray[Any]] = {
            "points": points,
            **(self._log_terms(points) if terms is None else terms),
            "log_prior": self.density.log_prior(points),
            "strategy": np.full(count, STRATEGIES.index(strategy)),
            "chain": np.full(count, chain),
            "walker": np.arange(count) % walkers,
            "step": np.repeat(np.asarray(steps), walkers),
        }
        if not self.gradients:
            columns.pop("gradient", None)
        self._put(first, columns)

    def write_rows(self, first: int, columns: Mapping[str, NDArray[Any]]) -> None:
        """Write rows as they are: every column of the file, from row ``first`` on."""
        self._put(first, columns)

    def _log_terms(self, points: Points) -> dict[str, NDArray[Any]]:
        constraint = self.density.log_constraint(points)
        if not (self.gradients and isinstance(self.density, DifferentiableLogDensity)):
            return {"log_main": self.density.log_main(points), "log_constraint": constraint}
        value, slope = self.density.value_and_gradient(points)
        return {
            "log_main": value - constraint,
            "log_constraint": constraint,
            "gradient": slope - self.density.parameters.log_constraint_gradient(points),
        }

    def _put(self, first: int, columns: Mapping[str, NDArray[Any]]) -> None:
        try:
            with _writable(self.path) as file:
                for name, column in columns.items():
                    file[name][first : first + len(column)] = column
                file.flush()
                os.fsync(file.id.get_vfd_handle())
        except (OSError, RuntimeError) as error:
            raise InvalidFile(
                f"cannot write the sample file ({reason_of(error)}). Received: {self.path}"
            ) from error

    def read(self, name: str, first: int, last: int) -> NDArray[Any]:
        """Rows ``first:last`` of one dataset."""
        with opened(self.path) as file:
            return np.asarray(file[name][first:last])

    def chain(self, first: int, steps: int, walkers: int) -> NDArray[np.float64]:
        """The points of a chain, (steps, walkers, d), rows from ``first`` on.

        At most about 10⁷ numbers: of a longer chain an even choice of its walkers, at
        least 16 of them, with all their steps.
        """
        width = len(self.density.parameters)
        every = max(1, math.ceil(steps * walkers * width / _NUMBERS_AT_ONCE))
        every = min(every, max(1, walkers // _FEWEST_WALKERS))
        block = max(1, _NUMBERS_AT_ONCE // 4 // (walkers * width))
        chosen = np.empty((steps, len(range(0, walkers, every)), width))
        with opened(self.path) as file:
            for step in range(0, steps, block):
                last = min(step + block, steps)
                rows = file["points"][first + step * walkers : first + last * walkers]
                chosen[step:last] = rows.reshape(-1, walkers, width)[:, ::every]
        return chosen

    def save_state(self, state: Mapping[str, Any]) -> None:
        """Replace the restart state; values are numbers, texts or arrays."""
        self._state.save({"chains_done": json.dumps(self.chains_done), **state})

    def load_state(self) -> dict[str, NDArray[Any]]:
        """The restart state; empty where there is none or it cannot be read."""
        return self._state.load()

    def write_maximum(self, maximum: Maximum) -> None:
        """Store the expansion at the maximum."""
        columns = {
            "maximum_point": maximum.point,
            "maximum_value": np.array([maximum.value]),
            "maximum_gradient": maximum.gradient,
            "maximum_hessian": maximum.hessian,
        }
        self._put(0, columns)

    def write_asimov(self, curves: Sequence[AsimovCurve]) -> None:
        """Store tables for upper limits; files that were begun without room have none."""
        with opened(self.path) as file:
            room = file["asimov"].size if "asimov" in file else 0
        if room:
            self._put(0, {"asimov": _padded("Asimov curves", curves_to_json(curves), room)})

    def chain_done(self, diagnostics: JSON) -> None:
        """Note that a chain is complete, and what is to be said of it."""
        self.chains_done.append(diagnostics)
        self.save_state({})

    def finish(self, diagnostics: JSON) -> None:
        """Mark the file complete and remove the restart state."""
        self._put(0, {"diagnostics": _padded("diagnostics", diagnostics, _DIAGNOSTICS_BYTES)})
        self._put(0, {"rows_written": np.array([self.rows])})
        self._state.remove()


def _padded(what: str, document: Any, room: int) -> NDArray[np.uint8]:
    """JSON and blanks, as bytes."""
    text = json.dumps(document).encode()
    if len(text) > room:
        raise InvalidInput(f"{what} exceed their room. Received: {len(text)} bytes")
    return np.frombuffer(text.ljust(room), dtype="u1")


def _writable(path: Path, *, new: bool = False) -> h5py.File:
    """A file in which every write is made, or fails, at once.

    HDF5 would gather small writes until a dataset is closed, where h5py cannot raise.
    """
    access = h5py.h5p.create(h5py.h5p.FILE_ACCESS)
    access.set_sieve_buf_size(0)
    name = os.fsencode(path)
    if new:
        return h5py.File(h5py.h5f.create(name, h5py.h5f.ACC_TRUNC, fapl=access))
    return h5py.File(h5py.h5f.open(name, h5py.h5f.ACC_RDWR, fapl=access))
