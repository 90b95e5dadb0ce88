"""Sampling a likelihood into a file: what `dnnlik sample` does."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from threadpoolctl import threadpool_limits

from dnnlik.environment import software_versions
from dnnlik.exceptions import InvalidParameters
from dnnlik.inference import FitResult, expansion_of_main, fit
from dnnlik.inference.asimov import asimov_curves
from dnnlik.likelihoods.base import Likelihood
from dnnlik.sampling.diagnostics import judged
from dnnlik.sampling.hamiltonian import require_gradients
from dnnlik.sampling.plan import mix_of, plan
from dnnlik.sampling.samplers import SAMPLERS
from dnnlik.sampling.samples import Maximum, Samples
from dnnlik.sampling.store import SampleStore
from dnnlik.sampling.task import Task
from dnnlik.sampling.tempered import TEMPERATURE, Tempered
from dnnlik.typing import JSON, Generative, Progress, no_progress

__all__ = ["sample"]


def sample(
    likelihood: Likelihood,
    path: str | Path,
    *,
    strategy: str | Mapping[str, float] = "wide",
    sampler: str = "emcee",
    points: int = 100_000,
    thin: int = 1,
    seed: int = 0,
    gradients: bool = True,
    best: FitResult | None = None,
    progress: Progress = no_progress,
) -> Samples:
    """Sample a likelihood into an HDF5 file; an unfinished file is continued.

    Of a likelihood that makes its own data the file also has what upper limits of a surrogate
    need (`dnnlik.inference.asimov_curve`); a parameter of interest that has no such table is
    named with the reason in ``diagnostics["without_asimov_curve"]``.

    Args:
        likelihood: what to sample; its ``log_density`` for the unbiased part.
        path: the file. A complete one of the same request is returned as it is.
        strategy: "unbiased" (the posterior), "profiled" (from the profiled maxima
            towards it), "mixed" (70 % and 30 %) or "wide" (these and points farther out); or
            shares of these and of "tempered" (the posterior, wider) and "boundary" (rays to its
            far ends): "wide" is
            ``{"unbiased": 0.6, "profiled": 0.2, "tempered": 0.15, "boundary": 0.05}``.
        sampler: of the posterior, tempered or not, "emcee" (any likelihood) or "hamiltonian" (needs
            gradients, and gives many times more effective points a second).
        points: how many; rounded down to whole steps of all walkers.
        thin: store one step in so many of a sampler of the posterior: nearly independent points
            cost time here, and a network learns more from each. More than this where a chain
            would else be short against its autocorrelation time.
        seed: the same seed gives the same file on the same software.
        gradients: keep those of ``log_main`` beside the points, if the likelihood has
            them; surrogates learn from them, and they double the file.
        best: the maximum where it is known, or a point near enough to start from: fits of
            a surrogate with kinks may stop short of one.
        progress: called with (text, done, total).

    Raises:
        InvalidInput: an unknown strategy or sampler, shares that are none, too few points, a
            negative seed, a thin below 1, no poi, no gradients for "hamiltonian".
        InvalidFile: the file is of another request, or cannot be written.
        NotConverged: the fit or a chain did not settle; the points are kept.
    """
    tasks = plan(
        len(likelihood.parameters),
        strategy=strategy,
        sampler=sampler,
        points=points,
        seed=seed,
        thin=thin,
    )
    _check(likelihood, sampler)
    request = {
        "likelihood": likelihood.digest,
        "strategy": strategy if isinstance(strategy, str) else mix_of(strategy),
        "sampler": sampler,
        "gradients": gradients,
        "points": points,
        "thin": thin,
        "seed": seed,
    }
    rows = sum(task.rows for task in tasks)
    provenance = {"request": request, "software": software_versions()}
    store = SampleStore.open(path, likelihood, rows, provenance, gradients=gradients)
    if not store.complete:
        # NumPy's own threads and XLA's get into each other's way: 12 s instead of 47 s for
        # a sample of 66 parameters on two cores.
        with threadpool_limits(1, user_api="blas"):
            _fill(likelihood, best, tasks, store, progress)
    return Samples.open(path)


def _check(likelihood: Likelihood, sampler: str) -> None:
    if not likelihood.parameters.poi_names:
        raise InvalidParameters(
            "at least one parameter must be of interest (poi=True). Received: none"
        )
    if SAMPLERS[sampler].needs_gradients:
        require_gradients(likelihood)


def _fill(
    likelihood: Likelihood,
    known: FitResult | None,
    tasks: list[Task],
    store: SampleStore,
    progress: Progress,
) -> None:
    progress("finding the maximum", 0, 1)
    best = fit(likelihood).checked() if known is None else known
    store.write_maximum(Maximum(best.point, *expansion_of_main(likelihood, best.point)))
    for task in tasks[len(store.chains_done) :]:
        tempered = task.strategy == "tempered"
        density = Tempered(likelihood) if tempered else likelihood
        found = SAMPLERS[task.sampler].run(density, best, task, store, progress)
        if tempered:
            found["temperature"] = TEMPERATURE
        store.chain_done(
            {
                "strategy": task.strategy,
                "sampler": task.sampler,
                "walkers": task.walkers,
                **found,
            }
        )
    summary: JSON = {
        "chains": store.chains_done,
        "log_likelihood_at_maximum": best.log_likelihood,
    }
    if isinstance(likelihood, Generative) and store.asimov:
        summary |= _write_asimov(likelihood, best, store, progress)
    progress("effective sizes", 0, 1)
    store.finish(summary | judged(likelihood.parameters, tasks, store))


def _write_asimov(
    likelihood: Generative, best: FitResult, store: SampleStore, progress: Progress
) -> JSON:
    def told(name: str) -> None:
        progress(f"Asimov dataset of {name}", 0, 1)

    found = asimov_curves(likelihood, best=best, each=told)
    store.write_asimov(found.curves)
    return {"without_asimov_curve": found.reasons} if found.reasons else {}
