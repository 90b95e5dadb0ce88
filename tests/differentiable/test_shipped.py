"""The problems that ship, and those in files of users."""

import numpy as np
import pyhf
import pytest
import tensorflow as tf
from analyses import trained_of, trainer_of

from dnnlik.datasets.blobs import blobs
from dnnlik.datasets.cut import asimov_significance
from dnnlik.datasets.mixture import densities
from dnnlik.datasets.resonance_search import resonance_search
from dnnlik.datasets.two_signals import two_signals
from dnnlik.differentiable import (
    Binning,
    CategoryObservable,
    CutObservable,
    NetworkObservable,
    SoftmaxObservable,
)
from dnnlik.differentiable.methods import settings_of
from dnnlik.differentiable.objectives import sigma_mu
from dnnlik.differentiable.problems import mixture_problem, resonance_problem
from dnnlik.differentiable.settings import Settings
from dnnlik.differentiable.shipped import (
    SHIPPED,
    network_observable,
    observable_of,
    open_problem,
)
from dnnlik.differentiable.workspace import workspace_of
from dnnlik.exceptions import InvalidFile, InvalidInput


def test_blobs():
    """The events of the dataset with its yields; a network in equal bins."""
    problem, make = open_problem("blobs", 3)
    assert problem.names == ("signal", "background", "background_up", "background_down")
    assert [problem.expected(n) for n in problem.names] == [20, 100, 100, 100]
    expected = blobs(10_000, seed=3)["signal"].astype(np.float32)
    np.testing.assert_array_equal(problem.events["signal"].features, expected)
    observable = make(problem, 4, seed=1, bandwidth=0.1, train_edges=True)
    assert isinstance(observable, NetworkObservable)
    assert observable.binning.bins == 4
    assert observable.describe() == pytest.approx({"edge_1": 0.25, "edge_2": 0.5, "edge_3": 0.75})


@pytest.mark.parametrize("number", range(5))
def test_the_mixture(number):
    """What floats in each benchmark, and its widths: 0.4 and 1 in steps of 0.2 and 0.5."""
    problem = mixture_problem(1, number, 1000)
    floating = [(), ("shift",), ("shift", "rate"), ("shift", "rate"), ("shift", "rate", "lumi")]
    modifiers = problem.channels[0]["samples"][1]["modifiers"]
    assert tuple(m["name"] for m in modifiers) == floating[number]
    widths = {} if not number else dict.fromkeys(floating[number][:2], np.inf)
    assert problem.widths == ({"shift": 2.0, "rate": 2.0} if number > 2 else widths)
    assert problem.expected("signal") == 50
    moved = problem.events.get("rate_up")
    if moved is not None:
        ratio = moved.features[:, 2] / problem.events["background"].features[:, 2]
        np.testing.assert_allclose(ratio, 3 / 3.5, rtol=1e-5)


def test_the_mixture_of_an_optimal_classifier():
    """In ten bins of the Bayes classifier the uncertainties of the paper's benchmarks, known
    from elsewhere with exact derivatives; here by differences, on few events."""
    known = (14.99, 19.38, 24.81, 22.21, 28.16)
    for number, expected in enumerate(known):
        problem = mixture_problem(1, number, 200_000)
        trained = trained_of(problem, BayesClassifier(10), hard=True)
        assert 50 * float(sigma_mu(trained)) == pytest.approx(expected, rel=0.02)


class BayesClassifier:
    """A fixed observable, in equal bins."""

    def __init__(self, bins):
        self.binning = Binning(np.linspace(0, 1, bins + 1), 0.1)

    def summary(self, features, training=False):
        signal, background = densities(np.asarray(features, float))
        return tf.constant(signal / (signal + background))

    def hard(self, summary, weights):
        return self.binning.hard(summary, weights)


def test_normals():
    """The events of the dataset with its yields."""
    problem, _ = open_problem("normals", 3)
    assert [problem.expected(n) for n in problem.names] == [50, 1000, 1000, 1000]


