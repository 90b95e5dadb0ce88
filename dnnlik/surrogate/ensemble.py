"""Training a surrogate: its baseline, its members one by one or in a pool, its calibration."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from dnnlik.devices import device_of, on_device
from dnnlik.environment import software_versions
from dnnlik.exceptions import InvalidInput
from dnnlik.sampling.samples import Samples
from dnnlik.surrogate.baseline import quadratic_of
from dnnlik.surrogate.calibration import calibrate
from dnnlik.surrogate.ceiling import ceiling_of
from dnnlik.surrogate.data import drawn, split, training_data, validation_rows
from dnnlik.surrogate.description import Network, Quadratic, SurrogateDescription
from dnnlik.surrogate.domain import domain_of
from dnnlik.surrogate.likelihood import SurrogateLikelihood
from dnnlik.surrogate.settings import TrainingSettings
from dnnlik.surrogate.training import History, train_network
from dnnlik.typing import Progress, no_progress

__all__ = ["checkpoints", "train"]

Member = tuple[Network, History]


def train(
    samples: Samples,
    settings: TrainingSettings | None = None,
    *,
    checkpoint: str | Path | None = None,
    workers: int = 1,
    progress: Progress = no_progress,
) -> SurrogateDescription:
    """Train a surrogate on samples: one network, or the mean of ``settings.members``.

    Args:
        samples: complete samples (see `dnnlik.sampling`).
        settings: see `TrainingSettings`.
        checkpoint: a file to go on from after a kill; of several members each has its own
            beside it (`checkpoints`). Written after every epoch.
        workers: processes that train members at the same time, each on a GPU of its own as
            far as there are any. More than one needs samples that were opened from a file.
        progress: called with (text, done, total).

    Raises:
        NotConverged: a loss is not finite.
        InvalidInput: several workers without a file, or more than there is memory for.
        InvalidFile: the samples hold values that are not finite.
    """
    settings = settings or TrainingSettings()
    kind, quadratic = quadratic_of(samples, settings.baseline)
    files = checkpoints(checkpoint, settings)
    if workers > 1 and settings.members > 1:
        members = _in_a_pool(samples, quadratic, settings, files, workers, progress)
    else:
        members = list(_in_turn(samples, quadratic, settings, files, progress))
    description = SurrogateDescription(
        parameters=samples.parameters,
        adds_constraint=quadratic is not None,
        quadratic=quadratic,
        networks=tuple(network for network, _ in members),
        domain=domain_of(samples),
        ceiling=ceiling_of(samples, quadratic),
        settings=settings.to_json(),
        provenance=_provenance(samples) | {"baseline": kind},
        asimov=samples.asimov,
        history=tuple(
            {"member": k, **record} for k, (_, history) in enumerate(members) for record in history
        ),
    )
    return _calibrated(description, samples) if settings.members > 1 else description


def checkpoints(path: str | Path | None, settings: TrainingSettings) -> list[Path | None]:
    """The restart file of each member: the path itself, or numbered ones beside it."""
    if path is None:
        return [None] * settings.members
    path = Path(path)
    if settings.members == 1:
        return [path]
    return [path.with_suffix(f".{k:02d}{path.suffix}") for k in range(settings.members)]


def _in_turn(
    samples: Samples,
    quadratic: Quadratic | None,
    settings: TrainingSettings,
    files: list[Path | None],
    progress: Progress,
) -> Iterator[Member]:
    for k, file in enumerate(files):
        told = partial(_told, progress, k, len(files))
        yield _member(samples, quadratic, settings, k, file, told)


def _told(progress: Progress, member: int, members: int, text: str, done: int, total: int) -> None:
    which = f" {member + 1} of {members}" if members > 1 else ""
    progress(text.replace("training", f"training{which}", 1), done, total)


def _member(
    samples: Samples,
    quadratic: Quadratic | None,
    settings: TrainingSettings,
    member: int,
    file: Path | None,
    progress: Progress = no_progress,
) -> Member:
    """One network: the seed and the draw of its number, all points if it is alone."""
    own = replace(settings, seed=_seed(settings.seed, member))
    rows = drawn(samples, settings.draw, own.seed) if settings.members > 1 else None
    data = training_data(samples, quadratic, own, rows=rows)
    identity = {"samples": samples.digest, "settings": own.to_json(), "member": member}
    return train_network(data, own, identity=identity, checkpoint=file, progress=progress)


def _seed(seed: int, member: int) -> int:
    """That of one member: of no other run, unless it is the first one."""
    return int(np.random.default_rng([seed, member]).integers(2**31)) if member else seed


def _in_a_pool(
    samples: Samples,
    quadratic: Quadratic | None,
    settings: TrainingSettings,
    files: list[Path | None],
    workers: int,
    progress: Progress,
) -> list[Member]:
    if samples.path is None:
        raise InvalidInput(
            "several workers read the sample file each. Received: samples that are no file"
        )
    found: dict[int, Member] = {}
    # TensorFlow does not survive a fork.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        jobs = {
            pool.submit(_worker, samples.path, quadratic, settings, k, file): k
            for k, file in enumerate(files)
        }
        progress(f"training {len(files)} networks", 0, len(files))
        try:
            for job in as_completed(jobs):
                found[jobs[job]] = job.result()
                progress(f"training {len(files)} networks", len(found), len(files))
        except BrokenProcessPool as error:
            raise InvalidInput(
                "a process of the training was killed, most often because memory was short; with "
                f"fewer workers it goes on where it was. Received: {workers} workers"
            ) from error
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [found[k] for k in range(len(files))]


def _worker(
    path: Path,
    quadratic: Quadratic | None,
    settings: TrainingSettings,
    member: int,
    file: Path | None,
) -> Member:
    with on_device(device_of(member)):
        return _member(Samples.open(path), quadratic, settings, member, file)


def _calibrated(description: SurrogateDescription, samples: Samples) -> SurrogateDescription:
    """With the factor that makes the spread an uncertainty, measured on `validation_rows`
    (on which the epoch of each member was chosen too: the report judges it on test points)."""
    rows = validation_rows(samples)
    surrogate = SurrogateLikelihood(description)
    errors = surrogate.log_likelihood(rows.points) - rows.log_likelihood
    # A constant offset is no error that a fit or a posterior could see.
    found = calibrate(errors - errors.mean(), surrogate.uncertainty(rows.points))
    kind = "posterior" if rows.unbiased.all() else "all"
    stated = {**asdict(found), "validation_points": kind}
    provenance = {**description.provenance, "calibration": stated}
    return replace(description, uncertainty_factor=found.factor, provenance=provenance)


def _provenance(samples: Samples) -> dict[str, Any]:
    parts = split(samples)
    return {
        "samples": {
            **samples.provenance,
            "digest": samples.digest,
            "diagnostics": samples.diagnostics,
        },
        "points": {
            "training": int(parts.train.sum()),
            "validation": int(parts.validation.sum()),
        },
        "software": software_versions(),
    }
