"""Is the surrogate good enough, and how good is it?

``metrics`` measures, ``thresholds`` says what is enough, ``report`` runs all of it
and writes ``validation.json``.
"""
