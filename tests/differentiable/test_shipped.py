"""The problems that ship, and those in files of users."""

import numpy as np
import pytest
from analyses import trainer_of

from dnnlik.datasets.blobs import blobs
from dnnlik.datasets.cut import asimov_significance
from dnnlik.differentiable import CutObservable, NetworkObservable
from dnnlik.differentiable.shipped import SHIPPED, network_observable, open_problem
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


def test_cut():
    """One threshold that starts at 3; a hundred times the expected events."""
    problem, make = open_problem("cut")
    observable = make(problem, 1, seed=0, bandwidth=0.09, train_edges=False)
    assert isinstance(observable, CutObservable)
    assert observable.describe() == {"cut_0": 3.0}
    assert [problem.expected(n) for n in problem.names] == [100, 1000]
    assert [len(problem.events[n]) for n in problem.names] == [10_000, 100_000]


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
    first, again, other = (open_problem(name, seed)[0].events["signal"] for seed in (1, 1, 2))
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
    with pytest.raises(InvalidInput, match=r"blobs, cut, or a Python file.* Received: nothing"):
        open_problem("nothing")
    with pytest.raises(InvalidFile, match="no such file"):
        open_problem(tmp_path / "missing.py")