def test_two_signals():
    """The events of the dataset with its yields; both kinds of training have three categories."""
    problem, make = open_problem("two_signals", 3)
    assert problem.pois == ("mu_left", "mu_right")
    assert [problem.expected(n) for n in problem.names] == [1000, 1000, 1000, 50, 50, 50, 50]
    expected = two_signals(50_000, seed=3)["right_up"].astype(np.float32)
    np.testing.assert_array_equal(problem.events["right_up"].features, expected)
    for objective, bins in (("cls", 15), ("sannt", 24)):
        observable = observable_of(problem, objective, make, train_edges=objective == "cls")
        assert isinstance(observable, CategoryObservable)
        assert observable.names == ("background", "mu_left", "mu_right")
        summary = observable.summary(problem.events["left"].features[:10])
        assert observable.smooth(summary, tf.ones(10, tf.float64)).shape == (bins,)
        assert len(observable.describe()) == (4 if objective == "cls" else 0)


def test_only_the_mixture_has_benchmarks():
    """Six of them there are not, and none of the blobs."""
    with pytest.raises(InvalidInput, match="Received: 5"):
        open_problem("mixture", benchmark=5)
    with pytest.raises(InvalidInput, match="Received: 1 for blobs"):
        open_problem("blobs", benchmark=1)


@pytest.mark.parametrize(("name", "kind", "bins"), [("inferno", SoftmaxObservable, 20),
                                                    ("sannt", NetworkObservable, 8)])  # fmt: skip
def test_methods_bring_their_histogram(name, kind, bins):
    """With the bins that are asked for, or their own; options of another histogram are refused."""
    problem = mixture_problem(1, 1, 200)
    for asked in (None, 3):
        observable = observable_of(problem, name, network_observable, bins=asked)
        summary = observable.summary(problem.events["signal"].features)
        hard = observable.hard(summary, tf.constant(problem.events["signal"].weights))
        assert isinstance(observable, kind)
        assert hard.shape == (asked or bins,)
    with pytest.raises(InvalidInput, match="no bandwidth"):
        observable_of(problem, name, network_observable, bandwidth=0.1)


@pytest.mark.parametrize("objective", ["cls", "inferno", "sannt"])
@pytest.mark.parametrize("name", ["blobs", "two_signals"])
def test_the_layers_that_are_asked_for(name, objective):
    """Two features, 7 and 3 units, an output or several: as many weights as that makes."""
    problem, make = open_problem(name)
    observable = observable_of(problem, objective, make, bins=4, layers=(7, 3))
    outputs = 4 if objective == "inferno" else {"blobs": 1, "two_signals": 3}[name]
    assert observable.network.count_params() == 7 * 3 + 3 * 8 + outputs * 4


def test_layers_without_units():
    """One line; and a cut has none at all."""
    for name, expected in (("blobs", "at least one unit"), ("cut", "a cut has no layers")):
        problem, make = open_problem(name)
        with pytest.raises(InvalidInput, match=rf"{expected}. Received: \(?7, ?0"):
            observable_of(problem, "cls", make, layers=(7, 0))


def test_cut():
    """One threshold that starts at 3; a hundred times the expected events."""
    problem, make = open_problem("cut")
    observable = make(problem, 1, seed=0, bandwidth=0.09, train_edges=False)
    assert isinstance(observable, CutObservable)
    assert observable.describe() == {"cut_0": 3.0}
    assert [problem.expected(n) for n in problem.names] == [100, 1000]
    assert [len(problem.events[n]) for n in problem.names] == [10_000, 100_000]


@pytest.mark.parametrize("option", [{"bins": 7}, {"bandwidth": 0.3}, {"train_edges": True}])
def test_what_a_cut_has_not(option):
    """Is refused instead of ignored."""
    problem, make = open_problem("cut")
    (value,) = option.values()
    with pytest.raises(InvalidInput, match=f"one bin.*{value}"):
        observable_of(problem, "cls", make, **option)


