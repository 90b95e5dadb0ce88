"""``python -m dnnlik.cli``."""

from dnnlik.cli.main import main

main()
