"""The page in headless Chromium finds what Python finds, and is usable."""

from __future__ import annotations

import json
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from browser import served

import dnnlik
from dnnlik import inference
from dnnlik.explorer import add_explorer

TOLERANCE = 1e-4


@contextmanager
def opened(browser, bundle, runtime):
    """The page of a bundle; it fits and scans when it is opened."""
    add_explorer(bundle, runtime)
    browser.problems.clear()
    browser.look(1280, 900)
    with served(bundle) as address:
        browser.open(f"{address}explorer/")
        yield
        browser.call("Page.navigate", url="about:blank")


@pytest.fixture(scope="module")
def bundle(small_run, tmp_path_factory):
    return shutil.copytree(small_run.folder / "bundle", tmp_path_factory.mktemp("page") / "b")


@pytest.fixture(scope="module")
def page(browser, bundle, runtime):
    """The page of a surrogate."""
    with opened(browser, bundle, runtime):
        yield browser


def column(page, table, name):
    rows = (
        f"[...document.querySelectorAll('{table} tbody tr')]"
        ".sort((a, b) => (a.dataset.column ?? 0) - (b.dataset.column ?? 0))"
        f".map((row) => +row.dataset.{name})"
    )
    return np.array(page.evaluate(rows), dtype=float)


def scanned(page):
    return column(page, "#scan-table", "value"), column(page, "#scan-table", "t")


def assert_is_the_fit(page, likelihood, **fixed):
    """Value and point to 1e-4 of the widths, errors to a per cent; the fit in Python."""
    best = inference.fit(likelihood, fixed=fixed).checked()
    errors = inference.uncertainties(likelihood, best).errors
    assert page.data("#fit-table") == pytest.approx(best.log_likelihood, abs=TOLERANCE)
    free = np.isfinite(errors)
    shift = (column(page, "#fit-table", "value") - best.point)[free] / errors[free]
    np.testing.assert_allclose(shift, 0, atol=TOLERANCE)
    found = column(page, "#fit-table", "error")
    if not fixed:
        np.testing.assert_allclose(found[free], errors[free], rtol=0.01)


def test_the_fit_is_that_of_python(page, bundle):
    """Maximum, point and errors of the surrogate; nothing beyond this machine is asked for."""
    assert_is_the_fit(page, dnnlik.load(bundle))
    assert "; converged" in page.text("#fit-note")
    assert page.text("#domain") == "inside the training domain"
    assert page.problems == []


def test_the_scan_is_that_of_python(page, bundle):
    """t of the parameter of interest, profiled, at the values of the exact points; which are
    those of the validation and lie beside the curve."""
    values, t = scanned(page)
    wanted = inference.profile(dnnlik.load(bundle), "mu", values)
    np.testing.assert_allclose(t, wanted.t, atol=TOLERANCE)
    (exact,) = json.loads((bundle / "validation.json").read_text())["scans"]
    np.testing.assert_array_equal(values, exact["values"])
    assert page.evaluate("document.querySelectorAll('#scan-plot .exact').length") == 22
    assert page.evaluate("document.querySelectorAll('#scan-plot .value').length") == 21


def set_value(page, selector, value, event="change"):
    page.evaluate(
        f"(() => {{ const e = document.querySelector({json.dumps(selector)}); e.value = {value};"
        f" e.dispatchEvent(new Event('{event}')); }})()"
    )
    page.wait_until_ready()


def test_a_scan_over_a_chosen_set(page, bundle):
    """With jes held at 1 and background profiled: Python's fits with jes held there."""
    likelihood = dnnlik.load(bundle)
    set_value(page, "[aria-label='value of jes']", 1)
    page.click("[aria-label='fit jes']")
    try:
        set_value(page, "#scan-count", 5, "input")
        page.click("#scan-button")
        values, t = scanned(page)
        assert len(values) == 5
        best = inference.fit(likelihood, fixed={"jes": 1.0})
        fits = [inference.fit(likelihood, fixed={"jes": 1.0, "mu": v}) for v in values]
        wanted = [2 * (best.log_likelihood - fit.log_likelihood) for fit in fits]
        np.testing.assert_allclose(t, wanted, atol=TOLERANCE)
        assert "1 held" in page.text("#scan-note")
        assert_is_the_fit(page, likelihood, jes=1.0)
        assert page.evaluate("document.querySelectorAll('#scan-plot .exact').length") == 0
    finally:
        page.click("[aria-label='fit jes']")
        page.click("#fit-button")


def test_a_scan_with_everything_held(page, bundle):
    """The likelihood itself along one parameter, relative to its highest point."""
    likelihood = dnnlik.load(bundle)
    page.click("#start-button")
    page.click("#free-none")
    try:
        page.click("#scan-button")
        values, t = scanned(page)
        points = np.tile(likelihood.parameters.inits, (len(values), 1))
        points[:, 0] = values
        others = dict(zip(likelihood.parameters.names[1:], points[0, 1:], strict=True))
        best = inference.fit(likelihood, fixed=others).log_likelihood
        found = likelihood.log_likelihood(points, outside="ignore")
        np.testing.assert_allclose(t, 2 * (best - found), atol=TOLERANCE)
    finally:
        page.click("#free-all")
        page.click("#fit-button")


def test_a_scan_that_makes_no_sense_says_so(page):
    """A range from high to low: a sentence, and the page goes on."""
    before = page.evaluate("document.querySelector('#scan-from').value")
    set_value(page, "#scan-from", 7, "input")
    page.click("#scan-button")
    assert "from a smaller to a larger" in page.text("#scan-note")
    set_value(page, "#scan-from", float(before), "input")
    page.click("#scan-button")
    assert page.text("#scan-note") == "all other parameters profiled"


