"""The suites that `make bench` runs, in this order, and their options."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Suite:
    """One script with its options; it writes one report.

    Attributes:
        needs_models: Whether it takes a folder to keep random weights in.
        quick: Its options where time is short; None leaves it out.
    """

    name: str
    title: str
    script: str
    full: tuple[str, ...]
    quick: tuple[str, ...] | None
    needs_models: bool = False


def _suite(  # noqa: PLR0913, PLR0917 (a line of the table)
    name: str, title: str, script: str, full: str, quick: str | None, models: bool = False
) -> Suite:
    short = None if quick is None else tuple(quick.split())
    return Suite(name, title, script, tuple(full.split()), short, models)


SUITES = (
    _suite("startup", "Commands that start", "startup", "--rounds 5", "--rounds 2"),
    _suite("explain", "explain of a large graph", "explain", "--rounds 5", "--rounds 1"),
    _suite("engine", "The engine itself", "engine",
           "--sizes 100,1000,5000,20000 --repeats 3", "--sizes 100,1000,5000 --repeats 1"),
    _suite("server", "The server", "server", "--rounds 5", "--rounds 1 --jobs 50 --clients 20"),
    _suite("disk", "Writing to disk beside a run", "disk", "--rounds 9", "--rounds 2"),
    _suite("cold", "The first run in a new process", "cold", "--rounds 3", "--rounds 1"),
    _suite("edits", "Edits", "edits", "--rounds 3", "--rounds 1"),
    _suite("tiny", "Sampling with the tiny model", "sampling", "--rounds 5", "--rounds 1"),
    _suite("resume", "A window moved after a run", "resume", "--rounds 5", "--rounds 1"),
    _suite("small", "Sampling at 256 pixels", "sampling",
           "--model small --rounds 5", "--model small --rounds 1 --steps 2", True),
    _suite("memory", "Peak memory", "memory", "--rounds 2", "--rounds 1 --models tiny", True),
    _suite("sd15", "Sampling at Stable Diffusion 1.5's size", "sampling",
           "--model sd15 --rounds 5", None, True),
    _suite("sd15-half", "The same in bfloat16 at 512 pixels", "sampling",
           "--model sd15 --dtype bfloat16 --size 512 --steps 1 --rounds 2", None, True),
)  # fmt: skip
