"""Analyses trained through their own statistical inference."""
