"""Small pieces of HTML: every text that comes from outside is escaped here."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

__all__ = [
    "STYLE",
    "Figures",
    "Raw",
    "figure",
    "figures_of",
    "number",
    "paragraph",
    "percent",
    "section",
    "table",
    "tight",
]

Figures = Mapping[str, bytes]
"""PNG files by name."""


class Raw(str):
    """Text that is HTML already."""

    __slots__ = ()


def number(value: Any, digits: int = 3) -> str:
    """A number for a table; a dash for one that there is not.

    >>> number(0.12345), number(None), number(12345.6), number(12345678.0), number(True)
    ('0.123', '–', '12346', '1.23e+07', 'yes')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "–"
    if isinstance(value, int) or 1000 <= abs(value) < 1e6:
        return f"{value:.0f}"
    return f"{value:.{digits}g}"


def cell(value: Any) -> str:
    """A table cell: numbers formatted and aligned, texts escaped."""
    if isinstance(value, Raw):
        return f"<td>{value}</td>"
    if isinstance(value, str):
        return f"<td>{escape(value)}</td>"
    return f'<td class="n">{number(value)}</td>'


def table(
    headers: Sequence[str], rows: Iterable[Sequence[Any]], classes: Sequence[str] = ()
) -> str:
    """A table; ``classes`` are those of its rows."""
    rows = list(rows)
    first = rows[0] if rows else ()
    numeric = [not isinstance(value, str) for value in first] or [False] * len(headers)
    marks = [' class="n"' if n else "" for n in numeric]
    head = "".join(f"<th{m}>{escape(h)}</th>" for h, m in zip(headers, marks, strict=True))
    body = []
    for i, row in enumerate(rows):
        mark = f' class="{escape(classes[i])}"' if i < len(classes) and classes[i] else ""
        body.append(f"<tr{mark}>{''.join(map(cell, row))}</tr>")
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table>"


def tight(text: str) -> Raw:
    """A text that is not broken into lines."""
    return Raw(f'<span class="tight">{escape(text)}</span>')


def paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def section(title: str, *parts: str) -> str:
    """A section with a heading; empty parts are left out."""
    return f"<section><h2>{escape(title)}</h2>{''.join(parts)}</section>\n"


def figure(png: bytes, caption: str, *, large: bool = False) -> str:
    """A figure inside of the page, so that it is one file; on paper ``large`` or half a page."""
    data = base64.b64encode(png).decode("ascii")
    text = escape(caption)
    mark = ' class="large"' if large else ""
    return (
        f'<figure{mark}><img alt="{text}" src="data:image/png;base64,{data}">'
        f"<figcaption>{text}</figcaption></figure>"
    )


def figures_of(figures: Figures, prefix: str, caption: str, *, large: bool = False) -> str:
    """All figures whose names begin so, in the order of their names."""
    names = sorted(name for name in figures if name.startswith(prefix))
    return "".join(figure(figures[name], caption, large=large) for name in names)


def percent(level: float) -> str:
    """A fraction as it is quoted.

    >>> percent(0.6827)
    '68.27 %'
    """
    return f"{100 * level:.4g} %"


STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.5 Georgia, "Times New Roman", serif; color: #1a1a1a; background: #fff;
  max-width: 54rem; margin: 2rem auto; padding: 0 1.2rem; }
h1, h2, th, .verdict, figcaption { font-family: Helvetica, Arial, sans-serif; }
h1 { font-size: 1.6rem; margin-bottom: 0.2rem; }
h2 { font-size: 1.15rem; margin-top: 2rem; border-bottom: 1px solid #ccc; }
table { border-collapse: collapse; margin: 0.8rem 0; font-size: 0.85rem; width: 100%; }
th { text-align: left; border-bottom: 1px solid #555; font-size: 0.78rem; }
th, td { padding: 0.18rem 0.5rem; vertical-align: top; }
td { border-bottom: 1px solid #e4e4e4; overflow-wrap: break-word; }
.n { text-align: right; font-variant-numeric: tabular-nums; }
td.n { white-space: nowrap; }
tr.missed td { background: #fbe9e7; }
tr.unmeasured td { background: #f4f4f4; color: #555; }
.verdict { padding: 0.6rem 0.9rem; border-left: 5px solid #1b7837; background: #eef6ef; }
.verdict.failed { border-color: #b2182b; background: #fbe9e7; }
figure { margin: 1rem 0; text-align: center; }
figure img { max-width: 100%; height: auto; }
figcaption { font-size: 0.8rem; color: #444; text-align: left; }
code { font-size: 0.75rem; overflow-wrap: anywhere; }
.tight { white-space: nowrap; }
@page { size: A4; margin: 16mm; }
@media print {
  body { font-size: 10pt; max-width: none; margin: 0; padding: 0; }
  figure, tr, .verdict { break-inside: avoid; }
  h2, thead { break-after: avoid; }
  thead { display: table-header-group; }
  figure img { max-height: 95mm; }
  figure.large img { max-height: 150mm; }
}
"""
