"""Runs the tool where its script is not on the path: ``python -m cellrouter.cli``."""

from cellrouter.cli.entry import main

main()
