"""Settings that all tests share."""

from hypothesis import settings

# A shared machine pauses; how long one example takes says nothing about its truth.
settings.register_profile("dnnlik", deadline=None)
settings.load_profile("dnnlik")
