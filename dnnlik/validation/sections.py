"""Sections of the report for people: errors, the joint distribution, fits, limits."""

from __future__ import annotations

from typing import Any

from dnnlik.typing import JSON
from dnnlik.validation.html import Figures, figures_of, number, paragraph, section, table

__all__ = ["errors", "fits", "joint", "limits", "scans", "uncertainty"]

_MOST_ROWS = 15


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
        figures_of(figures, "errors.png", "Error of each held-out point, by distance."),
    )


def uncertainty(document: JSON, figures: Figures) -> str:
    found = document["uncertainty"]
    if found is None:
        return ""
    c = found["calibration"]
    return section(
        "What the ensemble says of itself",
        paragraph(
            "The spread of the networks, times a factor that was measured on validation points, "
            "is the output `uncertainty`. On the test points "
            f"{number(100 * c['one_sigma'], 3)} % of the errors are within one of it and "
            f"{number(100 * c['two_sigma'], 3)} % within two (normal errors: 68.3 and 95.4 %); "
            f"the rank correlation with the size of the error is {number(c['rank_correlation'])}."
        ),
        table(
            ["stated, from", "to", "rms stated", "rms error", "points"],
            [(b["low"], b["high"], b["stated"], b["rms"], b["points"]) for b in found["bins"]],
        ),
        figures_of(figures, "uncertainty.png", "True error against stated uncertainty."),
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
        figures_of(
            figures,
            "corner",
            "Parameters of interest and what correlates with them most.",
            large=True,
        ),
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
            "Maxima of both likelihoods, and uncertainties from their curvature over half a "
            "standard deviation to either side, because networks may have kinks; shifts are in "
            "units of the exact uncertainty, constraints are post-fit over pre-fit width. "
            f"The {len(full)} of {len(rows)} parameters that shift most. The exact t at the "
            f"surrogate's maximum, all parameters together, is {number(found['t_at_surrogate'])}."
        ),
        "" if converged else paragraph("Not all fits converged: take the numbers with care."),
        table(
            ["parameter", "exact", "±", "surrogate", "±", "shift", "constraint, exact",
             "surrogate"],
            full,
        ),
        figures_of(figures, "pulls", "Pulls of both, and the shift between the fits.", large=True),
    )  # fmt: skip


def scans(document: JSON, figures: Figures) -> str:
    rows = [
        (
            s["name"], f"[{number(s['values'][0])}, {number(s['values'][-1])}]", len(s["values"]),
            s["mean_error"], s["largest_error"], s["exact_converged"].count(False),
            s["surrogate_converged"].count(False),
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
            ["parameter", "range", "values", "mean |Δt|", "largest |Δt|",
             "exact fits not converged", "of the surrogate"],
            rows,
        ),
        figures_of(figures, "t_", "t of exact likelihood and surrogate, and their difference."),
    )  # fmt: skip


_ASIMOV = {"dataset": "Asimov dataset", "published": "published table", "wald": "Wald"}


def limits(document: JSON, figures: Figures) -> str:
    rows: list[tuple[Any, ...]] = []
    for found in document["limits"]:
        for key, of in (("exact", "exact"), ("surrogate", "surrogate"), ("asimov", "exact")):
            if found[key]:
                one = found[key]
                title = f"{of}, {_ASIMOV[one['asimov']]}"
                rows.append((found["name"], title, one["observed"], *one["expected"]))
        change = found["difference"], found["expected_difference"]
        rows.append((found["name"], "surrogate / exact - 1", change[0], "", "", change[1], "", ""))
    if not rows:
        return section("Upper limits", paragraph("There are none: see what was not measured."))
    return section(
        "Upper limits",
        paragraph(
            "95 % upper limits by CLs with the statistic q̃. A surrogate knows no other data than "
            "the observed. Where a table of the exact Asimov dataset is published with it, its "
            "limit with that table is compared with the exact limit and its Asimov dataset. "
            "Where there is none, or it ends before a limit, both are computed with Wald's "
            "approximation; beside them the exact likelihood with its Asimov dataset, where it "
            "can make one."
        ),
        table(["parameter", "of", "observed", "-2σ", "-1σ", "expected", "+1σ", "+2σ"], rows),
        *(
            paragraph(
                f"The largest difference of CLs of {found['name']} at any value is "
                f"{number(found['largest_cls_difference'])}."
            )
            for found in document["limits"]
        ),
        figures_of(figures, "cls_", "CLs; vertical lines are the observed limits."),
    )
