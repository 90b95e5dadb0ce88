"""Microseconds a point of a published likelihood in Python; called by languages.py."""

from __future__ import annotations

import json
import sys
import time

import numpy as np
import onnxruntime

model, metadata, *batches = sys.argv[1:]
with open(metadata) as file:
    inits = [parameter["init"] for parameter in json.load(file)["parameters"]]
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
options.log_severity_level = 4
session = onnxruntime.InferenceSession(model, options)


def microseconds(size: int, seconds: float = 0.3) -> float:
    """Of one point in a batch of this size, all outputs."""
    feeds = {"parameters": np.tile(np.array(inits), (size, 1))}
    session.run(None, feeds)
    calls, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        session.run(None, feeds)
        calls += 1
    return 1e6 * (time.perf_counter() - start) / (calls * size)


session.run(None, {"parameters": np.array([inits])})
print(json.dumps({size: microseconds(int(size)) for size in batches}))
