"""The steps of the chain that make files from files.

Each does nothing when its output is there and was made from the same input with the
same settings, and makes a damaged one again.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dnnlik.bundle.checksums import sha256_of, verify_checksums
from dnnlik.bundle.publication import Publication
from dnnlik.bundle.writer import is_of, write_bundle
from dnnlik.documents import read_json, write_bytes, write_text
from dnnlik.exceptions import InvalidFile, InvalidInput
from dnnlik.likelihoods.base import Likelihood
from dnnlik.sampling import Progress, Samples, no_progress
from dnnlik.surrogate.data import split
from dnnlik.surrogate.description import SurrogateDescription
from dnnlik.surrogate.ensemble import checkpoints, train
from dnnlik.surrogate.file import load_surrogate, save_surrogate
from dnnlik.surrogate.likelihood import SurrogateLikelihood
from dnnlik.surrogate.settings import TrainingSettings
from dnnlik.typing import JSON
from dnnlik.validation.document import read_validation
from dnnlik.validation.page import page
from dnnlik.validation.report import REVISION, Validation
from dnnlik.validation.request import Request
from dnnlik.validation.thresholds import Thresholds
from dnnlik.validation.validate import validate

__all__ = ["export_step", "train_step", "validate_step", "verification_points"]

_VERIFY_POINTS = 64


def verification_points(samples: Samples) -> NDArray[np.float64]:
    """Points to verify a published file at: held-out ones of every kind, and the same
    carried to twice their distance from the maximum, cut at the bounds."""
    held_out = samples.points[split(samples).test]
    chosen = held_out[:: max(1, len(held_out) // _VERIFY_POINTS)]
    far = samples.maximum.point + 2 * (chosen - samples.maximum.point)
    return np.concatenate(
        [chosen, np.clip(far, samples.parameters.lower, samples.parameters.upper)]
    )


def train_step(
    samples: Samples,
    settings: TrainingSettings,
    output: str | Path,
    *,
    workers: int = 1,
    progress: Progress = no_progress,
) -> SurrogateDescription:
    """Train into a file, or read the file if it is that of the same training."""
    output = Path(output)
    checkpoint = output.with_name(output.name + ".checkpoint.npz")
    with suppress(InvalidFile):  # missing or damaged: made again
        present = load_surrogate(output)
        if _made_from(present) == samples.digest and present.settings == settings.to_json():
            return present
    description = train(
        samples, settings, checkpoint=checkpoint, workers=workers, progress=progress
    )
    save_surrogate(description, output)
    for file in checkpoints(checkpoint, settings):
        if file is not None:
            file.unlink(missing_ok=True)
    return description


def validate_step(
    likelihood: Likelihood,
    samples: Samples,
    surrogate: str | Path,
    output: str | Path,
    *,
    request: Request | None = None,
    thresholds: Thresholds | None = None,
    title: str = "Validation of a surrogate",
    progress: Progress = no_progress,
) -> JSON:
    """Validate into a folder, or read its ``validation.json`` if it is of the same files.

    The folder gets ``report.html`` with this title, figures, and ``surrogate_samples.h5`` (see
    `Request`).

    Raises:
        InvalidInput: the samples, the surrogate and the likelihood do not belong together.
    """
    description, output = load_surrogate(surrogate), Path(output)
    _check_belong(likelihood, samples, description)
    thresholds, request = thresholds or Thresholds(), request or Request()
    subject: JSON = {
        "likelihood": likelihood.digest,
        "revision": REVISION,
        "samples": samples.digest,
        "surrogate": sha256_of(surrogate),
        "request": request.to_json(),
        "thresholds": asdict(thresholds),
    }
    with suppress(InvalidFile):  # missing, or damaged: made again
        present = read_validation(output / "validation.json")
        if present["subject"] == subject and (output / "report.html").exists():
            return present
    with_baseline = description.quadratic is not None
    report = validate(
        likelihood,
        SurrogateLikelihood(description),
        samples,
        quadratic=SurrogateLikelihood(description, with_network=False) if with_baseline else None,
        domain=description.domain,
        request=request,
        thresholds=thresholds,
        folder=output,
        subject=subject,
        progress=progress,
    )
    figures = _figures(report, description, output, progress)
    write_text(output / "report.html", page(report.to_json(), figures, title=title))
    return report.write(output / "validation.json")


def _check_belong(
    likelihood: Likelihood, samples: Samples, description: SurrogateDescription
) -> None:
    request = samples.provenance["request"]
    if request["likelihood"] != likelihood.digest:
        raise InvalidInput(
            "the samples are of another likelihood. "
            f"Received: digests {request['likelihood'][:12]} and {likelihood.digest[:12]}"
        )
    if _made_from(description) != samples.digest:
        raise InvalidInput(
            "the surrogate was trained on other samples. "
            f"Received: digests {str(_made_from(description))[:12]} and {samples.digest[:12]}"
        )


def _made_from(description: SurrogateDescription) -> str | None:
    """Digest of the samples that a surrogate was trained on."""
    made_from: str | None = description.provenance.get("samples", {}).get("digest")
    return made_from


def _figures(
    report: Validation, description: SurrogateDescription, folder: Path, progress: Progress
) -> dict[str, bytes]:
    """Figures as PNG files by name, written to the folder too; none without matplotlib."""
    if find_spec("matplotlib") is None:
        progress("no figures: matplotlib is not installed (the extra `plots`)", 0, 1)
        return {}
    from dnnlik.plotting.report import FIGURES_BY_NAME, figures_of  # matplotlib is an extra
    from dnnlik.plotting.style import png_of

    figures = {
        name: png_of(figure) for name, figure in figures_of(report, description.history).items()
    }
    for pattern in FIGURES_BY_NAME:  # of parameters that are not scanned any more
        for stale in folder.glob(pattern):
            stale.unlink()
    for name, content in figures.items():
        write_bytes(folder / name, content)
    return figures


def export_step(
    description: SurrogateDescription,
    validation: JSON,
    output: str | Path,
    *,
    points: NDArray[np.float64],
    publication: Publication,
    figures: Path | None = None,
    accept_below_threshold: bool = False,
    progress: Progress = no_progress,
) -> None:
    """Write and verify the bundle, or leave a whole one of the same validation alone."""
    output = Path(output)
    with suppress(InvalidFile):  # missing or damaged: made again
        if output.is_dir():
            verify_checksums(output)
            same = read_json(output / "validation.json") == validation
            allowed = validation["passed"] or accept_below_threshold
            if same and allowed and is_of(output, publication):
                return
    progress("writing and verifying the bundle", 0, 1)
    surrogate = SurrogateLikelihood(description)
    write_bundle(
        output,
        description,
        validation,
        expected=surrogate.log_likelihood,
        uncertainty=surrogate.uncertainty if len(description.networks) > 1 else None,
        points=points,
        publication=publication,
        figures=figures,
        accept_below_threshold=accept_below_threshold,
    )
    progress("writing and verifying the bundle", 1, 1)
