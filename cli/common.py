"""Options and output that the commands share."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

__all__ = [
    "ProgressBar",
    "gradients_option",
    "likelihood_arguments",
    "opened_likelihood",
    "parse_values",
    "print_advice",
    "print_json",
    "publication_options",
    "sampler_option",
    "sampling_options",
    "scan_option",
    "start_tensorflow",
    "training_options",
]

FILE = click.Path(path_type=Path)


def print_json(document: Any) -> None:
    """The result of a command, on stdout."""
    click.echo(json.dumps(document, indent=2))


class ProgressBar:
    """A `dnnlik.sampling.Progress` drawn on stderr: a bar a stage, a line if no terminal."""

    def __init__(self) -> None:
        self._bar: tqdm[Any] | None = None
        self._stage = ""

    def __call__(self, text: str, done: int, total: int) -> None:
        stage = text.split(",")[0]
        if stage != self._stage:
            self.close()
            self._stage = stage
            if not sys.stderr.isatty():
                click.echo(text, err=True)
        if self._bar is None:
            self._bar = tqdm(
                total=total, file=sys.stderr, disable=not sys.stderr.isatty(), leave=True
            )
        self._bar.set_description_str(text, refresh=False)
        self._bar.update(done - self._bar.n)

    def close(self) -> None:
        """End the present bar."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


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


Decorated = Callable[..., Any]


def _all(*decorators: Callable[[Decorated], Decorated]) -> Callable[[Decorated], Decorated]:
    def decorate(function: Decorated) -> Decorated:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return decorate


likelihood_arguments = _all(
    click.argument("likelihood", type=FILE),
    click.option("--patchset", type=FILE, help="A pyhf patchset (JSON)."),
    click.option("--patch", help="Name of one patch of the patchset."),
    click.option("--measurement", help="Measurement of the workspace.  [default: the first]"),
)
"""LIKELIHOOD with --patchset, --patch, --measurement."""


def parse_mix(
    context: click.Context, option: click.Parameter, text: str | None
) -> dict[str, float] | None:
    """``"unbiased=0.7,profiled=0.3"`` → the mapping; what it may hold the library knows."""
    if text is None:
        return None
    try:
        pairs = [part.split("=") for part in text.split(",")]
        mix = {kind.strip(): float(share) for kind, share in pairs}
    except ValueError:
        mix, pairs = {}, []
    if not mix or len(mix) < len(pairs):
        raise click.BadParameter(f"expected KIND=SHARE,KIND=SHARE,... Received: {text!r}")
    return mix


sampling_options = _all(
    click.option("--points", default=100_000, show_default=True, help="Points to sample."),
    click.option(
        "--strategy",
        type=click.Choice(["mixed", "unbiased", "profiled"]),
        default="mixed",
        show_default=True,
        help="unbiased: the posterior; mixed: 70 % of it, 30 % from the profiled maxima.",
    ),
    click.option(
        "--mix",
        callback=parse_mix,
        help="Instead of --strategy: shares of unbiased, profiled, tempered (the posterior, "
        "wider) and boundary (rays to its far ends), e.g. "
        "unbiased=0.6,profiled=0.3,tempered=0.1.",
    ),
    click.option("--seed", default=0, show_default=True, help="Seed of all randomness."),
)

sampler_option = click.option(
    "--sampler",
    type=click.Choice(["emcee", "hamiltonian"]),
    default="emcee",
    show_default=True,
    help="Of the posterior. hamiltonian: far faster; needs gradients, which every "
    "workspace and every likelihood in TensorFlow has.",
)

gradients_option = click.option(
    "--gradients/--no-gradients",
    default=True,
    show_default=True,
    help="Keep gradients for training, where the likelihood has them: half of the file.",
)

training_options = _all(
    click.option(
        "--recipe",
        type=click.Choice(["default", "paper"]),
        default="default",
        show_default=True,
        help="Settings that the options below change. paper: those of arXiv:1911.03305; its "
        "two layers of 5000 units take days without a GPU, --layers 500,500 hours.",
    ),
    click.option("--layers", help="Units of the hidden layers.  [default: 200,200,200]"),
    click.option(
        "--activation",
        type=click.Choice(["silu", "selu", "tanh"]),
        help="Of the hidden layers.  [default: silu]",
    ),
    click.option(
        "--bends/--no-bends",
        default=None,
        help="A second input for each normally constrained parameter, bent as the "
        "interpolations of systematics are.  [default: bends]",
    ),
    click.option(
        "--baseline",
        type=click.Choice(["best", "regression", "hessian", "none"]),
        help="The quadratic beside the network: fitted to the points, the expansion at the "
        "maximum, or the better one. none: the network learns all, constraints included.  "
        "[default: best]",
    ),
    click.option("--optimizer", type=click.Choice(["muon", "adam"]), help="[default: muon]"),
    click.option(
        "--learning-rate", type=float, help="At the start.  [default: 0.005; of adam 0.001]"
    ),
    click.option(
        "--schedule",
        type=click.Choice(["cosine", "plateau"]),
        help="Of the rate: down to zero, or cut where the validation loss stays.  "
        "[default: cosine]",
    ),
    click.option("--batch-size", type=int, help="Points a step.  [default: 512]"),
    click.option("--steps", type=int, help="Steps in all, in whole epochs.  [default: 20000]"),
    click.option("--max-epochs", type=int, help="Epochs, in place of --steps."),
    click.option(
        "--gradient-weight", type=float, help="Weight of gradients in the loss.  [default: 4]"
    ),
    click.option(
        "--peak-weight", type=float, help="Extra weight of points at the maximum.  [default: 5]"
    ),
    click.option(
        "--precision",
        type=click.Choice(["float32", "float64"]),
        help="Of the training.  [default: float32]",
    ),
    click.option(
        "--members",
        type=int,
        help="Networks of an ensemble, which knows its uncertainty.  [default: 1]",
    ),
    click.option(
        "--workers",
        type=click.IntRange(min=1),
        default=1,
        show_default=True,
        help="Members that are trained at the same time.",
    ),
)

