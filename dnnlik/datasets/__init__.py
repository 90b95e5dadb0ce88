"""Synthetic benchmark problems of differentiable analyses, with known answers.

- `dnnlik.datasets.blobs`: the four Gaussian blobs of neos, and their optimal observables
- `dnnlik.datasets.cut`: one cut on one observable
- `dnnlik.datasets.mixture`: a normal and a signal in three features, with five benchmarks (INFERNO)
- `dnnlik.datasets.normals`: two normals, one of which may move (SANNT)
- `dnnlik.datasets.two_signals`: three classes, two of them signals
- `dnnlik.datasets.one_bin`, `dnnlik.datasets.two_bin`: yields as a function of one or two
  numbers, with the optimum and a table
- `dnnlik.datasets.mixture`, `dnnlik.datasets.normals`: the problems of INFERNO and SANNT
- `dnnlik.datasets.resonance_search`: a search with five processes and a dozen systematics; no
  answer is known, it is for trying everything

Needs NumPy alone. Seeds are arguments: an integer, or a `numpy.random.Generator` to go on
with. The yields are plain arithmetic, so that they take tensors as well.
"""