def test_parameters_are_found_by_name(page):
    """Rows without the text are hidden."""
    shown = "[...document.querySelectorAll('#parameters li')].filter((e) => e.offsetParent).length"
    assert page.evaluate(shown) == 3
    set_value(page, "#filter", "'BACK'", "input")
    assert page.evaluate(shown) == 1
    set_value(page, "#filter", "''", "input")
    assert page.evaluate(shown) == 3


def test_outside_of_the_domain_it_warns(page, bundle):
    """A slider beyond the training: the words, the number, and back."""
    low = dnnlik.load(bundle).metadata.lower[0]
    set_value(page, "[aria-label='value of mu']", low - 0.05)
    assert page.text("#domain").startswith("outside the training domain")
    page.click("#best-button")
    assert page.text("#domain") == "inside the training domain"
    assert page.data("#t", "value") == pytest.approx(0, abs=1e-9)


def test_the_keyboard_moves_a_slider(page, bundle):
    """An arrow key on a focused slider; ln L and t are those of the new point."""
    page.click("#best-button")
    page.evaluate("document.querySelector('input[type=range][aria-label=mu]').focus()")
    for _ in range(8):
        page.key("ArrowRight", 39)
    point = page.evaluate(
        "[...document.querySelectorAll('#parameters input[type=range]')].map((e) => +e.value)"
    )
    likelihood = dnnlik.load(bundle)
    best = inference.fit(likelihood)
    moved = np.array([point[0], *best.point[1:]])
    assert moved[0] > best["mu"] + 0.1
    wanted = likelihood.log_likelihood([moved])[0]
    assert page.data("#value") == pytest.approx(wanted, abs=TOLERANCE)
    assert page.data("#t") == pytest.approx(2 * (best.log_likelihood - wanted), abs=TOLERANCE)
    page.click("#best-button")


@pytest.mark.parametrize("width", [320, 390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_the_window(page, width, scheme):
    """No sideways scrolling, and text that stands out from its ground (WCAG: at least 4.5)."""
    page.look(width, 844, scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for selector in ("#title", "#about", "#scan-result", "#fit-button", "#domain", "#fit-table td"):
        assert page.evaluate(f"({_CONTRAST})({json.dumps(selector)})") >= 4.5
    small = page.evaluate(
        "[...document.querySelectorAll('button, select, input[type=number]')]"
        ".filter((e) => e.offsetParent && e.getBoundingClientRect().height < 36).length"
    )
    assert small == 0


_CONTRAST = """(selector) => {
  const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = (text) => rgb(text).slice(0, 3).map((v) => v / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const e = document.querySelector(selector);
  let ground = e;
  const seen = (g) => rgb(getComputedStyle(g).backgroundColor)[3] !== 0;
  while (!seen(ground) && ground.parentElement) ground = ground.parentElement;
  const pair = [light(getComputedStyle(e).color), light(getComputedStyle(ground).backgroundColor)];
  return (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
}"""


def test_every_control_has_a_name(page):
    """What a screen reader says of each control and of the plot."""
    nameless = page.evaluate(
        "[...document.querySelectorAll('input, select, button, svg[role=img]')].filter((e) =>"
        " !(e.labels?.length || e.getAttribute('aria-label') || e.textContent.trim())).length"
    )
    assert nameless == 0
    assert page.evaluate("document.querySelector('#scan-plot').ariaLabel").startswith("t of mu")


def test_the_exact_likelihood_of_a_workspace(browser, exact, exact_bundle, runtime):
    """The closed form of 17 parameters: fit, pulls and scan are those of the tensor program."""
    with opened(browser, exact_bundle, runtime):
        assert_is_the_fit(browser, exact)
        values, t = scanned(browser)
        np.testing.assert_allclose(t, inference.profile(exact, "mu", values).t, atol=TOLERANCE)
        found = inference.pulls(inference.uncertainties(exact, inference.fit(exact)))
        rows = browser.evaluate(
            "[...document.querySelectorAll('#fit-table tbody tr')].map((row) =>"
            " [...row.children].slice(0, 5).map((cell) => cell.textContent))"
        )
        shown = {r[0]: r[3:] for r in rows if r[3]}
        assert sorted(shown) == sorted(found.names)
        for name, pull, constraint in zip(found.names, found.pulls, found.constraints, strict=True):
            numbers = [float(text.replace("−", "-")) for text in shown[name]]
            np.testing.assert_allclose(numbers, [pull, constraint], atol=2e-3, rtol=0.01)
        assert browser.text("#title") == "Two <regions>"
        assert browser.text("#domain") == "inside the bounds"
        expected = [f"{name}.json" for name in ("validation",)]
        assert all(any(name in problem for name in expected) for problem in browser.problems)


def test_a_bundle_without_its_model_says_so(browser, exact_bundle, runtime, tmp_path):
    """One sentence instead of a page that waits."""
    bundle = Path(shutil.copytree(exact_bundle, tmp_path / "bundle"))
    add_explorer(bundle, runtime)
    (bundle / "likelihood.onnx").unlink()
    with served(bundle) as address:
        browser.open(f"{address}explorer/")
        assert browser.evaluate("document.documentElement.dataset.state") == "failed"
        assert "could not be opened: likelihood.onnx: 404" in browser.text("#domain")


def test_the_numerics_in_node():
    """Minimiser, scan and formats against closed forms: numerics.test.mjs."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not there: `.ci/run` installs it")
    test = Path(__file__).with_name("numerics.test.mjs")
    result = subprocess.run([node, "--test", test], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout
