"""The file ``validation.json``: from a report, and back, checked against its schema."""

from __future__ import annotations

import json
from dataclasses import asdict
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from dnnlik.documents import plain, read_json, write_json
from dnnlik.environment import software_versions
from dnnlik.exceptions import InvalidFile
from dnnlik.inference import Pulls, UpperLimit
from dnnlik.typing import JSON

if TYPE_CHECKING:
    from dnnlik.validation.error_profiles import ErrorProfile
    from dnnlik.validation.fitted import Fitted
    from dnnlik.validation.limits import LimitComparison
    from dnnlik.validation.report import Validation
    from dnnlik.validation.sampled import SurrogateSample
    from dnnlik.validation.scans import Scan

__all__ = ["SCHEMA", "SCHEMA_FILE", "document_of", "read_validation", "write_validation"]

SCHEMA = "dnnlik.validation/2"
SCHEMA_FILE = "validation-2.json"


def write_validation(report: Validation, path: str | Path) -> JSON:
    """Write a report, checked against its schema, and return what was written."""
    document = document_of(report)
    _check_schema(document, path)
    write_json(path, document)
    return document


def read_validation(path: str | Path) -> JSON:
    """The JSON of a validation, checked against its schema.

    Raises:
        InvalidFile: missing, damaged, or no validation of this schema.
    """
    document = read_json(path)
    _check_schema(document, path)
    return document


def _check_schema(document: JSON, path: str | Path) -> None:
    import jsonschema

    text = resources.files("dnnlik.schemas").joinpath(SCHEMA_FILE).read_text(encoding="utf-8")
    schema = json.loads(text)
    try:
        jsonschema.validate(document, schema)
    except jsonschema.ValidationError as error:
        raise InvalidFile(
            f"the file is no validation report ({error.message[:120]}). Received: {path}"
        ) from error


def document_of(report: Validation) -> JSON:
    """The content of ``validation.json``; numbers that there are not are null."""
    sampled = report.sampled
    document: JSON = {
        "schema": SCHEMA,
        "passed": report.verdict.passed,
        "checks": [{**asdict(c), "passed": c.passed} for c in report.verdict.checks],
        "not_measured": [asdict(s) for s in report.skipped],
        "error_bands": [asdict(band) for band in report.bands],
        "posterior_error": asdict(report.posterior),
        "quadratic_error": None if report.quadratic is None else asdict(report.quadratic),
        "quadratic_effective_fraction": report.quadratic_effective_fraction,
        "effective_fraction": report.effective_fraction,
        "kolmogorov_smirnov": [asdict(marginal) for marginal in report.marginals],
        "joint": asdict(report.divergence),
        "best_fit": _fitted(report.fitted),
        "scans": [_scan(scan) for scan in report.scans],
        "limits": [_limit(limit) for limit in report.limits],
        "intervals": [{**asdict(i), "excess": i.excess} for i in report.intervals],
        "surrogate_sample": None if sampled is None else _sampled(sampled),
        "contents": [asdict(content) for content in report.contents],
        "toys": None if report.toys is None else [asdict(end) for end in report.toys],
        "errors_by": {
            "drop": _profile(report.by_drop),
            "radius": _profile(report.by_radius),
            "parameters": [_profile(one) for one in report.by_parameter],
        },
        "outside": [asdict(row) for row in report.outside],
        "uncertainty": None if report.uncertainty is None else asdict(report.uncertainty),
        "parameters": report.names,
        "subject": report.subject,
        "software": software_versions(),
    }
    finite: JSON = plain(document)
    return finite


def _scan(scan: Scan) -> JSON:
    return {
        "name": scan.name,
        "of_interest": scan.of_interest,
        "values": scan.values,
        "t_exact": scan.exact,
        "t_surrogate": scan.surrogate,
        "mean_error": scan.mean_error,
        "largest_error": scan.largest_error,
        "exact_converged": scan.exact_converged,
        "surrogate_converged": scan.surrogate_converged,
        "all_converged": scan.all_converged,
    }


def _fitted(found: Fitted) -> JSON:
    keys = ("exact", "surrogate", "exact_error", "surrogate_error", "shift")
    return {
        "names": found.names,
        **{key: getattr(found, key) for key in keys},
        "pulls": [_pulls(found.exact_pulls, found.surrogate_pulls, i) for i in _rows(found)],
        "t_at_surrogate": found.t_at_surrogate,
        "exact_converged": found.exact_converged,
        "surrogate_converged": found.surrogate_converged,
    }


def _rows(found: Fitted) -> range:
    return range(len(found.exact_pulls.names))


def _pulls(exact: Pulls, surrogate: Pulls, i: int) -> JSON:
    return {
        "name": exact.names[i],
        "exact": exact.pulls[i],
        "surrogate": surrogate.pulls[i],
        "exact_constraint": exact.constraints[i],
        "surrogate_constraint": surrogate.constraints[i],
    }


def _limit(found: LimitComparison) -> JSON:
    return {
        "name": found.name,
        "level": found.exact.level,
        "difference": found.difference,
        "expected_difference": found.expected_difference,
        "largest_cls_difference": found.largest_cls_difference,
        "exact": _upper(found.exact),
        "surrogate": _upper(found.surrogate),
        "asimov": None if found.asimov is None else _upper(found.asimov),
    }


def _upper(limit: UpperLimit) -> JSON:
    return {
        "observed": limit.observed,
        "expected": limit.expected,
        "asimov": limit.asimov,
        "converged": limit.converged,
        "values": limit.curve.values,
        "cls": limit.curve.cls,
        "expected_cls": limit.curve.expected[:, 2],
    }


def _sampled(found: SurrogateSample) -> JSON:
    keys = (
        "sampler", "points", "effective_points", "r_hat", "converged", "reason", "outside",
        "exact_outside",
    )  # fmt: skip
    tests = None
    if found.tests is not None:
        tests = {
            "p_value": found.tests.p_value,
            "excess": found.tests.excess,
            "tests": [{**asdict(t), "excess": t.excess} for t in found.tests.tests],
        }
    return {
        **{key: getattr(found, key) for key in keys},
        "whitened": tests,
        "joint": None if found.divergence is None else asdict(found.divergence),
        "intervals": [{**asdict(i), "excess": i.excess} for i in found.intervals],
    }


def _profile(profile: ErrorProfile) -> JSON:
    return {
        "name": profile.name,
        "variation": profile.variation,
        "bins": [asdict(one) for one in profile.bins],
    }
