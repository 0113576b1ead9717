"""Options that several commands share, and the one record that those of computing become."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from .. import savings
from ..settings import Compute

File: TypeAlias = Annotated[
    str,
    typer.Argument(help="A workflow, a picture that carries one, or the name of a shipped one."),
]
Set: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="Set a param, or any input as node.input=…; several make a list.",
    ),
]
Nodes: TypeAlias = Annotated[
    list[Path] | None,
    typer.Option(metavar="FOLDER", help="Also load the nodes of the Python files in this folder."),
]
Data: TypeAlias = Annotated[
    list[Path] | None, typer.Option(metavar="FOLDER", help="Also look for input pictures here.")
]
Budget: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="SIZE",
        help="Memory to use: 6GB (of the device), or device=6GB,host=8GB,disk=20GB.",
    ),
]
Batch: TypeAlias = Annotated[
    int, typer.Option(min=1, metavar="N", help="At most so many items are sampled together.")
]
OnOom: TypeAlias = Annotated[
    savings.OnOom,
    typer.Option(help="What does not fit into memory is made in smaller parts, or fails."),
]
AllowPickle: TypeAlias = Annotated[
    bool,
    typer.Option("--allow-pickle", help="Read model files that are pickles (.bin, .pth, .ckpt)."),
]
AllowHttp: TypeAlias = Annotated[
    bool, typer.Option("--allow-http", help="Let workflows load pictures from the web.")
]
Only: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(metavar="RESULT", help="Make only this result, and what it needs."),
]
Device: TypeAlias = Annotated[
    str,
    typer.Option(
        metavar="NAME", help="cpu, cuda, cuda:1, or several with commas; auto takes CUDA if it can."
    ),
]
Dtype: TypeAlias = Annotated[
    str,
    typer.Option(
        metavar="NAME", help="float32, float16, bfloat16; auto is float16 on CUDA, else float32."
    ),
]
Models: TypeAlias = Annotated[
    list[Path] | None,
    typer.Option(metavar="FOLDER", help="Take models from here too. May be given several times."),
]


def compute_of(  # noqa: PLR0913 (an option each)
    *,
    device: str = "auto",
    dtype: str = "auto",
    budget: str | None = None,
    batch: int = 4,
    on_oom: savings.OnOom = "degrade",
    allow_pickle: bool = False,
    allow_http: bool = False,
    nodes: list[Path] | None = None,
    data: list[Path] | None = None,
    models: list[Path] | None = None,
) -> Compute:
    """The record of the options that a command has; those it lacks keep their defaults.

    Raises:
        UserError: an option has a value that it cannot have.
    """
    allowed = {"pickle": allow_pickle, "http": allow_http}
    return Compute(
        device=device,
        dtype=dtype,
        batch=batch,
        on_oom=on_oom,
        budget=budget,
        allow=frozenset(name for name, is_allowed in allowed.items() if is_allowed),
        nodes=tuple(nodes or ()),
        data=tuple(data or ()),
        models=None if models is None else tuple(models),
    )
