"""Publishing a learned likelihood as one ONNX file, and running it anywhere.

What to use when:

- `dnnlik.onnx.graph.surrogate_model` turns a surrogate's plain description into an
  ONNX model, with the self-description that `dnnlik.onnx.metadata` writes and reads;
- `dnnlik.onnx.verify.write` puts it on disk whole or not at all, and
  `dnnlik.onnx.verify.verify` proves it right;
- `dnnlik.onnx.runtime.PublishedLikelihood` opens such a file, for fits, samplers and
  plots, with NumPy and ONNX Runtime alone. So nothing is imported here: a reader
  of files must not need the onnx package.

>>> import tempfile
>>> import numpy as np
>>> from dnnlik.onnx.graph import surrogate_model
>>> from dnnlik.onnx.metadata import metadata_properties
>>> from dnnlik.onnx.runtime import PublishedLikelihood
>>> from dnnlik.onnx.verify import verify, write
>>> from dnnlik.parameters import Normal, Parameter, ParameterSet
>>> from dnnlik.surrogate.description import Domain, Network, SurrogateDescription
>>> one, line = np.ones(1), np.ones((1, 1))
>>> description = SurrogateDescription(
...     ParameterSet([Parameter("jes", init=0, bounds=(-5, 5), constraint=Normal(0, 1))]),
...     adds_constraint=True, quadratic=None,
...     networks=(Network((line, line), (one, one), 0 * one, one, 0.0, 1.0),),
...     domain=Domain(-4 * one, 4 * one, 0 * one, line, 16.0), settings={}, provenance={})
>>> metadata = metadata_properties(
...     description, accuracy={}, author="A. N. Other", license="CC0-1.0")
>>> with tempfile.TemporaryDirectory() as folder:
...     write(surrogate_model(description, metadata=metadata), f"{folder}/likelihood.onnx")
...     verify(f"{folder}/likelihood.onnx", description, points=[[0.5], [9.0]]).message
...     published = PublishedLikelihood.open(f"{folder}/likelihood.onnx")
'the published file agrees with its surrogate at 2 points'
>>> published.parameters.names, round(float(published.log_main([[0.0]])[0]), 6)
(('jes',), 2.050701)
"""
