"""README.md of a bundle, a model card: what it is, how to use it, how good it is."""

from __future__ import annotations

import json
from typing import Any

from dnnlik.bundle.publication import Publication
from dnnlik.typing import JSON

__all__ = ["exact_card", "surrogate_card"]


def surrogate_card(publication: Publication, metadata: dict[str, Any], validation: JSON) -> str:
    """The card of a learned likelihood, with what its validation measured."""
    return "\n".join([*_head(publication, metadata), _USE, _accuracy(validation), _CONVENTIONS])


def exact_card(publication: Publication, metadata: dict[str, Any]) -> str:
    """The card of an exact likelihood, with how it was verified."""
    return "\n".join([*_head(publication, metadata), _USE, _verified(metadata), _EXACT])


def _head(publication: Publication, metadata: dict[str, Any]) -> list[str]:
    parameters = metadata["parameters"]
    pois = ", ".join(f"`{p['name']}`" for p in parameters if p["poi"])
    return [
        "---",
        f"license: {publication.license.lower()}",
        "tags: [likelihood, onnx, high-energy-physics]",
        f"pretty_name: {json.dumps(publication.title)}",
        "---",
        "",
        f"# {publication.title}",
        "",
        publication.description,
        "",
        f"{len(parameters)} parameters, in the order of `metadata.json`; of interest: {pois}.",
        "",
    ]


_USE = """## Use

`likelihood.onnx` runs in any ONNX runtime (opset 15, float64). Input `parameters`
[batch, d], physical values; outputs `log_likelihood` [batch], `log_constraint` [batch],
`gradient` [batch, d] of `log_likelihood`, and `in_domain` [batch].

```python
import onnxruntime
session = onnxruntime.InferenceSession("likelihood.onnx")
names = ["log_likelihood", "in_domain"]
log_likelihood, in_domain = session.run(names, {"parameters": points})
```

or `dnnlik.load(".")`, which checks the checksums first. Without any tool:
`sha256sum -c SHA256SUMS`.
"""

_CONVENTIONS = """## Conventions and domain

Natural logarithms, no factor 2, no sign change; `log_likelihood` contains the constraint
terms of the auxiliary measurements (`log_constraint`), not the priors. Trust values only
where `in_domain` is true: elsewhere the network was not trained.
"""


_EXACT = """## Conventions and domain

Natural logarithms, no factor 2, no sign change; `log_likelihood` is pyhf's `logpdf`, all constants
included: it contains the constraint terms of the auxiliary measurements (`log_constraint`), not
priors. Where an expected rate is negative it is minus infinity. `in_domain` is true within the
bounds of the parameters.
"""


def _verified(metadata: dict[str, Any]) -> str:
    accuracy, provenance = metadata["accuracy"], metadata["provenance"]
    lines = [
        "## Exact",
        "",
        "This is no approximation: the graph is the closed form of the workspace in",
        "",
        *(f"- `{one['file']}`, SHA-256 `{one['sha256']}`" for one in provenance["sources"]),
        *([f"- with the patch `{provenance['patch']}`"] if provenance.get("patch") else []),
        "",
        f"Verified at {accuracy['points']} points:",
        "",
        "| quantity | compared with | largest difference |",
        "|---|---|---|",
    ]
    lines += [
        f"| {row['quantity']} | {row['against']} | {row['largest_difference']:.0e} |"
        for row in accuracy["checks"]
    ]
    return "\n".join([*lines, "", accuracy["measure"].capitalize() + "."]) + "\n"


def _accuracy(validation: JSON) -> str:
    posterior, quadratic = validation["posterior_error"], validation["quadratic_error"]
    lines = [
        "## Accuracy",
        "",
        "Against the exact likelihood, on points held out of the training (`validation.json`; "
        "`report.html` has all of it with figures):",
        "",
        "| quantity | value |",
        "|---|---|",
        f"| rms error of ln L on the posterior | {posterior['rms']:.4f} |",
    ]
    if quadratic is not None:
        lines.append(f"| the same for the quadratic alone | {quadratic['rms']:.4f} |")
    lines.append(
        f"| effective fraction after reweighting | {validation['effective_fraction']:.4f} |"
    )
    for scan in validation["scans"]:
        low, high = min(scan["values"]), max(scan["values"])
        # There is none where a fit ran away: then the verdict says so.
        error = "none" if scan["mean_error"] is None else f"{scan['mean_error']:.4f}"
        lines.append(
            f"| mean error of t for `{scan['name']}` in [{low:.3g}, {high:.3g}] | {error} |"
        )
    lines.append(f"| verdict | {'passed' if validation['passed'] else 'below threshold'} |")
    return "\n".join(lines) + "\n"
