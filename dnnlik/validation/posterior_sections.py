"""Sections of the report for people: posteriors, coverage, where the errors are."""

from __future__ import annotations

from dnnlik.typing import JSON
from dnnlik.validation.html import (
    Figures,
    Raw,
    figures_of,
    number,
    paragraph,
    percent,
    section,
    table,
    tight,
)

__all__ = ["coverage", "history", "intervals", "outside", "sampled", "where"]


def _ends(ends: list[float], errors: list[float]) -> Raw:
    pairs = zip(ends, errors, strict=True)
    return Raw("<br>".join(tight(f"{number(e)} ± {number(s, 2)}") for e, s in pairs))


def intervals(document: JSON, figures: Figures) -> str:
    drawn = document["surrogate_sample"] or {}
    rows = [
        (
            i["name"], tight(percent(i["level"])), i["source"], _ends(i["exact"], i["exact_error"]),
            _ends(i["surrogate"], i["surrogate_error"]),
            ", ".join(number(e, 2) for e in i["difference_error"]), i["excess"],
        )
        for i in [*document["intervals"], *drawn.get("intervals", [])]
    ]  # fmt: skip
    return section(
        "Credible intervals",
        paragraph(
            "Highest-posterior-density intervals with Monte Carlo errors from a bootstrap over "
            "walkers. Reweighted intervals use the exact points, so that their differences are "
            "known better than the ends; sampled ones use points drawn from the surrogate. "
            "Excess is the shift of an end beyond three errors, in standard deviations."
        ),
        table(
            ["parameter", "level", "points", "exact", "surrogate", "errors of the difference",
             "excess"],
            rows,
        ),
        figures_of(figures, "posterior", "Marginal posterior, exact and reweighted."),
    )  # fmt: skip


def sampled(document: JSON, figures: Figures) -> str:
    found = document["surrogate_sample"]
    title = "Sampling the surrogate itself"
    if found is None:
        return section(title, paragraph("This was not done: see what was not measured."))
    head = paragraph(
        "The same sampler on the surrogate goes wherever the surrogate lets it, also where it was "
        "not trained. Both samples are whitened with the exact covariance and compared by radius, "
        "by the log-ratio of the densities (on held-out points), and along fixed random directions."
    )
    rows = [
        ("sampler", found["sampler"]),
        ("points", found["points"]),
        ("effective points of the worst parameter", found["effective_points"]),
        ("R-hat of the worst parameter", found["r_hat"]),
        ("fraction outside of the domain", found["outside"]),
        ("the same of the exact posterior", found["exact_outside"]),
    ]
    if not found["converged"]:
        warning = f"The chains did not converge: {found['reason']}"
        return section(title, head, paragraph(warning), table(["", ""], rows))
    white = found["whitened"]
    rows += [("tests", len(white["tests"])), ("smallest p-value times tests", white["p_value"])]
    worst = sorted(white["tests"], key=lambda t: -t["distance"] / t["critical"])[:6]
    return section(
        title,
        head,
        table(["", ""], rows),
        paragraph("The tests that depart most, against what chance explains (1 in 1000 overall):"),
        table(
            ["test", "distance", "chance", "p-value", "effective, exact", "surrogate"],
            [
                (t["name"], t["distance"], t["critical"], t["p_value"], t["exact_size"],
                 t["surrogate_size"])
                for t in worst
            ],
        ),
    )  # fmt: skip


def coverage(document: JSON, figures: Figures) -> str:
    rows = [
        (
            c["region"], f"{c['of']} region under {c['under']}", percent(c["level"]),
            f"{percent(c['content'])} ± {number(100 * c['error'], 2)} %",
        )
        for c in document["contents"]
    ]  # fmt: skip
    parts = [
        paragraph(
            "What the highest-density regions of one posterior hold of the other. Regions are made "
            "from one half of the held-out walkers and filled with the other half."
        ),
        table(["region", "", "should hold", "holds"], rows),
    ]
    if document["toys"]:
        toys = [
            (
                t["name"], t["of"], percent(t["level"]), t["value"], t["t"],
                f"{percent(t['confidence'])} ± {number(100 * t['error'], 2)} %",
                t["toys"], t["failed"],
            )
            for t in document["toys"]
        ]  # fmt: skip
        parts += [
            paragraph(
                "Confidence of the ends of likelihood intervals from toys of the exact likelihood, "
                "nuisance parameters as fitted to the data: the share of toys with a t below that "
                "of the data. The ends of the surrogate should have that of the exact ones."
            ),
            table(
                ["parameter", "interval of", "nominal", "end", "exact t", "confidence", "toys",
                 "fits failed"],
                toys,
            ),
        ]  # fmt: skip
    return section("Coverage", *parts)


def where(document: JSON, figures: Figures) -> str:
    varied = document["errors_by"]["parameters"]
    rows = [
        (
            p["name"], p["variation"], max(b["rms"] for b in p["bins"]),
            max((b["mean"] for b in p["bins"]), key=abs),
        )
        for p in varied[:8]
    ]  # fmt: skip
    return section(
        "Where the error is",
        paragraph(
            "Errors in bins of equally many held-out points, less the mean over the posterior: "
            "against the distance from the maximum, and along each parameter; ranked by how much "
            "mean or rms of the bins vary."
        ),
        figures_of(figures, "errors_by_distance", "Against distance from the maximum."),
        table(["parameter", "variation", "largest rms of a bin", "largest mean"], rows),
        figures_of(figures, "errors_by_parameter", "Along the parameters that matter most."),
    )


def outside(document: JSON, figures: Figures) -> str:
    rows = [
        (
            f"{r['factor']:g}", r["points"], r["flagged"], r["rms_flagged"], r["rms_unflagged"],
            r["largest"],
        )
        for r in document["outside"]
    ]  # fmt: skip
    return section(
        "Outside the domain",
        paragraph(
            "Held-out points of the posterior carried further from the maximum, cut at the bounds. "
            "A surrogate says something anywhere; the domain that is published with it flags "
            "where it should not be trusted."
        ),
        table(
            ["times", "points", "flagged", "rms where flagged", "rms elsewhere", "largest"], rows
        ),
        figures_of(figures, "outside", "Errors of flagged points and of the others."),
    )


def history(document: JSON, figures: Figures) -> str:
    drawn = figures_of(figures, "history", "Loss by epoch, and the learning rate.")
    return section("Training", drawn) if drawn else ""
