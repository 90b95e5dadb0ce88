"""Likelihoods that travel."""