@pytest.mark.parametrize("objective", ["cls", "inferno", "sannt"])
@pytest.mark.parametrize("bins", [0, -1])
def test_no_bins_of_any_method(objective, bins):
    """One line, not the default."""
    problem, make = open_problem("blobs")
    with pytest.raises(InvalidInput, match=f"at least one bin. Received: {bins}"):
        observable_of(problem, objective, make, bins=bins)


def test_the_cut_finds_its_way():
    """From its start to a significance within 2 % of the best hard cut of these events."""
    problem, make = open_problem("cut", 1)
    observable = make(problem)
    trainer = trainer_of(problem, observable, "asimov_significance", learning_rate=0.05)
    for epoch in range(150):
        trainer.epoch(epoch)
    s, b = (problem.events[name].features[:, 0] for name in ("signal", "background"))

    def significance(cut):
        return asimov_significance((s >= cut).sum(), (b >= cut).sum())

    best = max(significance(cut) for cut in np.linspace(0, 3, 301))
    assert significance(observable.describe()["cut_0"]) > 0.98 * best


@pytest.mark.parametrize("name", SHIPPED)
def test_the_seed_decides(name):
    """The same seed gives the same events, another one others."""
    problems = [open_problem(name, seed)[0] for seed in (1, 1, 2)]
    first, again, other = (problem.events[problem.names[0]] for problem in problems)
    np.testing.assert_array_equal(first.features, again.features)
    assert not np.array_equal(first.features, other.features)


@pytest.mark.parametrize("bins", [0, -2])
def test_no_bins(bins):
    """One line."""
    with pytest.raises(InvalidInput, match=f"at least one bin. Received: {bins}"):
        network_observable(open_problem("blobs")[0], bins)


HEAD = """
from dnnlik.differentiable import Cut, CutObservable, Events, Problem
MU = {"name": "mu", "type": "normfactor", "data": None}
def problem(seed):
    samples = [{"name": "s", "data": "s", "modifiers": [MU]},
               {"name": "b", "data": "b", "modifiers": []}]
    events = {"s": Events([[2.0], [3.0 + seed]]), "b": Events([[0.0], [1.0]])}
    return Problem(events, [{"name": "SR", "samples": samples}])
"""


def opened(tmp_path, text):
    path = tmp_path / "mine.py"
    path.write_text(text)
    return open_problem(path, 5)


def test_a_file_of_a_user(tmp_path):
    """With a network, or with the observable that the file defines."""
    problem, make = opened(tmp_path, HEAD)
    assert problem.events["s"].features.tolist() == [[2], [8]]
    assert isinstance(make(problem, 2, seed=0, bandwidth=0.1), NetworkObservable)
    own = "def observable(problem, bins, **_):\n    return CutObservable([Cut(0, bins, 3.0)])\n"
    problem, make = opened(tmp_path, HEAD + own)
    assert make(problem, 2, seed=0, bandwidth=0.1).describe() == {"cut_0": 2.0}


def test_a_method_does_not_replace_what_a_file_defines(tmp_path):
    """It is refused instead; without one of its own a file has that of the method."""
    own = "def observable(problem, bins, **_):\n    return CutObservable([Cut(0, bins, 3.0)])\n"
    problem, make = opened(tmp_path, HEAD + own)
    with pytest.raises(InvalidInput, match=r"observable of its own.*Received: inferno"):
        observable_of(problem, "inferno", make)
    problem, make = opened(tmp_path, HEAD)
    assert isinstance(observable_of(problem, "inferno", make), SoftmaxObservable)


@pytest.mark.parametrize(
    ("objective", "complaint"),
    [("saant", r"inferno, sannt.*cls, .*sigma_mu, .*Received: 'saant'"),
     ("sannt + 0.1*cls", r"stands alone. Received: 'sannt \+ 0.1\*cls'"),
     ("INFERNO", r"inferno, sannt.*cls, .*sigma_mu, .*Received: 'INFERNO'")],
)  # fmt: skip
def test_names_that_are_none(objective, complaint):
    """All names that there are, those of methods too."""
    with pytest.raises(InvalidInput, match=complaint):
        settings_of(objective)


