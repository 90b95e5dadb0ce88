"""Where TensorFlow computes."""

import subprocess
import sys

import pytest
import tensorflow as tf

from dnnlik.devices import on_device
from dnnlik.exceptions import InvalidInput


@pytest.mark.parametrize("name", ["GPU:99", "cpu:0", "CPU", "/device:CPU:0", ""])
def test_an_unknown_device_is_one_line(name):
    """It lists those that there are."""
    with pytest.raises(InvalidInput, match="there are CPU:0") as error, on_device(name):
        pass
    assert "\n" not in str(error.value)
    assert f"Received: {name!r}" in str(error.value)


@pytest.mark.parametrize("name", [None, "CPU:0"])
def test_a_known_device(name):
    """Computes; without a name TensorFlow chooses."""
    with on_device(name):
        assert float(tf.constant(2.0) * 3.0) == 6.0
    if name:
        with on_device(name):
            assert tf.constant(1.0).device.endswith("CPU:0")


CODE = """
import os
from dnnlik.cli.start import start_tensorflow
start_tensorflow()
print(os.environ["TF_FORCE_GPU_ALLOW_GROWTH"])
"""


def test_the_command_line_shares_gpus():
    """Memory is taken as it is needed: it must be said before TensorFlow is first used."""
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "true"), done.stderr
