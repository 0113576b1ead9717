"""`python server.py` is `nodegraph serve`, from a checkout whose dependencies are installed."""

try:
    from nodegraph.cli import main
except ImportError as error:
    raise SystemExit(f"{error}; install what it needs first: pip install -e .") from error

if __name__ == "__main__":
    import sys

    sys.argv[1:1] = ["serve"]
    main()
