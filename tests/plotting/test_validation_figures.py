"""Figures of a validation: what is drawn, and regions that hold what they say."""

import numpy as np
import pytest
from matplotlib.text import Text
from scipy.stats import chi2

from dnnlik.inference import LEVELS, upper_limit
from dnnlik.likelihoods import AnalyticLikelihood
from dnnlik.parameters import Parameter
from dnnlik.plotting.comparison import figure_of_cls
from dnnlik.plotting.corner import correlated_columns, figure_of_corner, region_levels
from dnnlik.plotting.report import figures_of
from dnnlik.plotting.style import png_of
from dnnlik.plotting.validation import figure_of_history
from dnnlik.surrogate.likelihood import SurrogateLikelihood
from dnnlik.validation.limits import LimitComparison
from dnnlik.validation.validate import validate

HISTORY = [
    {"epoch": i, "loss": 1 / i, "validation_loss": 1.1 / i, "rate": 1e-3 if i < 9 else 2e-4}
    for i in range(1, 20)
]


@pytest.fixture(scope="module")
def figures(small_run):
    """All figures of a validation with points from the surrogate."""
    surrogate = small_run.surrogate
    assert isinstance(surrogate, SurrogateLikelihood)
    report = validate(
        small_run.likelihood,
        surrogate,
        small_run.samples,
        domain=surrogate.description.domain,
        folder=small_run.folder / "validation",
    )
    return figures_of(report, HISTORY)


def texts(figure):
    """Everything that is written in a figure."""
    figure.canvas.draw()
    return [text.get_text() for text in figure.findobj(Text)]


def test_every_question_has_its_figure(figures):
    """Names of files, and a title in each that is a PNG when saved."""
    assert set(figures) == {
        "corner.png", "errors.png", "errors_by_distance.png", "errors_by_parameter.png",
        "outside.png", "pulls.png", "history.png", "t_mu.png", "posterior_mu.png", "cls_mu.png",
    }  # fmt: skip
    for figure in figures.values():
        titled = [a.get_title() for a in figure.axes if a.get_title()]
        assert titled or figure.get_suptitle()
        assert png_of(figure).startswith(b"\x89PNG")


def test_the_corner_plot_names_both_samples(figures):
    """Parameters on the axes, both samples in the legend, no panel above the diagonal."""
    figure = figures["corner.png"]
    shown = texts(figure)
    assert {"mu", "jes", "background", "exact", "surrogate (sampled)"} <= set(shown)
    assert sum(axes.get_visible() for axes in figure.axes) == 6


def test_pulls_of_free_parameters_are_said_to_have_none(figures):
    """mu and background have no auxiliary measurement; jes has."""
    assert texts(figures["pulls.png"]).count("no auxiliary measurement") == 2


def test_the_learning_rate_is_not_loud():
    """At most a handful of labels on its axis, and it is grey and dotted."""
    figure = figure_of_history(HISTORY)
    figure.canvas.draw()
    rate = figure.axes[1]
    low, high = rate.get_ylim()
    ticks = [t for t in rate.yaxis.get_ticklocs() if low <= t <= high]
    assert len(ticks) + len(rate.yaxis.get_ticklocs(minor=True)) <= 4
    assert rate.lines[0].get_linestyle() == ":"


def test_regions_hold_their_levels():
    """Level sets of a fine Gaussian histogram are circles of the χ² quantiles."""
    x = np.linspace(-6, 6, 601)
    square = x[:, None] ** 2 + x[None, :] ** 2
    levels = region_levels(np.exp(-0.5 * square))
    radii2 = -2 * np.log(levels)[::-1]
    assert radii2 == pytest.approx(chi2.ppf(LEVELS, 2), rel=2e-3)


def test_the_most_correlated_come_with_the_pois():
    """The poi first, then the others by the size of their correlation with it."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4000, 5))
    x[:, 3] -= 2 * x[:, 1]
    x[:, 0] += 0.5 * x[:, 1]
    assert correlated_columns(x, [1], most=2) == [1, 3, 0]
    assert correlated_columns(x[:, :2], [0, 1]) == [0, 1]


def test_a_corner_plot_ends_at_a_bound():
    """Points that stop at zero: nothing is drawn below it."""
    x = np.abs(np.random.default_rng(1).normal(size=(5000, 2)))
    figure = figure_of_corner(["a", "b"], x, x[::2], weights=np.full(2500, 2.0))
    assert figure.axes[0].get_xlim()[0] >= -0.3
    patch = figure.axes[2].collections[0].get_paths()
    assert min(path.vertices[:, 0].min() for path in patch if len(path.vertices)) >= 0


def test_a_sample_that_does_not_vary_is_drawn():
    """A column with one value is no reason to fail."""
    x = np.random.default_rng(2).normal(size=(500, 2))
    x[:, 1] = 3.0
    assert png_of(figure_of_corner(["a", "b"], x, x))


def test_limits_beyond_the_bounds_are_drawn():
    """Where no CL_s falls below 5 % all values that were computed are shown."""
    wide = AnalyticLikelihood(
        [Parameter("mu", 0.5, (0, 1), poi=True)], lambda x: -0.5 * (x[:, 0] / 9) ** 2
    )
    limit = upper_limit(wide)
    assert np.isnan(limit.observed)
    figure = figure_of_cls(LimitComparison("mu", limit, limit, None))
    assert figure.axes[0].get_xlim() == pytest.approx((0, limit.curve.values.max()))
