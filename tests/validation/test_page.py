"""``report.html``: one file, whole, escaped, without a network."""

import base64
import copy
import json
from html.parser import HTMLParser

import pytest

from dnnlik.validation.html import number, table
from dnnlik.validation.page import SECTIONS, page

PIXEL = b"\x89PNG a picture"
VOID = {"meta", "img", "br"}


class Page(HTMLParser):
    """Collects tags, attributes and text; every tag must be closed in order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.attributes, self.text = [], [], [], ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope="module")
def document(report):
    return report.to_json()


def test_it_is_well_formed_and_says_the_verdict_first(document):
    """All tags are closed; the verdict comes before any section; every section is there."""
    found = Page(page(document, {}))
    assert found.open == []
    assert found.text.index("Passed:") < found.text.index("Errors on held-out points")
    assert (
        found.tags.count("h2") == len(SECTIONS) + 4 - 2
    )  # no history without its figure, no ensemble
    for check in document["checks"]:
        assert check["name"] in found.text
        assert check["reason"] in found.text


def test_figures_are_inside(document):
    """Each figure is in the file as data, with a text for those who do not see it."""
    names = ("corner.png", "errors.png", "t_a.png", "t_b.png", "history.png", "pulls.png")
    text = page(document, dict.fromkeys(names, PIXEL))
    found = Page(text)
    assert found.tags.count("img") == len(names)
    assert text.count(base64.b64encode(PIXEL).decode()) == len(names)
    assert all(value for key, value in found.attributes if key == "alt")


def test_nothing_is_loaded(document):
    """No script, no link, no address that a browser would ask for."""
    text = page(document, {"errors.png": PIXEL})
    found = Page(text)
    assert {"script", "link", "iframe"}.isdisjoint(found.tags)
    for key, value in found.attributes:
        assert key not in ("href", "onload")
        assert key != "src" or value.startswith("data:image/png;base64,")
    assert "url(" not in text
    assert "@import" not in text


def test_names_are_escaped(document):
    """A parameter called <b> is shown, not obeyed, wherever a name may stand."""
    text = json.dumps(document)
    for name in "abc":
        text = text.replace(f'"{name}"', f'"<b>{name}\\""')
    wild = json.loads(text)
    wild["not_measured"] = [{"what": "<b>", "reason": "<script>alert(1)</script>"}]
    wild["subject"] = {"<b>": "<i>", "request": {"<b>": "<u>"}}
    found = Page(page(wild, {"t_<b>.png": PIXEL}, title="<b>"))
    assert {"b", "i", "u", "script"}.isdisjoint(found.tags)
    assert '<b>a"' in found.text


def test_missed_and_not_measured_stand_out(document):
    """A failed verdict names what failed; a check that was not measured is said to be so."""
    failed = copy.deepcopy(document)
    failed["checks"][0]["passed"] = False
    failed["checks"][1] |= {"passed": None, "measured": None, "note": "quick"}
    failed["surrogate_sample"] = None
    failed["limits"], failed["toys"] = [], None
    found = Page(page(failed, {}))
    verdict = f"Below threshold: {failed['checks'][0]['name']}."
    assert verdict in found.text
    assert "Not measured: " in found.text
    assert "This was not done" in found.text
    assert ("class", "missed") in found.attributes
    assert ("class", "unmeasured") in found.attributes


def test_a_run_away_is_told(document):
    """Chains that did not converge: the section says so and shows what there is."""
    lost = copy.deepcopy(document)
    lost["surrogate_sample"] |= {
        "converged": False, "reason": "R-hat 9", "whitened": None, "joint": None,
        "intervals": [], "r_hat": None, "outside": 0.5,
    }  # fmt: skip
    assert "did not converge: R-hat 9" in Page(page(lost, {})).text


def test_numbers_and_tables():
    """Numbers have three digits, absent ones a dash; headers stand over their columns."""
    assert [number(x) for x in (0.0, 1.23456, -2e-9, float("nan"), 7)] == [
        "0", "1.23", "-2e-09", "–", "7",
    ]  # fmt: skip
    found = table(["name", "value"], [("x & y", 1.0)])
    assert '<th>name</th><th class="n">value</th>' in found
    assert "x &amp; y" in found


def test_an_ensemble_speaks_of_its_uncertainty(document):
    """A section with the calibration and its bins, numbers from the document."""
    calibration = {"factor": 1.0, "one_sigma": 0.71, "two_sigma": 0.96, "rank_correlation": 0.42,
                   "points": 800}  # fmt: skip
    one = {"low": 0.1, "high": 0.2, "stated": 0.15, "rms": 0.17, "points": 100}
    found = Page(page({**document, "uncertainty": {"calibration": calibration, "bins": [one]}}, {}))
    assert "What the ensemble says of itself" in found.text
    for value in ("71", "96", "0.42", "0.17"):
        assert value in found.text
