"""A search over training settings in one folder, which a kill does not undo.

    FOLDER/trial_000/surrogate.h5, trial.json    FOLDER/search.json    FOLDER/best.h5

A trial is known by its settings, written in its ``trial.json``: its number says only when
it was first asked for. So another request, or the same again, finds what is done, and
goes on with what was interrupted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from dnnlik.documents import read_json, write_bytes, write_json
from dnnlik.exceptions import InvalidFile, NotConverged
from dnnlik.sampling import Samples
from dnnlik.steps import train_step
from dnnlik.surrogate.search import Score, score_of
from dnnlik.surrogate.settings import TrainingSettings
from dnnlik.typing import JSON, Progress, no_progress

__all__ = ["Trial", "search"]

SCHEMA = "dnnlik.search/1"


@dataclass(frozen=True)
class Trial:
    """One training: its folder, settings and score; ``failed`` says why there is none."""

    name: str
    settings: TrainingSettings
    score: Score | None
    failed: str | None = None

    @property
    def rank(self) -> tuple[float, str]:
        """Small is good: the rms error on the posterior."""
        found = None if self.score is None else self.score.rms_posterior
        return float("inf") if found is None else found, self.name

    def to_json(self) -> JSON:
        """A JSON object of everything."""
        score = {} if self.score is None else asdict(self.score)
        failed = {} if self.failed is None else {"failed": self.failed}
        return {"trial": self.name, **score, **failed, "settings": self.settings.to_json()}


def search(
    samples: Samples,
    trials: Sequence[TrainingSettings],
    folder: str | Path,
    *,
    workers: int = 1,
    progress: Progress = no_progress,
) -> tuple[Trial, ...]:
    """Train with each of some settings; the best of them becomes ``best.h5``.

    Args:
        samples: complete samples.
        trials: settings (see `dnnlik.surrogate.search.grid`); the same twice are one.
        folder: of all files. ``search.json`` is written after every trial.
        workers: members of one ensemble that are trained at the same time.
        progress: called with (text, done, total).

    Returns:
        The trials, best first: by the rms error of ln L on the posterior.

    Raises:
        InvalidFile: the folder has trials of other samples, or cannot be written.
        NotConverged: no training ended with a finite loss.
    """
    folder = Path(folder)
    places = _places(folder, samples.digest, list(dict.fromkeys(trials)))
    done: list[Trial] = []
    for settings, place in places.items():
        which = f"trial {len(done) + 1} of {len(places)}"
        told = partial(_told, progress, which)
        done.append(_tried(samples, settings, place, workers, told))
        done.sort(key=lambda trial: trial.rank)
        write_json(folder / "search.json", _document(samples, done, len(places)))
    best = done[0]
    if best.score is None:
        raise NotConverged(f"no trial has a surrogate. Received: {best.failed}")
    content = (folder / best.name / "surrogate.h5").read_bytes()
    write_bytes(folder / "best.h5", content)
    return tuple(done)


def _told(progress: Progress, which: str, text: str, done: int, total: int) -> None:
    progress(f"{which}: {text}", done, total)


def _places(
    folder: Path, digest: str, trials: list[TrainingSettings]
) -> dict[TrainingSettings, Path]:
    """A folder for each of the settings: the one it has, or a new one."""
    present = sorted(folder.glob("trial_*/trial.json"))
    known = [(read_json(file), file.parent) for file in present]
    if any(said.get("samples") != digest for said, _ in known):
        raise InvalidFile(
            "the folder has trials of other samples; give another output or remove it. "
            f"Received: {folder}"
        )
    used = [int(place.name.removeprefix("trial_")) for _, place in known]
    free, places = max(used, default=-1) + 1, {}
    for settings in trials:
        own = [place for said, place in known if said.get("settings") == settings.to_json()]
        places[settings] = own[0] if own else folder / f"trial_{free:03d}"
        if not own:
            free += 1
            said = {"samples": digest, "settings": settings.to_json()}
            write_json(places[settings] / "trial.json", said)
    return places


def _tried(
    samples: Samples, settings: TrainingSettings, place: Path, workers: int, progress: Progress
) -> Trial:
    try:
        file = place / "surrogate.h5"
        description = train_step(samples, settings, file, workers=workers, progress=progress)
    except NotConverged as error:  # the others may
        return Trial(place.name, settings, None, str(error))
    return Trial(place.name, settings, score_of(samples, description))


def _document(samples: Samples, done: list[Trial], asked: int) -> JSON:
    return {
        "schema": SCHEMA,
        "samples": samples.digest,
        "asked": asked,
        "best": None if done[0].score is None else done[0].name,
        "trials": [trial.to_json() for trial in done],
    }
