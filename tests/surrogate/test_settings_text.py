"""Settings as text: every value there and back, and one line for what is none."""

from dataclasses import fields

import pytest

from dnnlik.exceptions import InvalidInput
from dnnlik.surrogate.settings import RECIPES, TrainingSettings
from dnnlik.surrogate.settings_text import setting_of, text_of


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_setting_there_and_back(recipe):
    """What a setting is written as is read as the same value of the same type."""
    for field in fields(TrainingSettings):
        value = getattr(RECIPES[recipe], field.name)
        found = setting_of(field.name, f" {text_of(value)} ")
        assert (found, type(found)) == (value, type(value)), field.name


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("speed", "1", "the settings are layers, activation"),
        ("rate_patience", "1.5", "rate_patience: expected a whole number"),
        ("rate_patience", "none", "rate_patience: expected a whole number"),
        ("draw", "much", "draw: expected a number"),
        ("draw", "nan", "draw: expected a number"),
        ("gain", "inf", "gain: expected a number"),
        ("standardise", "1", "standardise: expected true or false"),
        ("standardise", "", "standardise: expected true or false"),
        ("layers", "9,x", "layers: expected whole numbers separated by commas"),
    ],
)
def test_texts_of_no_value(name, text, complaint):
    """One line that says what is expected, ended by what was received."""
    with pytest.raises(InvalidInput, match=f"{complaint}.*Received: ") as caught:
        setting_of(name, text)
    assert "\n" not in str(caught.value)
