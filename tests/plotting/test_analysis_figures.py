"""Figures of a trained analysis: what is drawn, also where numbers are missing."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from dnnlik.plotting import analysis as plotting
from dnnlik.plotting.style import png_of

RECORDS = [
    {"epoch": e, "cls": c, "p0": p, "sigma_mu": 0.5 - 0.01 * e, "limit": np.nan}
    for e, c, p in ((0, 0.5, np.nan), (1, 0.1, 0.0), (2, 1e-6, np.nan))
]
SHAPE = {"name": "shape", "type": "histosys", "data": {"hi_data": "up", "lo_data": [1.0, 2.0]}}
CHANNELS = [
    {"name": name, "samples": [
        {"name": f"signal of {name}", "data": "signal", "modifiers": []},
        {"name": "background", "data": [3.0, 5.0], "modifiers": [SHAPE]}]}
    for name in ("SR", "CR")
]  # fmt: skip
YIELDS = {"signal": np.array([1.0, 4.0]), "up": np.array([4.0, 6.0])}


def saved(figure, tmp_path):
    figure.savefig(tmp_path / "figure.png")
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("records", [RECORDS, RECORDS[:1]])
def test_metrics(tmp_path, records):
    """Each record is a point; p-values are logarithmic where they span a decade; NaN and 0
    are no errors; the best epoch is marked."""
    best = len(records) - 1
    figure = plotting.figure_of_metrics(records, best)
    saved(figure, tmp_path)
    first = "log" if len(records) > 1 else "linear"
    assert [axes.get_yscale() for axes in figure.axes] == [first, "linear", "linear", "linear"]
    for axes in figure.axes:
        curve, line = axes.lines
        assert len(curve.get_ydata()) == len(records)
        assert set(line.get_xdata()) == {best}


@pytest.mark.parametrize(
    ("tracked", "titles"),
    [(("sigma_mu", "log_cls"), ["σ of the poi"]), (("log_cls",), ["loss"]),
     (("cls", "p0", "limit"), ["expected CLs", "expected p₀", "expected limit"])],
)  # fmt: skip
def test_metrics_that_were_tracked(tmp_path, tracked, titles):
    """A panel for each of the four that there is, the loss where there is none."""
    records = [{"epoch": e, "loss": 3.0 - e, **dict.fromkeys(tracked, 1.0)} for e in range(3)]
    figure = plotting.figure_of_metrics(records, 1)
    saved(figure, tmp_path)
    assert [axes.get_title() for axes in figure.axes] == titles


@pytest.mark.parametrize("trained", [("sigma_sum",), ("cross_entropy", "cls"), ("cls", "p0")])
def test_what_was_trained_comes_first(tmp_path, trained):
    """Beside the four that are always there, in as many panels, each with its curve."""
    names = ("cls", "p0", "sigma_mu", "limit", "sigma_sum", "cross_entropy")
    records = [{"epoch": e, "loss": 1.0, **{n: k + 0.1 * e for k, n in enumerate(names)}}
               for e in range(3)]  # fmt: skip
    figure = plotting.figure_of_metrics(records, 1, trained)
    saved(figure, tmp_path)
    shown = [axes.lines[0].get_ydata()[0] for axes in figure.axes]
    other = [names.index(name) for name in trained if name not in names[:4]]
    assert shown == [*other, 0, 1, 2, 3]


def test_the_end_of_the_pretraining_is_marked():
    """Where there was one, in every panel, and said."""
    figure = plotting.figure_of_metrics(RECORDS, 2, pretraining=1)
    for axes in figure.axes:
        assert [set(line.get_xdata()) for line in axes.lines[1:]] == [{2}, {1}]
    assert "end of the pretraining" in figure.get_suptitle()
    assert "pretraining" not in plotting.figure_of_metrics(RECORDS, 2).get_suptitle()


def test_no_two_samples_look_alike():
    """A colour and a marker each, also where there are more samples than colours."""
    events = {str(k): np.random.default_rng(k).normal(k, 1, (20, 2)) for k in range(13)}
    figure = plotting.figure_of_contours(lambda grid: grid[:, 0], np.linspace(-9, 9, 4), events)
    centres = [line for line in figure.axes[0].lines if line.get_label() in events]
    assert len({(line.get_color(), line.get_marker()) for line in centres}) == len(events)


def test_colours_stay_apart_in_the_file():
    """No pixel of a crowded figure is another colour than that of the figure, by more than a
    tenth of the range, and areas hardly at all."""
    rng = np.random.default_rng(1)
    events = {str(k): rng.normal(k, 1, (2000, 2)) for k in range(6)}
    figure = plotting.figure_of_contours(
        lambda grid: 1 / (1 + np.exp(grid.sum(axis=1))), np.linspace(0, 1, 9), events
    )
    png_of(figure)  # the layout settles with the first drawing
    drawn = BytesIO()
    figure.savefig(drawn, format="png")
    exact, found = (
        np.asarray(Image.open(BytesIO(content)).convert("RGB"), int)
        for content in (drawn.getvalue(), png_of(figure))
    )
    error = np.abs(found - exact).max(axis=-1)
    assert error.max() <= 25
    colours, place, count = np.unique(
        exact.reshape(-1, 3), axis=0, return_inverse=True, return_counts=True
    )
    for area in np.argsort(-count)[:9]:  # paper, and eight bins
        assert error.ravel()[place.ravel() == area].max() <= 2, colours[area]


def test_a_floor_does_not_fill_the_panel(tmp_path):
    """Empty bins hold a floor far below all else; the axis ends five decades below the top."""
    yields = {"signal": np.array([3.0, 1e-6, 2.0]), "background": np.array([1e-6, 400.0, 1e-6])}
    samples = [{"name": name, "data": name, "modifiers": []} for name in yields]
    figure = plotting.figure_of_templates([{"name": "SR", "samples": samples}], yields)
    saved(figure, tmp_path)
    (axes,) = figure.axes
    assert axes.get_yscale() == "log"
    assert axes.get_ylim()[0] == pytest.approx(4e-3)


def test_templates(tmp_path):
    """A panel a channel; nominal, up and down of each sample, of events or of numbers."""
    figure = plotting.figure_of_templates(CHANNELS, YIELDS)
    saved(figure, tmp_path)
    assert [axes.get_title() for axes in figure.axes] == ["SR", "CR"]
    heights = [patch.get_data().values.tolist() for patch in figure.axes[0].patches]
    assert heights == [[1, 4], [3, 5], [4, 6], [1, 2]]
    labels = figure.axes[1].get_legend_handles_labels()[1]
    assert labels == ["signal of CR", "background"]


def test_templates_in_categories(tmp_path):
    """A name for each equal part of the bins and a line between them, where there are events."""
    own, control = CHANNELS[0], {"name": "CR", "samples": CHANNELS[0]["samples"][1:]}
    figure = plotting.figure_of_templates([own, control], YIELDS, ("first", "second"))
    saved(figure, tmp_path)
    texts = [[text.get_text() for text in axes.texts] for axes in figure.axes]
    assert texts == [["first", "second"], []]
    assert [set(line.get_xdata()) for line in figure.axes[0].lines] == [{0.5}]


def test_categories(tmp_path):
    """A name in the middle of each region; a category may have none."""
    rng = np.random.default_rng(0)
    events = {name: rng.normal(c, 1, (30, 2)) for name, c in (("signal", 1.0), ("other", -1.0))}

    def probabilities(x):
        odds = np.exp(np.stack([x[:, 0], -x[:, 0], 0 * x[:, 1] - 9], axis=1))
        return odds / odds.sum(axis=1, keepdims=True)

    edges = np.array([1 / 3, 0.6, 1.0])
    figure = plotting.figure_of_categories(probabilities, ("left", "right", "none"), edges, events)
    saved(figure, tmp_path)
    places = {text.get_text(): text.get_position()[0] for text in figure.axes[0].texts}
    assert places["left"] > 0.5
    assert places["right"] < -0.5
    assert "none" not in places


def test_many_variations_are_a_band(tmp_path):
    """More than two variations of a sample: one band, the larger side of each in quadrature."""
    others = [
        {
            "name": f"{i}",
            "type": "histosys",
            "data": {"hi_data": [3.0 + i, 5.0], "lo_data": [3.0, 1]},
        }
        for i in (3, 4)
    ]
    sample = {"name": "background", "data": [3.0, 5.0], "modifiers": [SHAPE, *others]}
    channel = {"name": "SR", "samples": [sample]}
    figure = plotting.figure_of_templates([channel], YIELDS)
    saved(figure, tmp_path)
    nominal, band = (patch.get_data() for patch in figure.axes[0].patches)
    assert nominal.values.tolist() == [3, 5]
    size = np.sqrt([2**2 + 3**2 + 4**2, 3**2 + 4**2 + 4**2])
    np.testing.assert_allclose(band.values, size + np.array([3, 5]))
    np.testing.assert_allclose(band.baseline, [0, 0])  # not below it
    np.testing.assert_allclose(band.edges, [-0.5, 0.5, 1.5])


@pytest.mark.parametrize("constant", [False, True])
def test_contours(tmp_path, constant):
    """Bins over the plane, and the centre of each sample; also of a feature that is constant."""
    rng = np.random.default_rng(0)
    events = {name: rng.normal(c, 1, (30, 2)) for name, c in (("signal", 1.0), ("other", -1.0))}
    if constant:
        events = {name: points * [1, 0] for name, points in events.items()}
    edges = np.array([0.0, 0.2, 0.9, 1.0])
    figure = plotting.figure_of_contours(lambda x: 1 / (1 + np.exp(-x[:, 0])), edges, events)
    saved(figure, tmp_path)
    centres = {line.get_label(): line.get_xydata()[0] for line in figure.axes[0].lines}
    for name, points in events.items():
        np.testing.assert_allclose(centres[name], points.mean(axis=0))
