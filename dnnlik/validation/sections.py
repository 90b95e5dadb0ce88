"""The sections of the report for people: each from the JSON of a validation and its figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dnnlik.typing import JSON
from dnnlik.validation.html import figure, number, paragraph, section, table

__all__ = ["SECTIONS", "Figures"]

Figures = Mapping[str, bytes]

_MOST_ROWS = 15


def _figures(figures: Figures, prefix: str, caption: str) -> str:
    """All figures whose names begin so, in the order of their names."""
    names = sorted(name for name in figures if name.startswith(prefix))
    return "".join(figure(figures[name], caption) for name in names)


def _percent(level: float) -> str:
    return f"{100 * level:.4g} %"


def _ends(ends: list[float], errors: list[float]) -> str:
    pairs = zip(ends, errors, strict=True)
    return "[" + ", ".join(f"{number(e)} ± {number(s, 2)}" for e, s in pairs) + "]"


def errors(document: JSON, figures: Figures) -> str:
    bands = [
        (
            "all test points" if b["drop"] is None else f"less than {b['drop']:g} below",
            b["points"], b["rms"], b["spread"], b["largest"],
        )
        for b in document["error_bands"]
    ]  # fmt: skip
    for title, key in (("posterior", "posterior_error"), ("quadratic alone", "quadratic_error")):
        if document[key]:
            b = document[key]
            bands.append((title, b["points"], b["rms"], b["spread"], b["largest"]))
    return section(
        "Errors on held-out points",
        paragraph(
            "Surrogate minus exact ln L on walkers that the training has not seen, by distance "
            "from the maximum. The spread leaves out a constant offset, which no fit and no "
            "posterior can see. The quadratic alone is what the network has to beat."
        ),
        table(["points", "number", "rms", "spread", "largest"], bands),
        _figures(figures, "errors.png", "Error of each held-out point, by distance."),
    )


def joint(document: JSON, figures: Figures) -> str:
    drawn = document["surrogate_sample"] or {}
    columns = [document["joint"], *([drawn["joint"]] if drawn.get("joint") else [])]
    titles = {
        "total_variation": "total variation",
        "accuracy": "accuracy of the best classifier",
        "auc": "area under its ROC curve",
        "kl_exact_surrogate": "KL(exact, surrogate)",
        "kl_surrogate_exact": "KL(surrogate, exact)",
    }
    rows = [
        (title, *(f"{number(c[k]['value'])} ± {number(c[k]['error'], 2)}" for c in columns))
        for k, title in titles.items()
    ]
    rows.append(("points", *(c["points"] for c in columns)))
    worst = sorted(document["kolmogorov_smirnov"], key=lambda m: m["p_value"])
    return section(
        "The joint distribution",
        paragraph(
            "The error is, up to a constant, the logarithm of the ratio of the two posteriors, "
            "and that is the optimal score of a classifier that tries to tell them apart. So the "
            "accuracy of the best possible classifier is known without training one: one half "
            "if the posteriors are the same. Total variation is the largest difference in "
            "probability of any region in all parameters together."
        ),
        table(["", *(f"from {c['source']} points" for c in columns)], rows),
        paragraph(
            f"Marginals: {len(worst)} Kolmogorov-Smirnov tests with effective sample sizes; the "
            "smallest p-values (multiply by their number):"
        ),
        table(
            ["parameter", "distance", "p-value"],
            [(m["name"], m["distance"], m["p_value"]) for m in worst[:5]],
        ),
        _figures(figures, "corner", "Parameters of interest and what correlates with them most."),
    )


def fits(document: JSON, figures: Figures) -> str:
    found = document["best_fit"]
    columns = ("exact", "exact_error", "surrogate", "surrogate_error", "shift")
    rows = list(zip(found["names"], *(found[k] for k in columns), strict=True))
    rows.sort(key=lambda row: -abs(row[5] or 0.0))
    constraint = {p["name"]: p for p in found["pulls"]}
    full = [
        (*row, *(constraint.get(row[0], {}).get(f"{w}_constraint") for w in ("exact", "surrogate")))
        for row in rows[:_MOST_ROWS]
    ]
    converged = found["exact_converged"] and found["surrogate_converged"]
    return section(
        "Best fit, uncertainties, pulls",
        paragraph(
            "Maxima of both likelihoods and uncertainties from their second derivatives; shifts "
            "are in units of the exact uncertainty, constraints are post-fit over pre-fit width. "
            f"The {len(full)} of {len(rows)} parameters that shift most. The exact t at the "
            f"surrogate's maximum, all parameters together, is {number(found['t_at_surrogate'])}."
        ),
        "" if converged else paragraph("Not all fits converged: take the numbers with care."),
        table(
            ["parameter", "exact", "±", "surrogate", "±", "shift", "constraint, exact",
             "surrogate"],
            full,
        ),
        _figures(figures, "pulls", "Pulls of both, and the shift between the fits."),
    )  # fmt: skip


def scans(document: JSON, figures: Figures) -> str:
    rows = [
        (
            s["name"], f"[{number(s['values'][0])}, {number(s['values'][-1])}]", len(s["values"]),
            s["mean_error"], s["largest_error"], s["all_converged"],
        )
        for s in document["scans"]
    ]  # fmt: skip
    return section(
        "Profile likelihood",
        paragraph(
            "t = -2 ln of the profile likelihood ratio, all other parameters fitted again, by "
            "default up to t = 9 (three standard deviations) on both sides or to a bound."
        ),
        table(
            ["parameter", "range", "values", "mean |Δt|", "largest |Δt|", "all fits converged"],
            rows,
        ),
        _figures(figures, "t_", "t of exact likelihood and surrogate, and their difference."),
    )


def limits(document: JSON, figures: Figures) -> str:
    rows: list[tuple[Any, ...]] = []
    for found in document["limits"]:
        for key, title in (
            ("exact", "exact, Wald"),
            ("surrogate", "surrogate, Wald"),
            ("asimov", "exact, Asimov dataset"),
        ):
            if found[key]:
                one = found[key]
                rows.append((found["name"], title, one["observed"], *one["expected"]))
        change = found["difference"], found["expected_difference"]
        rows.append((found["name"], "surrogate / exact - 1", change[0], "", "", change[1], "", ""))
    if not rows:
        return section("Upper limits", paragraph("There are none: see what was not measured."))
    return section(
        "Upper limits",
        paragraph(
            "95 % upper limits by CLs with the statistic q̃. A surrogate knows no other data than "
            "the observed, so that both are computed with Wald's approximation; beside them the "
            "exact likelihood with its Asimov dataset, where it can make one."
        ),
        table(["parameter", "of", "observed", "-2σ", "-1σ", "expected", "+1σ", "+2σ"], rows),
        _figures(figures, "cls_", "CLs; vertical lines are the observed limits."),
    )


def intervals(document: JSON, figures: Figures) -> str:
    drawn = document["surrogate_sample"] or {}
    rows = [
        (
            i["name"], _percent(i["level"]), i["source"], _ends(i["exact"], i["exact_error"]),
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
        _figures(figures, "posterior", "Marginal posterior, exact and reweighted."),
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
            c["region"], f"{c['of']} region under {c['under']}", _percent(c["level"]),
            f"{_percent(c['content'])} ± {number(100 * c['error'], 2)} %",
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
                t["name"], t["of"], _percent(t["level"]), t["value"], t["t"],
                f"{_percent(t['confidence'])} ± {number(100 * t['error'], 2)} %",
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
        _figures(figures, "errors_by_distance", "Against distance from the maximum."),
        table(["parameter", "variation", "largest rms of a bin", "largest mean"], rows),
        _figures(figures, "errors_by_parameter", "Along the parameters that matter most."),
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
        _figures(figures, "outside", "Errors of flagged points and of the others."),
    )


def history(document: JSON, figures: Figures) -> str:
    drawn = _figures(figures, "history", "Loss by epoch, and the learning rate.")
    return section("Training", drawn) if drawn else ""


SECTIONS = (
    errors, joint, fits, scans, limits, intervals, sampled, coverage, where, outside, history,
)  # fmt: skip
"""In the order of the page: from (document, figures) to HTML."""
