"""What `surrogate.py` measures of one surrogate."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import workspaces
from timing import in_turn

T_MAX = 9.0
SCAN = 11


def exact_numbers(problem: str, likelihood: Any, samples: Any, folder: Path) -> dict[str, Any]:
    """Scan and limits of the exact likelihood, once for each problem."""
    from dnnlik.inference import fit, likelihood_interval, profile

    path = folder / f"{problem}.exact.json"
    if path.is_file():
        return json.loads(path.read_text())
    best = fit(likelihood, start=samples.maximum.point)
    poi = likelihood.parameters.poi_names[0]
    values = np.linspace(0, 1, SCAN)
    if problem != "toy":
        values = np.linspace(*likelihood_interval(likelihood, poi, T_MAX, best=best), SCAN)
    scan = profile(likelihood, poi, values, best=best)
    numbers = {
        "values": values.tolist(),
        "t": scan.t.tolist(),
        "points": scan.points.tolist(),
        "converged": bool(scan.converged.all()),
        "limit": pyhf_limit(problem),
    }
    path.write_text(json.dumps(numbers))
    return numbers


def pyhf_limit(problem: str) -> float | None:
    """The observed 95 % limit of pyhf with its Asimov dataset; none of the toy."""
    if problem == "toy":
        return None
    import pyhf

    model, data = pyhf_model(problem)
    pyhf.set_backend("numpy", pyhf.optimize.scipy_optimizer(maxiter=100_000))
    bounds = model.config.suggested_bounds()[model.config.poi_index]
    try:
        observed, _ = pyhf.infer.intervals.upper_limits.upper_limit(data, model, level=0.05)
    except ValueError:  # CL_s stays above 5 % within the bounds
        return None
    return float(observed) if bounds[0] < observed < bounds[1] else None


def pyhf_model(problem: str) -> tuple[Any, Any]:
    import pyhf

    workspace = pyhf.Workspace(workspaces.real(problem), validate=False)
    model = workspace.model(validate=False)
    return model, workspace.data(model)


def errors(surrogate: Any, samples: Any) -> dict[str, Any]:
    """On held-out points of the posterior, and the ends of HPDI on all of them."""
    from dnnlik.inference import hpdi
    from dnnlik.surrogate.data import split
    from dnnlik.validation.metrics import reweighting

    rows = samples.rows(split(samples).test & samples.unbiased)
    error = surrogate.log_likelihood(rows.points) - rows.log_likelihood
    density = rows.log_likelihood + samples.parameters.log_prior(rows.points)
    bulk = density >= np.quantile(density, 1 - 0.9545)
    posterior = samples.rows(samples.unbiased)
    weights = reweighting(surrogate.log_likelihood(posterior.points) - posterior.log_likelihood)
    mu = posterior.points[:, samples.parameters.index(samples.parameters.poi_names[0])]
    before, after = hpdi(mu), hpdi(mu, weights=weights.weights)
    return {
        "mse": float(np.mean(error**2)),
        "rms": float(np.sqrt(np.mean(error**2))),
        "rms_bulk": float(np.sqrt(np.mean(error[bulk] ** 2))),
        "spread": float(error.std()),
        "effective_fraction": reweighting(error).fraction,
        "hpdi_shift": float(np.max(np.abs(np.subtract(before, after)))),
        "hpdi": [list(map(float, interval)) for interval in after],
        "hpdi_width": float(np.diff(before[0])[0]),
    }


def scan_errors(surrogate: Any, samples: Any, exact: dict[str, Any]) -> dict[str, Any]:
    from dnnlik.inference import fit, profile

    best = fit(surrogate, start=samples.maximum.point)
    poi = samples.parameters.poi_names[0]
    starts = np.array(exact["points"])
    scan = profile(surrogate, poi, np.array(exact["values"]), best=best, starts=starts)
    difference = np.abs(scan.t - np.array(exact["t"]))
    return {
        "t_mean": float(difference.mean()),
        "t_largest": float(difference.max()),
        "converged": bool(best.converged and scan.converged.all()),
    }


def limits(surrogate: Any, likelihood: Any, exact: dict[str, Any]) -> dict[str, Any]:
    """The observed limit over pyhf's and over that of the exact likelihood, the median expected
    limit over the exact one, and the largest difference of CL_s along the curve: with the Asimov
    dataset and the published table of it, of the toy both in Wald's approximation."""
    from dnnlik.validation.limits import limits_of

    ((found,), _) = limits_of(likelihood, surrogate, [likelihood.parameters.poi_names[0]])
    observed = found.surrogate.observed
    numbers = {
        "limit": observed,
        "limit_over_exact": found.difference,
        "expected_limit_over_exact": found.expected_difference,
        "cls_difference": found.largest_cls_difference,
        "limit_over_pyhf": np.nan if exact["limit"] is None else observed / exact["limit"] - 1,
    }
    finite = {name: float(x) if np.isfinite(x) else None for name, x in numbers.items()}
    return {**finite, "asimov": found.surrogate.asimov}


def calibration(description: Any, surrogate: Any, samples: Any) -> dict[str, Any]:
    """How well the spread of an ensemble says the error, on test points."""
    from dnnlik.surrogate.calibration import calibrate
    from dnnlik.surrogate.data import split

    if len(description.networks) < 2:
        return {}
    rows = samples.rows(split(samples).test)
    error = surrogate.log_likelihood(rows.points) - rows.log_likelihood
    found = calibrate(error, surrogate.uncertainty(rows.points), factor=1.0)
    return {"calibration": {**vars(found), "factor": description.uncertainty_factor}}


def speeds(problem: str, likelihood: Any, description: Any, samples: Any) -> dict[str, Any]:
    """Microseconds a point, all in turn."""
    from dnnlik.onnx.graph import surrogate_model
    from dnnlik.onnx.metadata import metadata_properties
    from dnnlik.onnx.runtime import PublishedLikelihood
    from dnnlik.onnx.verify import write

    points = np.ascontiguousarray(samples.points[:: max(1, len(samples) // 4096)][:4096])
    with tempfile.TemporaryDirectory() as folder:
        metadata = metadata_properties(description, accuracy={}, author="", license="CC-BY-4.0")

        def opened(precision: str) -> PublishedLikelihood:
            path = Path(folder) / f"{precision}.onnx"
            write(surrogate_model(description, metadata=metadata, precision=precision), path)
            return PublishedLikelihood.open(path)

        published, copy = opened("float64"), opened("float32")
    calls: dict[str, Any] = {
        "onnx": lambda: published.evaluate(points, "log_likelihood"),
        "onnx_float32": lambda: copy.evaluate(points, "log_likelihood"),
        "onnx_gradient": lambda: published.value_and_gradient(points),
        "exact": lambda: likelihood.log_likelihood(points),
    }
    counts = dict.fromkeys(calls, len(points))
    if problem != "toy":
        model, data = pyhf_model(problem)
        names = likelihood.parameters.names
        full = np.tile(model.config.suggested_init(), (64, 1))
        order = [model.config.par_names.index(name) for name in names]
        full[:, order] = points[:64]
        calls["pyhf"] = lambda: [model.logpdf(point, data) for point in full]
        counts["pyhf"] = len(full)
        workspace = model.spec
        import pyhf

        batched = pyhf.Model(
            workspace, validate=False, batch_size=64, poi_name=model.config.poi_name
        )
        calls["pyhf_batch"] = lambda: batched.logpdf(full, np.tile(data, (64, 1)))
        counts["pyhf_batch"] = len(full)
    times = in_turn(calls, rounds=5)
    return {"us": {n: 1e6 * median(t) / counts[n] for n, t in times.items()}}
