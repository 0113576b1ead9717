"""`python -m nodegraph` is the command line."""

from .cli import main

main()
