"""``python -m training``: every step from nothing to the weights under ``nodes/builtin/tiny``."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help=__doc__, add_completion=False)
Work = Annotated[
    Path, typer.Option(help="Where checkpoints and data lie; any step goes on from there.")
]
Minutes = Annotated[float, typer.Option(help="How long to train, earlier sittings included.")]
Processes = Annotated[int, typer.Option(help="Processes, one thread each.")]
Start = Annotated[Path, typer.Option(help="A folder like nodes/builtin/tiny to go on from.")]
WORK = Path(__file__).parent / "work"
ROOT = Path(__file__).parent.parent
SHIPPED, INPUTS = ROOT / "nodes" / "builtin" / "tiny", ROOT / "workflows" / "inputs"


@app.callback()
def _main() -> None:
    from training.ranks import log_plainly

    log_plainly()


@app.command()
def autoencoder(
    work: Work = WORK,
    minutes: Minutes = 20,
    processes: Processes = 2,
) -> None:
    """Train encoder and decoder on freshly drawn scenes."""
    from training.ranks import run_ranks
    from training.recipes.autoencoder import AutoencoderRecipe, train_autoencoder

    recipe = AutoencoderRecipe(work, minutes)
    run_ranks(train_autoencoder, processes, recipe)


@app.command()
def polish(
    work: Work = WORK, start: Start = SHIPPED, minutes: Minutes = 8, processes: Processes = 2
) -> None:
    """Train the decoder once more, on latents as the assembled base leaves them."""
    from training.ranks import run_ranks
    from training.recipes.polish import PolishRecipe, train_polish

    run_ranks(train_polish, processes, PolishRecipe(work, start, minutes))


@app.command()
def tokenizer(work: Work = WORK) -> None:
    """Learn the tokenizer of the captions."""
    from training.tokenizer import write_tokenizer

    write_tokenizer(work / "tokenizer")


@app.command()
def render(
    work: Work = WORK,
    count: Annotated[int, typer.Option(min=2, help="Scenes to draw and encode.")] = 32_000,
    processes: Processes = 2,
) -> None:
    """Draw the scenes to train on and encode them with the trained autoencoder."""
    from training.data import render_data
    from training.ranks import run_ranks

    run_ranks(render_data, processes, work, count, work / "vae")


@app.command()
def diffusion(
    work: Work = WORK,
    start: Annotated[
        Path | None, typer.Option(help="A folder like nodes/builtin/tiny to go on from.")
    ] = None,
    minutes: Minutes = 60,
    processes: Processes = 2,
) -> None:
    """Train the base, then canny (process 0) and openpose (process 1) beside it."""
    from training.ranks import run_ranks
    from training.recipes.diffusion import Recipe, train_diffusion

    run_ranks(train_diffusion, processes, Recipe(work, start, minutes))


@app.command()
def controlnet(
    kinds: Annotated[list[str], typer.Argument(help="hed, depth, normal, …")],
    work: Work = WORK,
    start: Start = SHIPPED,
    minutes: Minutes = 12,
    processes: Processes = 2,
) -> None:
    """Train ControlNets of further kinds beside the base as it is, one a process at a time."""
    from training.ranks import run_ranks
    from training.recipes.controlnet import ControlRecipe, checked, train_controlnet

    recipe = ControlRecipe(work, start, minutes=minutes)
    run_ranks(train_controlnet, processes, checked(kinds), recipe)


@app.command()
def dreambooth(
    work: Work = WORK,
    start: Start = SHIPPED,
    out: Annotated[Path, typer.Option(help="Folder to write the base to.")] = SHIPPED / "potato",
) -> None:
    """Fine-tune the base on a new subject, "sks potato head"."""
    from training.recipes.dreambooth import DreamBooth, train_dreambooth

    train_dreambooth(DreamBooth(work, start), out)


@app.command()
def lora(
    work: Work = WORK,
    start: Start = SHIPPED,
    out: Annotated[Path, typer.Option(help="File to write.")] = SHIPPED / "ink.safetensors",
) -> None:
    """Train a LoRA that makes the base draw in ink."""
    from training.recipes.lora import LoraRecipe, train_lora

    train_lora(LoraRecipe(work, start), out)


@app.command()
def assemble(
    work: Work = WORK, out: Annotated[Path, typer.Option(help="Folder to write.")] = SHIPPED
) -> None:
    """Write the trained weights as fp16 safetensors in diffusers' layout."""
    from training.assemble import assemble

    assemble(work, out)


@app.command()
def evaluate(
    weights: Annotated[Path, typer.Option(help="A folder like nodes/builtin/tiny.")] = SHIPPED,
    kinds: Annotated[
        str, typer.Option(help="depth,potato,…; empty: all that have weights.", metavar="KINDS")
    ] = "",
    scenes: Annotated[int, typer.Option(min=4, help="Held-out scenes a measure.")] = 64,
    guidance: Annotated[float, typer.Option(help="Guidance scale.")] = 2.0,
    out: Annotated[Path, typer.Option(help="Where figures and pictures to look at go.")] = WORK
    / "figures",
    processes: Processes = 2,
) -> None:
    """Measure how prompts, controls, the new subject and the style are followed."""
    from training.evaluation.evaluate import Trial, chosen, seconds_an_image
    from training.evaluation.evaluate import evaluate as measured

    try:
        trial = Trial(weights, chosen(kinds, weights), scenes, guidance, out)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--kinds") from error
    for group, figures in measured(trial, processes).items():
        for name, value in figures.items():
            typer.echo(f"{value:6.3f}  {group}, {name}")
    typer.echo(
        f"{seconds_an_image(weights):6.3f}  seconds an image, fp32, batch of 4, canny, 20 steps"
    )


@app.command()
def inputs(folder: Annotated[Path, typer.Option(help="Folder to write.")] = INPUTS) -> None:
    """Draw the pictures that the shipped workflows start from."""
    from training.inputs import write_inputs

    write_inputs(folder)


@app.command()
def dense(
    work: Work = WORK,
    start: Annotated[Path | None, typer.Option(help="A folder with weights to go on from.")] = None,
    minutes: Minutes = 6,
    processes: Processes = 1,
    out: Annotated[Path, typer.Option(help="Folder to write.")] = SHIPPED / "dense",
) -> None:
    """Train the network that sees depth, normals and things in drawings, and measure it."""
    from training.ranks import run_ranks
    from training.recipes.dense import DenseRecipe, measure, train_dense

    run_ranks(train_dense, processes, DenseRecipe(work, start, minutes))
    out.mkdir(parents=True, exist_ok=True)
    shutil.copy(work / "dense" / "model.safetensors", out)
    for name, value in measure(out)._asdict().items():
        typer.echo(f"{value:7.4f}  {name}")


if __name__ == "__main__":
    app()
