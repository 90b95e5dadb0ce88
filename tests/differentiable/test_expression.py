"""Sums of objectives from text: what is understood, and what is refused in one line."""

import math
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnnlik.differentiable.expression import Loss, parse_loss
from dnnlik.differentiable.objectives import OBJECTIVES
from dnnlik.exceptions import InvalidInput

SUMS = {
    "cls": [(1, "cls")],
    "  cls\t": [(1, "cls")],
    "cls + 0.5*p0": [(1, "cls"), (0.5, "p0")],
    "cls+.5*p0": [(1, "cls"), (0.5, "p0")],
    "0.5 * p0 + cls": [(0.5, "p0"), (1, "cls")],
    "p0*0.5 - cls": [(0.5, "p0"), (-1, "cls")],
    "-cls": [(-1, "cls")],
    "+ cls": [(1, "cls")],
    "1e-3*cls - 2.E+2*sigma_mu": [(1e-3, "cls"), (-200, "sigma_mu")],
    "cls + cls": [(1, "cls"), (1, "cls")],
}


@pytest.mark.parametrize("text", SUMS)
def test_sums(text):
    """Signs, weights on either side, numbers of any notation, in the order of the text."""
    assert parse_loss(text).terms == tuple(SUMS[text])


REFUSED = {
    "": "has a name",
    "   ": "or one name",
    "cls +": r"at '\+'",
    "cls + + p0": r"at '\+ \+ p0'",
    "--cls": "at '--cls'",
    "cls p0": "at 'p0'",
    "2*cls*3": r"at '2\*cls\*3'",
    "2cls": "at '2cls'",
    "2*": r"at '2\*'",
    "cls*p0": r"at '\*p0'",
    "cls/2": "at '/2'",
    "(cls)": r"at '\(cls\)'",
    "cls**2": r"at '\*\*2'",
    "0x10*cls": "at '0x10",
    "nan*cls": "no objective of this name",
    "clz + p0": "'clz'",
    "CLS": "no objective of this name; .*Received: 'CLS'",
    "1e999*cls": "finite",
    "__import__('os').system('true')": "no objective of this name",
    "cls; import os": "at '; import os'",
    "cls + lambda: 0": "'lambda'",
    "cls\x00": "at",
    "cls + p0\n+ σ": "at",
    "cls + " * 5000: "at",
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_refused(text):
    """No sum, no such name, no code: one line that quotes the text."""
    with pytest.raises(InvalidInput, match=REFUSED[text]) as error:
        parse_loss(text)
    assert "\n" not in str(error.value)
    assert "Received: " in str(error.value)


def test_a_wrong_name_lists_all():
    """As the command line says."""
    with pytest.raises(InvalidInput) as error:
        parse_loss("loss")
    assert all(name in str(error.value) for name in OBJECTIVES)


@given(st.text())
def test_any_text_is_a_sum_or_refused(text):
    """Nothing else happens."""
    with suppress(InvalidInput):
        assert parse_loss(text).terms


TERMS = st.tuples(
    st.floats(-1e6, 1e6).filter(lambda x: abs(x) > 1e-300), st.sampled_from([*OBJECTIVES])
)


@given(st.lists(TERMS, min_size=1, max_size=5))
def test_what_is_written_is_read(terms):
    """Any sum with all digits of its weights."""
    text = " ".join(f"{'-' if w < 0 else '+'} {abs(w)!r}*{name}" for w, name in terms)
    assert parse_loss(text).terms == tuple(terms)


@pytest.mark.parametrize(
    ("text", "logarithmic"),
    [("cls", True), ("cls + 0.5*p0", True), ("cls - p0", False), ("cls + sigma_mu", False),
     ("log_cls", False), ("significance", True), ("limit", True), ("limit + sigma_mu", False),
     ("cls + 0*sigma_mu", True), ("cross_entropy", False), ("0.5*cls + 0.5*cross_entropy", False)],
)  # fmt: skip
def test_positive_numbers_are_followed_on_a_logarithmic_scale(text, logarithmic):
    """One of them alone, or a sum of p-values with positive weights; weights of zero are none."""
    assert parse_loss(text).logarithmic == logarithmic


def test_numbers_that_are_known():
    """The sum of metrics by name; what is to be large enters with the other sign."""
    loss = parse_loss("cls + 0.5*p0 - 2*sigma_mu + 3*significance")
    metrics = {"cls": 1.0, "p0": 0.2, "sigma_mu": 0.3, "significance": 4.0, "limit": math.nan}
    assert loss.of(metrics) == pytest.approx(1 + 0.1 - 0.6 - 12)
    assert str(Loss(((1.0, "cls"), (0.5, "p0")))) == "cls + 0.5*p0"
    assert parse_loss("p0 + cross_entropy").needs_scores
    assert not parse_loss("p0 + cls").needs_scores
