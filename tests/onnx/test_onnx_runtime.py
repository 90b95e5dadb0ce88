"""A published file in use: the LogDensity protocol, the domain, damage, few imports."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from dataclasses import replace

import numpy as np
import onnx
import pytest

from dnnlik.exceptions import InvalidFile, InvalidInput, InvalidPoints
from dnnlik.onnx import runtime
from dnnlik.onnx.graph import surrogate_model
from dnnlik.onnx.metadata import metadata_properties
from dnnlik.onnx.runtime import OutsideDomainWarning, PublishedLikelihood
from dnnlik.typing import DifferentiableLogDensity, LogDensity


@pytest.fixture
def description(make_description):
    return make_description(size=5)


@pytest.fixture
def published(description, publish):
    return PublishedLikelihood.open(publish(description), threads=1)


def test_it_is_a_log_density(published, description):
    """A published file fits wherever a likelihood with a gradient does."""
    assert isinstance(published, LogDensity)
    assert isinstance(published, DifferentiableLogDensity)
    assert published.parameters == description.parameters


@pytest.mark.parametrize("adds", [True, False])
def test_terms_add_up(make_description, publish, scatter, adds):
    """main + constraint = likelihood, + prior = density; the constraint is pyhf's closed form."""
    description = make_description(size=5, adds_constraint=adds)
    published = PublishedLikelihood.open(publish(description))
    points = scatter(description, spread=0.3)
    value = published.log_likelihood(points, outside="ignore")
    constraint = published.log_constraint(points)
    np.testing.assert_allclose(constraint, description.parameters.log_constraint(points))
    np.testing.assert_allclose(published.log_main(points) + constraint, value, rtol=1e-12)
    prior = description.parameters.log_prior(points)
    np.testing.assert_array_equal(published.log_prior(points), prior)
    np.testing.assert_array_equal(published.log_density(points), value + prior)


def test_value_and_gradient(published, description, scatter):
    """One evaluation gives what log_likelihood and gradient give apart."""
    points = scatter(description)
    value, gradient = published.value_and_gradient(points)
    np.testing.assert_array_equal(value, published.log_likelihood(points, outside="ignore"))
    np.testing.assert_array_equal(gradient, published.gradient(points))
    assert gradient.shape == points.shape


def test_impossible_points_give_no_nan(published, description):
    """A negative Poisson rate is minus infinity in every term, and nowhere a NaN."""
    points = description.parameters.inits[None].copy()
    points[0, description.parameters.index("gamma")] = -1.0
    for method in (published.log_main, published.log_constraint, published.log_density):
        assert method(points).tolist() == [-np.inf]


def test_blocks_do_not_show(published, description, scatter, monkeypatch):
    """Points evaluated in blocks give what they give at once, also in a partial block."""
    points = scatter(description, n=23)
    whole = published.value_and_gradient(points)
    monkeypatch.setattr(runtime, "BLOCK", 5)
    for once, blocks in zip(whole, published.value_and_gradient(points), strict=True):
        np.testing.assert_allclose(blocks, once, rtol=1e-13)


def test_no_points(published):
    """n = 0 works in every method."""
    none = np.empty((0, 5))
    assert published.log_likelihood(none).shape == (0,)
    assert published.log_main(none).shape == (0,)
    assert published.log_density(none).shape == (0,)
    assert published.gradient(none).shape == (0, 5)
    assert published.in_domain(none).shape == (0,)


@pytest.mark.parametrize("points", [[1.0, 2.0], [[1.0]], [[np.nan] * 5], [["a"] * 5]])
def test_points_are_checked(published, points):
    """Points of the wrong shape, kind or with a NaN are refused."""
    for method in (published.log_likelihood, published.log_main, published.gradient):
        with pytest.raises(InvalidPoints, match="Received: "):
            method(points)


