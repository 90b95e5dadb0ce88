"""Is the surrogate good enough, and how good is it?

``validate`` measures everything and gives a ``report``; one file a question:

- errors on held-out points: ``held_out``, ``held_out_errors``, ``metrics``; where they are:
  ``error_profiles``
- fits: ``fitted`` (best fit, uncertainties, pulls), ``scans`` (t), ``limits`` (CL_s)
- posteriors: ``intervals`` (HPDI), ``coverage`` (contents of regions), ``joint`` (the best
  classifier), ``sampled`` and ``whitened`` (points drawn from the surrogate itself)
- random datasets: ``toys``

``thresholds`` says what is enough and why, ``checks`` gives the verdict, ``document`` is
``validation.json`` and ``page`` the report for people.
"""
