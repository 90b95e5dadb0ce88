"""Published likelihoods as folders: `reader` opens, `writer` makes, `card` says.

`reader` needs NumPy and onnxruntime alone.
"""
