"""A sample file of rows that are known already: chosen from others, or called for before."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from dnnlik.documents import reason_of
from dnnlik.exceptions import InvalidFile
from dnnlik.sampling.samples import COLUMNS, Samples
from dnnlik.sampling.store import SampleStore

__all__ = ["write_samples"]


def write_samples(samples: Samples, path: str | Path) -> None:
    """Write rows as a sample file, which appears whole; one of the same request is left alone.

    Args:
        samples: all columns, maximum, provenance and diagnostics; ``gradient`` may be None.
        path: the file, for `Samples.open`.

    Raises:
        InvalidFile: the file is of another request, or cannot be written.
    """
    path = Path(path)
    if path.exists():
        # Refuses a file of another request, and changes nothing.
        SampleStore.open(path, cast(Any, samples), len(samples), samples.provenance)
        return
    temporary = path.with_name(path.name + ".part")
    try:
        temporary.unlink(missing_ok=True)
        store = _Copy.open(temporary, cast(Any, samples), len(samples), samples.provenance)
        store.write_maximum(samples.maximum)
        names = ["points", *COLUMNS, *(["gradient"] if store.gradients else [])]
        store.write_rows(0, {name: getattr(samples, name) for name in names})
        store.write_asimov(samples.asimov)
        store.finish(samples.diagnostics)
        temporary.replace(path)
    except OSError as error:
        raise InvalidFile(
            f"cannot write the sample file ({reason_of(error)}). Received: {path}"
        ) from error


class _Copy(SampleStore):
    """A store of rows that are known: nothing is evaluated."""

    def __init__(self, path: Path, density: Any, rows: int, gradients: bool) -> None:
        super().__init__(path, density, rows, gradients)
        self.gradients = density.gradient is not None
        self.asimov = bool(density.asimov)
