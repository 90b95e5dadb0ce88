"""HistFactory as one tensor program in TensorFlow.

``workspace`` reads (through pyhf) → ``specification`` (plain data) → ``layout``
(stacked arrays) → ``rates`` (expected events and the Poisson term, with the codes
of ``interpolation``). Sampling and fits use it through
`dnnlik.likelihoods.HistFactoryLikelihood`.
"""
