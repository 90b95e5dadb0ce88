"""Where TensorFlow computes: one device for everything below, memory taken as it is needed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from dnnlik.exceptions import InvalidInput

__all__ = ["device_of", "devices", "on_device"]


def devices() -> list[str]:
    """What TensorFlow can compute on, such as ``"CPU:0"`` and ``"GPU:0"``."""
    import tensorflow as tf

    names = (device.name for device in tf.config.list_logical_devices())
    return [name.removeprefix("/device:") for name in names]


@contextmanager
def on_device(name: str | None = None) -> Iterator[None]:
    """Compute on a device such as ``"GPU:0"`` or ``"CPU:0"``; without a name TensorFlow
    chooses, which is the first GPU if there is one.

    Memory of GPUs is taken as it is needed, not all at once, so that others can share them.

    Raises:
        InvalidInput: there is no such device.
    """
    import tensorflow as tf

    for gpu in tf.config.list_physical_devices("GPU"):
        _grow(tf, gpu)
    known = devices()
    if name is not None and name not in known:
        raise InvalidInput(
            f"there is no such device; there are {', '.join(known)}. Received: {name!r}"
        )
    with nullcontext() if name is None else tf.device(name):
        yield


def device_of(job: int) -> str | None:
    """The GPU of one of many jobs, shared out in turn; None where TensorFlow may choose,
    because there is at most one."""
    import tensorflow as tf

    gpus = len(tf.config.list_physical_devices("GPU"))
    return f"GPU:{job % gpus}" if gpus > 1 else None


def _grow(tf: Any, gpu: Any) -> None:
    try:
        tf.config.experimental.set_memory_growth(gpu, True)
    except RuntimeError:
        # In use already, by a program that has chosen for itself.
        return