@pytest.mark.parametrize("objective", ["cls + 1e-3*p0", "2E+1*cls", "p0*.5 - log_cls"])
def test_sums_with_numbers_of_all_kinds(objective):
    """What the library takes, the command takes: an exponent is no name."""
    assert settings_of(objective) == Settings(objective)


BROKEN = {
    "no problem": ("x = 1", "must define a function problem"),
    "a problem that is none": ("problem = 3", "must define a function problem"),
    "an error on import": ("1 / 0", "ZeroDivisionError"),
    "an exit": ("raise SystemExit(7)", "SystemExit"),
    "a syntax error": ("def problem(seed:", "SyntaxError"),
    "an error in problem": (
        "def problem(seed):\n    raise OSError('no\\nfile')", "OSError: no file"),
    "an exit in problem": ("def problem(seed):\n    exit(7)", "SystemExit"),
    "another return value": ("def problem(seed):\n    return {}", "Received: a dict"),
    "no arguments": ("def problem():\n    pass", "TypeError"),
    "an error of ours": (HEAD.replace("[[0.0], [1.0]]", "[]"), "Received: shape"),
    "an observable that fails": (
        HEAD + "def observable(*_, **__):\n    raise KeyError('x')", "KeyError: 'x'"),
    "an observable without options": (HEAD + "def observable(p):\n    pass", "TypeError"),
    "an observable that is none": (HEAD + "observable = 3", "TypeError"),
    "an observable of another kind": (HEAD + "def observable(*_, **__):\n    return 3", "a int"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BROKEN)
def test_broken_files_are_one_line(tmp_path, kind):
    """What failed, where, and how."""
    text, complaint = BROKEN[kind]

    def both():
        problem, make = opened(tmp_path, text)
        return make(problem, 2, seed=0, bandwidth=0.1, train_edges=False)

    with pytest.raises(InvalidInput) as error:
        both()
    assert complaint in str(error.value)
    assert "\n" not in str(error.value)


def test_names_that_are_no_problem(tmp_path):
    """Neither shipped, nor a file, nor there."""
    with pytest.raises(InvalidInput, match=r"blobs, cut, .*or a Python file.* Received: nothing"):
        open_problem("nothing")
    with pytest.raises(InvalidFile, match="no such file"):
        open_problem(tmp_path / "missing.py")


def test_the_resonance_search():
    """Events and weights of the dataset, variations on top of them; twelve systematics of
    every kind, a rate that the control region measures, and statistical uncertainties of all
    backgrounds; pyhf takes the workspace."""
    problem, make = open_problem("resonance", 3)
    samples = resonance_search(seed=3)
    for name in problem.names:
        np.testing.assert_array_equal(problem.events[name].weights, samples[name].weights)
    assert set(problem.names) == set(samples)
    by_name = {}
    for channel in problem.channels:
        for modifier in (m for s in channel["samples"] for m in s["modifiers"]):
            by_name.setdefault(modifier["name"], set()).add(modifier["type"])
    systematics = {n: k for n, k in by_name.items() if n not in ("mu", "k_ttbar", "mc_stat")}
    assert len(systematics) == 12
    kinds = set().union(*by_name.values())
    assert kinds == {"histosys", "normsys", "lumi", "normfactor", "staterror"}
    assert problem.statistical == {"ttbar", "wjets", "single_top", "multijet"}
    small = resonance_problem(3, 400)
    workspace = workspace_of(small, make(small, 2, seed=0, bandwidth=0.1), small.events)
    model = pyhf.Workspace(workspace).model()
    assert model.config.suggested_fixed().count(True) == 0
    assert len(model.config.parameters) == 15
    assert np.isfinite(
        model.logpdf(model.config.suggested_init(), workspace_data(workspace, model))
    )


def workspace_data(workspace, model):
    counts = {o["name"]: o["data"] for o in workspace["observations"]}
    main = [n for channel in model.config.channels for n in counts[channel]]
    return main + model.config.auxdata
