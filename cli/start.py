"""What commands start with: TensorFlow without its messages, and the likelihood."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Source", "opened_likelihood", "start_tensorflow"]


@dataclass(frozen=True)
class Source:
    """What the command line says of a likelihood: its file, and what of the file."""

    path: Path
    patchset: Path | None = None
    patch: str | None = None
    measurement: str | None = None

    @property
    def file_alone(self) -> bool:
        """Whether nothing of a workspace was chosen."""
        return not (self.patchset or self.patch or self.measurement)

    @property
    def name(self) -> str:
        """A name for a title: that of the patch, or of the file, or of the folder where the
        file's own says nothing."""
        generic = self.path.stem in ("workspace", "likelihood")
        return self.patch or (self.path.resolve().parent.name if generic else self.path.stem)


@contextmanager
def _silenced_stderr() -> Iterator[None]:
    """Drop what compiled code writes to the terminal; Python's own errors still show."""
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(nowhere)
        os.close(kept)


def start_tensorflow() -> None:
    """Import TensorFlow and compile something, without its messages.

    It writes to the terminal when it is imported, when the first operation runs and
    when XLA compiles for the first time, whatever its log level is set to.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # It counts until GPUs are first used, which is here.
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    with _silenced_stderr():
        import tensorflow as tf

        tf.function(lambda x: x + 1.0, jit_compile=True, autograph=False)(tf.constant(0.0))


def opened_likelihood(source: Source) -> Any:
    """Open the likelihood that the arguments name; a combination without TensorFlow if it can."""
    from dnnlik.combination import is_combination

    if is_combination(source.path):
        return _opened_combination(source)
    start_tensorflow()
    from dnnlik.likelihoods import open_likelihood

    # What a user's file prints is not a result.
    with redirect_stdout(sys.stderr):
        return open_likelihood(
            source.path,
            patchset=source.patchset,
            patch=source.patch,
            measurement=source.measurement,
        )


def _opened_combination(source: Source) -> Any:
    from dnnlik.combination import open_combination
    from dnnlik.combination.document import is_published
    from dnnlik.exceptions import InvalidInput

    if not source.file_alone:
        raise InvalidInput(
            f"patches and measurements belong to workspaces. Received: {source.path}"
        )
    if not is_published(source.path):
        start_tensorflow()
    with redirect_stdout(sys.stderr):
        return open_combination(source.path)