publication_options = _all(
    click.option("--title", help="Title of the publication."),
    click.option(
        "--author",
        "authors",
        multiple=True,
        help='"Family, Given"; repeat for more. Without one no citation is written.',
    ),
    click.option("--license", default="CC-BY-4.0", show_default=True, help="SPDX identifier."),
    click.option(
        "--accept-below-threshold",
        is_flag=True,
        help="Publish in spite of a failed validation; the files say so.",
    ),
)


def parse_values(
    context: click.Context, option: click.Parameter, text: str | None
) -> NDArray[np.float64] | None:
    if text is None:
        return None
    try:
        low, high, count = text.split(":")
        values = np.linspace(float(low), float(high), int(count))
        if not values.size or not np.isfinite(values).all():
            raise ValueError
        return values
    except ValueError:
        raise click.BadParameter(f"expected LOW:HIGH:COUNT. Received: {text!r}") from None


scan_option = click.option(
    "--scan",
    callback=parse_values,
    help="Values of the parameter of interest for t, LOW:HIGH:COUNT.  [default: up to t = 9]",
)


def parse_layers(text: str) -> tuple[int, ...]:
    """``"200,200"`` → (200, 200)."""
    try:
        return tuple(int(units) for units in text.split(","))
    except ValueError:
        raise click.BadParameter(
            f"expected units separated by commas. Received: {text!r}", param_hint="--layers"
        ) from None


def training_settings(options: dict[str, Any], seed: int) -> Any:
    """The `dnnlik.TrainingSettings` of the training options, which are taken out."""
    from dnnlik.surrogate.settings import recipe

    return recipe(options["recipe"], **given_settings(options), seed=seed)


def given_settings(options: dict[str, Any]) -> dict[str, Any]:
    """The fields of `dnnlik.TrainingSettings` that training options give."""
    names = [name for name in options if name not in ("recipe", "workers")]
    given = {name: options[name] for name in names if options[name] is not None}
    if "layers" in given:
        given["layers"] = parse_layers(given["layers"])
    return given


def opened_likelihood(
    path: Path, patchset: Path | None, patch: str | None, measurement: str | None
) -> Any:
    """Open the likelihood that the arguments name; a combination without TensorFlow if it can."""
    from dnnlik.combination import is_combination

    if is_combination(path):
        return _opened_combination(path, patchset or patch or measurement)
    start_tensorflow()
    from dnnlik.likelihoods import open_likelihood

    # What a user's file prints is not a result.
    with redirect_stdout(sys.stderr):
        return open_likelihood(path, patchset=patchset, patch=patch, measurement=measurement)


def _opened_combination(path: Path, choice: object) -> Any:
    from dnnlik.combination import open_combination
    from dnnlik.combination.document import is_published
    from dnnlik.exceptions import InvalidInput

    if choice:
        raise InvalidInput(f"patches and measurements belong to workspaces. Received: {path}")
    if not is_published(path):
        start_tensorflow()
    with redirect_stdout(sys.stderr):
        return open_combination(path)


def print_advice(likelihood: Any, points: int, sampler: str) -> None:
    """On stderr, if a sampling would take long."""
    from dnnlik.refinement.advice import advice, is_differentiable, seconds_a_call

    cost = seconds_a_call(likelihood)
    for line in advice(cost, is_differentiable(likelihood), points, sampler=sampler):
        click.echo(line, err=True)


def publication(title: str | None, authors: tuple[str, ...], license: str, name: str) -> Any:
    """The `dnnlik.Publication` of the options; ``name`` stands in for a title."""
    from dnnlik.bundle.card import Publication

    return Publication(title or f"Surrogate likelihood {name}", tuple(authors), license)


def validation_summary(validation: dict[str, Any]) -> dict[str, Any]:
    """The few numbers of a validation that people look at first."""
    quadratic = validation["quadratic_error"]
    return {
        "passed": validation["passed"],
        "missed": [c["name"] for c in validation["checks"] if c["passed"] is False],
        "not_measured": [c["name"] for c in validation["checks"] if c["passed"] is None],
        "rms_error_posterior": validation["posterior_error"]["rms"],
        "rms_error_posterior_quadratic_alone": quadratic and quadratic["rms"],
        "effective_fraction": validation["effective_fraction"],
        "mean_error_t": {s["name"]: s["mean_error"] for s in validation["scans"]},
    }
