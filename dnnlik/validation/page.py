"""``report.html``: a validation for people, one file that needs no network."""

from __future__ import annotations

import json
from html import escape
from typing import Any

from dnnlik.typing import JSON
from dnnlik.validation import posterior_sections as late
from dnnlik.validation import sections as early
from dnnlik.validation.html import STYLE, Figures, Raw, number, paragraph, section, table, tight

__all__ = ["page"]

SECTIONS = (
    early.errors,
    early.uncertainty,
    early.joint,
    early.fits,
    early.scans,
    early.limits,
    late.intervals,
    late.sampled,
    late.coverage,
    late.where,
    late.outside,
    late.history,
)
"""In the order of the page: from (document, figures) to HTML."""


def page(document: JSON, figures: Figures, *, title: str = "Validation of a surrogate") -> str:
    """The report as HTML, with the figures inside.

    Args:
        document: the content of ``validation.json``.
        figures: PNG files by name, as `dnnlik.plotting.report.figures_of` names them; a page
            without figures is complete but for them.
        title: heading of the page.
    """
    parts = [
        f"<h1>{escape(title)}</h1>",
        _subtitle(document),
        _verdict(document),
        _checks(document),
        _not_measured(document),
        *(draw(document, figures) for draw in SECTIONS),
        _conventions(),
        _provenance(document),
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>\n"
        f"<body>\n{''.join(parts)}</body></html>\n"
    )


def _subtitle(document: JSON) -> str:
    pois = ", ".join(s["name"] for s in document["scans"] if s["of_interest"])
    count = len(document["parameters"])
    return paragraph(f"{count} parameters; of interest: {pois}. {_in_short(document)}")


def _in_short(document: JSON) -> str:
    tv, fraction = document["joint"]["total_variation"], document["effective_fraction"]
    return (
        "On held-out points of the posterior the rms error of ln L is "
        f"{number(document['posterior_error']['spread'])} (without a constant), the two posteriors "
        f"differ by at most {number(100 * tv['value'], 2)} % of probability anywhere, and "
        f"{number(100 * fraction, 4)} % of the points are effective after reweighting."
    )


def _verdict(document: JSON) -> str:
    missed = [c["name"] for c in document["checks"] if c["passed"] is False]
    left = [c["name"] for c in document["checks"] if c["passed"] is None]
    text = "Passed: every check that was measured holds."
    if missed:
        text = f"Below threshold: {', '.join(missed)}."
    if left:
        text += f" Not measured: {', '.join(left)}."
    mark = " failed" if missed else ""
    return f'<p class="verdict{mark}"><strong>{escape(text)}</strong></p>'


_STATES = {True: "passed", False: "missed", None: "not measured"}
_CLASSES = {True: "", False: "missed", None: "unmeasured"}


def _checks(document: JSON) -> str:
    rows, classes = [], []
    for c in document["checks"]:
        sign = "≤" if c["at_most"] else "≥"
        reason = escape(c["reason"]) + (f" <em>({escape(c['note'])})</em>" if c["note"] else "")
        limit, state = tight(f"{sign} {number(c['limit'])}"), tight(_STATES[c["passed"]])
        rows.append((c["name"], tight(number(c["measured"], 4)), limit, state, Raw(reason)))
        classes.append(_CLASSES[c["passed"]])
    head = ["check", "measured", "limit", "", "why this limit"]
    return section("Verdict", table(head, rows, classes))


def _not_measured(document: JSON) -> str:
    if not document["not_measured"]:
        return ""
    rows = [(s["what"], s["reason"]) for s in document["not_measured"]]
    return section("What was not measured", table(["what", "why"], rows))


def _conventions() -> str:
    return section(
        "Conventions",
        paragraph(
            "Natural logarithms. Errors are surrogate minus exact log-likelihood, constraint terms "
            "included, priors not, without a factor 2. t, q and q̃ include the factor 2 "
            "(arXiv:1007.1727). Posteriors have the priors of the parameter list, uniform within "
            "the bounds unless stated. Intervals are the shortest that hold their level. Levels "
            "are one, two and three standard deviations. ± are Monte Carlo errors, one standard "
            "deviation."
        ),
    )


def _provenance(document: JSON) -> str:
    subject = [(key, _told(value)) for key, value in document["subject"].items()]
    software = [(key, str(value)) for key, value in document["software"].items()]
    return section(
        "What was compared, with what",
        paragraph("SHA-256 digests, settings, and versions of software."),
        table(["", ""], subject),
        table(["software", "version"], software),
    )


def _told(value: Any) -> Raw:
    """A digest, a number, or settings as name = value."""
    if isinstance(value, dict):
        value = ", ".join(f"{name} = {json.dumps(item)}" for name, item in value.items())
    return Raw(f"<code>{escape(str(value))}</code>")
