"""The texts of a bundle: model card, citation, and the deposit's metadata.

All from one `Publication`, so that they cannot disagree.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from dnnlik.typing import JSON

__all__ = ["Publication", "citation_cff", "model_card", "zenodo_json"]


@dataclass(frozen=True)
class Publication:
    """Who publishes what: title, authors ("Family, Given"), licence (SPDX), version."""

    title: str
    authors: tuple[str, ...] = ()
    license: str = "CC-BY-4.0"
    version: str = "1.0.0"
    description: str = ""


def citation_cff(publication: Publication) -> str:
    """CITATION.cff 1.2.0; texts are quoted as JSON strings, which YAML reads alike."""
    authors = [author.partition(",") for author in publication.authors]
    lines = ["cff-version: 1.2.0", "message: Please cite this likelihood as below."]
    lines += ["type: dataset", f"title: {json.dumps(publication.title)}"]
    lines += [f"version: {json.dumps(publication.version)}", f"license: {publication.license}"]
    lines.append("authors:")
    for family, _, given in authors:
        lines.append(f"  - family-names: {json.dumps(family.strip())}")
        if given.strip():
            lines.append(f"    given-names: {json.dumps(given.strip())}")
    return "\n".join(lines) + "\n"


def zenodo_json(publication: Publication) -> JSON:
    """The content of ``.zenodo.json`` (Zenodo's deposit metadata)."""
    return {
        "title": publication.title,
        "version": publication.version,
        "upload_type": "dataset",
        "creators": [{"name": author} for author in publication.authors],
        "license": publication.license.lower(),
        "access_right": "open",
        "keywords": ["likelihood", "ONNX", "surrogate", "high energy physics"],
        "description": publication.description or publication.title,
    }


def model_card(publication: Publication, metadata: dict[str, Any], validation: JSON) -> str:
    """README.md of a bundle: what it is, how to use it, how good it is."""
    parameters = metadata["parameters"]
    pois = ", ".join(f"`{p['name']}`" for p in parameters if p["poi"])
    head = [
        "---",
        f"license: {publication.license.lower()}",
        "tags: [likelihood, onnx, high-energy-physics]",
        f"pretty_name: {json.dumps(publication.title)}",
        "---",
        "",
        f"# {publication.title}",
        "",
    ]
    return "\n".join(
        [
            *head,
            publication.description or "A neural surrogate of a statistical likelihood.",
            "",
            f"{len(parameters)} parameters, in the order of `metadata.json`; of interest: {pois}.",
            "",
            _USE,
            _accuracy(validation),
            _CONVENTIONS,
        ]
    )


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
        lines.append(
            f"| mean error of t for `{scan['name']}` in [{low:.3g}, {high:.3g}] "
            f"| {scan['mean_error']:.4f} |"
        )
    lines.append(f"| verdict | {'passed' if validation['passed'] else 'below threshold'} |")
    return "\n".join(lines) + "\n"
