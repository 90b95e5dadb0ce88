"""Figures of inference: what is drawn, what is left out and said, and files that open."""

from itertools import pairwise

import numpy as np
import pytest
from matplotlib.figure import Figure

from dnnlik.inference import (
    ClsCurve,
    Impacts,
    Pulls,
    ToyCls,
    UpperLimit,
    profile,
    upper_limit,
)
from dnnlik.inference.asymptotics import expected_cls
from dnnlik.likelihoods import AnalyticLikelihood
from dnnlik.parameters import Parameter
from dnnlik.plotting import inference as plotting


def pulls_of(size):
    """The first moved by the data, the last narrowed, one at a bound."""
    pull, constraint = np.full(size, 0.01), np.full(size, 0.99)
    pull[0], constraint[-1], constraint[1] = 2.4, 0.2, np.nan
    names = tuple(f"a_rather_long_name_of_a_nuisance_parameter_{i}" for i in range(size))
    return Pulls(names, np.zeros(size), np.ones(size), pull, constraint)


def impacts_of(pulls):
    size = len(pulls.names) + 1
    postfit = np.linspace(0.1, 1, size)[:, None] * [1, -0.8]
    postfit[3] = np.nan
    prefit = 1.2 * postfit
    prefit[-1] = np.nan
    return Impacts("mu", (*pulls.names, "free_norm"), postfit, prefit, True)


@pytest.fixture
def limit():
    mu = Parameter("mu", 1, (0, 9), poi=True)
    return upper_limit(AnalyticLikelihood([mu], lambda p: -0.5 * (p[:, 0] - 0.4) ** 2))


def texts(figure):
    """Everything that is written in a figure."""
    figure.canvas.draw()
    return [t.get_text() for t in figure.findobj(lambda artist: hasattr(artist, "get_text"))]


def saved(figure, tmp_path):
    """A figure that can be written, and is a picture."""
    assert isinstance(figure, Figure)
    figure.savefig(tmp_path / "figure.png")
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")


def test_pulls_of_few_are_all_drawn(tmp_path):
    """Every parameter has its row, a width that is not known is none."""
    figure = plotting.figure_of_pulls(pulls_of(5))
    saved(figure, tmp_path)
    assert len(figure.axes[0].get_yticks()) == 5
    assert figure.axes[0].get_title() == ""


def test_pulls_of_many_are_the_largest_and_it_says_so(tmp_path):
    """Of 120 parameters the 30 that matter, long names shortened."""
    figure = plotting.figure_of_pulls(pulls_of(120))
    saved(figure, tmp_path)
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert len(labels) == plotting.MOST
    assert labels[0].endswith("_0")
    assert labels[-1].endswith("_119")
    assert all(len(label) <= 38 for label in labels)
    assert "30 of 120 parameters" in figure.axes[0].get_title()


def test_labels_do_not_overlap():
    """Rows are farther apart than their names are high."""
    figure = plotting.figure_of_pulls(pulls_of(120))
    figure.canvas.draw()
    boxes = [label.get_window_extent() for label in figure.axes[0].get_yticklabels()]
    gaps = [a.y0 - b.y1 for a, b in pairwise(boxes)]
    assert min(gaps) > 0


def test_impacts_are_ranked(tmp_path):
    """Largest on top; a free parameter has no pull; what is at a bound is left out."""
    pulls = pulls_of(40)
    figure = plotting.figure_of_impacts(impacts_of(pulls), pulls)
    saved(figure, tmp_path)
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels[0] == "free_norm"
    assert len(labels) == plotting.MOST
    assert "free" in texts(figure)
    assert any("30 of 41 parameters with the largest impact on mu" in t for t in texts(figure))


def test_scan_with_its_intervals(tmp_path):
    """The curve in order of the values, and the intervals in the legend."""
    mu = Parameter("mu", 0, (-9, 9), poi=True)
    density = AnalyticLikelihood([mu], lambda p: -0.5 * (p[:, 0] - 1) ** 2)
    scan = profile(density, "mu", [3.0, -1.0, 1.0])
    figure = plotting.figure_of_profile(scan, [(1.0, (0.0, 2.0)), (9.0, (-2.0, 4.0))])
    saved(figure, tmp_path)
    np.testing.assert_allclose(figure.axes[0].lines[0].get_xdata(), [-1, 1, 3])
    assert "t = 1: [0, 2]" in texts(figure)
    assert not any("t = 9" in text for text in texts(figure))
    axes = plotting.figure_of_profile(scan, [(1.0, (-200.0, 200.0))]).axes[0]
    assert axes.get_xlim() == pytest.approx((-1.2, 3.2))  # matplotlib's margin, no farther
    assert "best fit: mu = 1" in texts(figure)


def test_brazil(tmp_path, limit):
    """Band, observed curve and limits; Wald's approximation is called by its name."""
    figure = plotting.figure_of_limit(limit)
    saved(figure, tmp_path)
    labels = figure.axes[0].get_legend_handles_labels()[1]
    assert "expected (Wald)" in labels
    assert f"observed {limit.observed:.3g}" in figure.axes[0].get_title()


def test_brazil_with_toys_and_without_a_limit(tmp_path):
    """Toys have error bars; a limit that is not reached is not drawn but said."""
    values = np.linspace(0, 1, 5)
    band = expected_cls(values)
    curve = ClsCurve("mu", "qtilde", values, values**2, values, band[:, 2], np.ones(5),
                     band[:, 2], band, "dataset", np.ones(5, dtype=bool))  # fmt: skip
    limit = UpperLimit(
        "mu", 0.9, np.nan, np.full(5, np.nan), curve, "dataset", np.zeros(6, dtype=bool)
    )
    error = np.full(5, 0.05)
    toys = ToyCls("mu", "qtilde", values, values**2, band[:, 2], error, np.ones(5), error,
                  band[:, 2], error, band, 100, np.zeros(5, dtype=int))  # fmt: skip
    figure = plotting.figure_of_limit(limit, toys)
    saved(figure, tmp_path)
    assert "observed, 100 toys" in figure.axes[0].get_legend_handles_labels()[1]
    assert "observed not reached" in figure.axes[0].get_title()
