"""Pure functions from results to figures. Needs matplotlib."""
