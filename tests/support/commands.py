"""Commands run in a folder of their own, and workflows of toys for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from typer.testing import Result

TOYS = Path(__file__).parent / "cli_toys.py"

Cli: TypeAlias = Callable[..., Result]
Write: TypeAlias = Callable[..., str]


def painting(grey: object = 7) -> Mapping[str, Any]:
    return {
        "nodes": {"paint": {"type": "Paint", "values": {"grey": grey}}},
        "params": {"grey": {"to": "paint.grey"}},
        "results": {"image": "paint.image"},
    }


def speaking() -> Mapping[str, Any]:
    return {
        "nodes": {"say": {"type": "Speak", "values": {"text": "hello"}}},
        "params": {
            "text": {"to": "say.text", "help": "What to say", "label": "Text"},
            "loud": {"to": "say.loud"},
            "words": {"to": []},
        },
        "results": {"said": "say.text"},
    }
