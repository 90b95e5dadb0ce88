"""The whole chain in one folder: sample → train → validate → export.

Each step is a function from files to files that does nothing when its output is there
and was made from the same input with the same settings; a step that was killed goes on
where it was. `run` is all of them; `learn` samples and trains within a number of calls.

    FOLDER/samples.h5        FOLDER/surrogate.h5      FOLDER/validation/validation.json
    FOLDER/bundle/           FOLDER/run.json (seconds of each step)
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from dnnlik.bundle.publication import Publication
from dnnlik.documents import plain, read_json, write_json
from dnnlik.exceptions import BelowThreshold, InvalidFile, InvalidInput
from dnnlik.likelihoods.base import Likelihood
from dnnlik.refinement import (
    Accuracy,
    RefinementSettings,
    accuracy,
    refine,
    small_data_settings,
)
from dnnlik.sampling import Progress, Samples, no_progress, sample
from dnnlik.sampling.plan import mix_of
from dnnlik.steps import export_step, train_step, validate_step, verification_points
from dnnlik.surrogate.description import SurrogateDescription
from dnnlik.surrogate.likelihood import SurrogateLikelihood
from dnnlik.surrogate.settings import TrainingSettings
from dnnlik.typing import JSON
from dnnlik.validation.request import Request
from dnnlik.validation.thresholds import Thresholds

__all__ = ["LearnedResult", "RunResult", "learn", "run"]


@dataclass(frozen=True)
class RunResult:
    """What `run` made: the bundle, the JSON of its validation, seconds of each step.

    Below threshold there is no bundle, and ``refused`` is the error that says why.
    """

    bundle: Path | None
    validation: JSON
    seconds: dict[str, float]
    parameters: int
    points: int
    refused: BelowThreshold | None = None


def run(
    likelihood: Likelihood,
    folder: str | Path,
    *,
    points: int = 100_000,
    strategy: str | Mapping[str, float] = "wide",
    sampler: str = "emcee",
    thin: int = 1,
    seed: int = 0,
    settings: TrainingSettings | None = None,
    workers: int = 1,
    request: Request | None = None,
    thresholds: Thresholds | None = None,
    publication: Publication | None = None,
    accept_below_threshold: bool = False,
    progress: Progress = no_progress,
) -> RunResult:
    """Sample, train, validate and export into a folder; what is done is not done again.

    ``request`` is what the validation does beyond its fixed part. A surrogate that misses its
    thresholds is not published: see `RunResult.refused`.

    Raises:
        InvalidInput, NotConverged: see `sample` and `train`.
        InvalidParameters: an unknown parameter to scan.
    """
    folder, request = Path(folder), request or Request(seed=seed)
    _check(likelihood, strategy, request)
    settings = settings or TrainingSettings(seed=seed)
    publication = publication or Publication(title=f"Surrogate likelihood {folder.name}")
    clock = _Clock(folder)
    with clock("sample"):
        wanted: JSON = {"strategy": strategy, "sampler": sampler, "points": points, "thin": thin}
        samples = sample(likelihood, folder / "samples.h5", **wanted, seed=seed, progress=progress)
    with clock("train"):
        file = folder / "surrogate.h5"
        description = train_step(samples, settings, file, workers=workers, progress=progress)
    with clock("validate"):
        title = f"Validation: {publication.title}"
        validation = _validated(likelihood, samples, folder, request, thresholds, title, progress)
    with clock("export"):
        refused = _exported(
            description, validation, samples, folder, publication, accept_below_threshold, progress
        )
    bundle = folder / "bundle" if refused is None else None
    size = len(likelihood.parameters)
    return RunResult(bundle, validation, clock.seconds, size, len(samples), refused)


def _validated(
    likelihood: Likelihood,
    samples: Samples,
    folder: Path,
    request: Request,
    thresholds: Thresholds | None,
    title: str,
    progress: Progress,
) -> JSON:
    return validate_step(
        likelihood,
        samples,
        folder / "surrogate.h5",
        folder / "validation",
        request=request,
        thresholds=thresholds,
        title=title,
        progress=progress,
    )


def _exported(
    description: SurrogateDescription,
    validation: JSON,
    samples: Samples,
    folder: Path,
    publication: Publication,
    accept_below_threshold: bool,
    progress: Progress,
) -> BelowThreshold | None:
    """Make the bundle, or say why there is none."""
    try:
        export_step(
            description,
            validation,
            folder / "bundle",
            points=verification_points(samples),
            publication=publication,
            figures=folder / "validation",
            accept_below_threshold=accept_below_threshold,
            progress=progress,
        )
    except BelowThreshold as error:
        return error
    return None


def _check(likelihood: Likelihood, strategy: str | Mapping[str, float], request: Request) -> None:
    """What would otherwise fail after hours of sampling."""
    if "unbiased" not in mix_of(strategy):
        raise InvalidInput(
            "a surrogate is validated on the posterior: the strategy must be 'wide', 'mixed', "
            f"'unbiased' or a mix with a share of 'unbiased'. Received: {strategy!r}"
        )
    for name in request.scan_parameters:
        likelihood.parameters.index(name)


@dataclass(frozen=True)
class LearnedResult:
    """What `learn` made: the accuracy of the surrogate, seconds of each step."""

    accuracy: Accuracy
    seconds: dict[str, float]
    parameters: int
    points: int


def learn(
    likelihood: Likelihood,
    folder: str | Path,
    *,
    calls: int = 20_000,
    seed: int = 0,
    settings: TrainingSettings | None = None,
    refinement: RefinementSettings | None = None,
    workers: int = 1,
    progress: Progress = no_progress,
) -> LearnedResult:
    """Learn a slow likelihood into a folder from a limited number of calls.

    Leaves ``samples.h5``, ``surrogate.h5`` and ``accuracy.json``: errors on held-out draws of
    the exact posterior, and of t. ``settings`` are those of all networks, of the rounds and
    of the surrogate: an ensemble unless they say otherwise. The rows are those that
    `validate_step` and `export_step` take; that validation fits the exact likelihood, beyond
    the budget.

    Raises:
        InvalidInput, NotConverged, BudgetExhausted: see `dnnlik.refinement.refine`.
    """
    folder = Path(folder)
    settings = settings or small_data_settings(calls, seed=seed)
    clock = _Clock(folder)
    with clock("sample"):
        samples = refine(
            likelihood,
            folder / "samples.h5",
            calls=calls,
            seed=seed,
            settings=refinement,
            training=settings,
            progress=progress,
        )
    with clock("train"):
        description = train_step(
            samples, settings, folder / "surrogate.h5", workers=workers, progress=progress
        )
    found = accuracy(samples, SurrogateLikelihood(description))
    write_json(folder / "accuracy.json", plain(found.to_json()))
    return LearnedResult(found, clock.seconds, len(samples.parameters), len(samples))


class _Clock:
    """Seconds of each step, kept in a file: of the run that made the step's output (its
    last part, if it was killed on the way), not of runs that found it made."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.seconds: dict[str, float] = {}
        with suppress(InvalidFile):
            self.seconds = read_json(folder / "run.json").get("seconds", {})

    @contextmanager
    def __call__(self, step: str) -> Iterator[None]:
        output = self._folder / _OUTPUTS[step]
        before, started = _made(output), time.monotonic()
        yield
        if _made(output) != before:
            self.seconds[step] = round(time.monotonic() - started, 2)
            with suppress(InvalidFile):  # the time of a step is never a reason to lose it
                write_json(self._folder / "run.json", {"seconds": self.seconds})


_OUTPUTS = {
    "sample": "samples.h5",
    "train": "surrogate.h5",
    "validate": "validation/validation.json",
    "export": "bundle/SHA256SUMS",
}


def _made(path: Path) -> int | None:
    """When a file was last written."""
    return path.stat().st_mtime_ns if path.exists() else None
