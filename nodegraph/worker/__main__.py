"""`python -m nodegraph.worker` is a worker process; servers start it, nobody else needs to."""

from .main import main

main()