class TestOutside:
    """The domain is spoken of where a person looks, and not where a fit loops."""

    @pytest.fixture
    def points(self, description):
        points = np.tile(description.parameters.inits, (3, 1))
        points[1, description.parameters.index("jes")] = 4.0
        points[2, description.parameters.index("mu")] = -40.0
        return points

    def test_warns(self, published, points):
        """By default a warning says how many points are outside, and what is farthest out."""
        with pytest.warns(OutsideDomainWarning, match="2 of 3 points outside, 'mu' .* -40") as seen:
            value = published.log_likelihood(points)
        assert seen[0].filename == __file__
        assert np.isfinite(value).all()

    def test_combination(self, published, description):
        """A point in the box but far from the training points says that."""
        corner = np.maximum(description.domain.lower, description.parameters.lower) + 0.01
        corner[4] = 2.4
        assert not published.in_domain(corner[None]).any()
        with pytest.warns(OutsideDomainWarning, match="their combination is far"):
            published.log_likelihood(corner[None])

    def test_raise_ignore_nan(self, published, points):
        """Each other choice does what it says."""
        with pytest.raises(InvalidPoints, match="2 of 3 points outside"):
            published.log_likelihood(points, outside="raise")
        ignored = published.log_likelihood(points, outside="ignore")
        nan = published.log_likelihood(points, outside="nan")
        assert np.isnan(nan).tolist() == [False, True, True]
        assert nan[0] == ignored[0]
        with pytest.raises(InvalidInput, match="Received: 'loud'"):
            published.log_likelihood(points, outside="loud")

    def test_inside_is_silent(self, published, points):
        """No warning (here an error) inside the domain."""
        published.log_likelihood(points[:1])
        assert published.in_domain(points).tolist() == [True, False, False]

    def test_inference_is_silent(self, published, points):
        """What fits and samplers call never warns."""
        published.log_main(points)
        published.log_density(points)
        published.gradient(points)
        published.value_and_gradient(points)


class TestDamage:
    """Each unusable file is one line that ends with what was received."""

    def refused(self, path):
        with pytest.raises(InvalidFile) as caught:
            PublishedLikelihood.open(path)
        message = str(caught.value)
        assert "\n" not in message
        assert "Received: " in message
        return message

    def test_missing(self, tmp_path):
        """A missing file, and a folder in its place."""
        assert "no file of this name" in self.refused(tmp_path / "likelihood.onnx")
        assert "no file of this name" in self.refused(tmp_path)

    @pytest.mark.parametrize("content", [b"", b"not an ONNX file", b"\x08\x08\x12"])
    def test_no_onnx(self, tmp_path, content):
        """A file of another kind."""
        path = tmp_path / "likelihood.onnx"
        path.write_bytes(content)
        assert "damaged or no ONNX file" in self.refused(path)

    def test_truncated(self, publish, description):
        """Half a file."""
        path = publish(description)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        assert "damaged or no ONNX file" in self.refused(path)

    def test_without_metadata(self, tmp_path, description):
        """An ONNX file from elsewhere."""
        path = tmp_path / "likelihood.onnx"
        onnx.save(surrogate_model(description, metadata={}), path)
        assert "no likelihood published by dnnlik" in self.refused(path)

    def test_width(self, tmp_path, description, make_description):
        """A graph with another number of inputs than its metadata lists."""
        other = metadata_properties(make_description(4), accuracy={}, author="", license="")
        path = tmp_path / "likelihood.onnx"
        onnx.save(surrogate_model(description, metadata=other), path)
        assert "float64 parameters [batch, 4]" in self.refused(path)

    def test_outputs(self, publish, description):
        """A graph that lacks an output."""
        path = publish(description)
        model = onnx.load(path)
        model.graph.output.pop()
        onnx.save(model, path)
        assert "in_domain" in self.refused(path)

    def test_nothing_is_printed(self, capfd, tmp_path):
        """ONNX Runtime's own log stays off the terminal."""
        path = tmp_path / "likelihood.onnx"
        path.write_bytes(b"nonsense")
        self.refused(path)
        assert capfd.readouterr() == ("", "")


HIDDEN = ["tensorflow", "keras", "pyhf", "emcee", "scipy", "h5py", "onnx", "jsonschema"]


def test_numpy_and_onnxruntime_are_enough(publish, description):
    """A file is loaded and evaluated with every other package hidden, and prints nothing."""
    path = publish(replace(description, provenance={}))
    code = f"""
        import sys
        for name in {HIDDEN}:
            sys.modules[name] = None
        import numpy as np
        from dnnlik.onnx.runtime import PublishedLikelihood
        published = PublishedLikelihood.open({str(path)!r})
        value, gradient = published.value_and_gradient(published.parameters.inits[None])
        assert np.isfinite(value).all() and np.isfinite(gradient).all()
        assert published.in_domain(published.parameters.inits[None]).all()
        assert not [name for name in {HIDDEN} if sys.modules.get(name) is not None]
    """
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
