"""The trained parts: text encoder, UNet and ControlNets, new or from a folder, and their export."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import (
    AutoencoderTiny,
    ControlNetModel,
    DDIMScheduler,
    StableDiffusionPipeline,
    UNet2DConditionModel,
)
from torch import Tensor, nn
from torch.nn.functional import unfold
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from training.recipes.autoencoder import LATENTS

WIDTH = 96  # of the text embeddings
KINDS = ("canny", "openpose")


@dataclass(frozen=True, slots=True)
class Base:
    """What draws without any control."""

    text: CLIPTextModel
    unet: UNet2DConditionModel


def new_scheduler() -> DDIMScheduler:
    """Stable Diffusion's noise schedule, predicting velocity.

    Shipped as DDIM's configuration: it says ``clip_sample: false``, which other classes leave out
    and DDIM would otherwise take as true.
    """
    return DDIMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        prediction_type="v_prediction",
        steps_offset=1,
        clip_sample=False,
        set_alpha_to_one=False,
    )


def new_base(tokenizer: CLIPTokenizer) -> Base:
    """An untrained text encoder and UNet."""
    text = CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=WIDTH,
            intermediate_size=4 * WIDTH,
            projection_dim=WIDTH,
            num_hidden_layers=2,
            num_attention_heads=4,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )
    nn.init.normal_(text.get_input_embeddings().weight, std=0.1)
    unet = UNet2DConditionModel(
        sample_size=16,
        in_channels=LATENTS,
        out_channels=LATENTS,
        block_out_channels=(64, 96, 128),
        layers_per_block=1,
        cross_attention_dim=WIDTH,
        attention_head_dim=4,  # diffusers reads it as the number of heads
        norm_num_groups=16,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    )
    return Base(text, unet)


def load_base(folder: Path) -> Base:
    """A base from a diffusers folder, in fp32."""
    text = CLIPTextModel.from_pretrained(folder / "text_encoder", dtype=torch.float32)
    unet = UNet2DConditionModel.from_pretrained(folder / "unet", dtype=torch.float32)
    return Base(text, unet)


def new_controlnet(unet: UNet2DConditionModel, hints: Path | None = None) -> ControlNetModel:
    """A ControlNet that starts as a copy of the base, with an earlier one's hint encoder.

    The hint encoder's last layer is not zero: the zero convolutions make the start neutral already,
    and two zero layers in series delay the first gradient.
    """
    control = ControlNetModel.from_unet(unet, conditioning_embedding_out_channels=(16, 24, 48, 96))
    embedding = control.controlnet_cond_embedding
    if hints:
        earlier = ControlNetModel.from_pretrained(hints, dtype=torch.float32)
        embedding.load_state_dict(earlier.controlnet_cond_embedding.state_dict())
    else:
        embedding.conv_out.reset_parameters()
    return control


@torch.no_grad()
def adapt(unet: UNet2DConditionModel, old: Tensor, new: Tensor) -> None:
    """Fit a UNet's first and last layer to another kind of latents, as well as linear maps can.

    Args:
        unet: A model of the old latents.
        old: (N, 8, 16, 16), latents of some images, a spread of one.
        new: The same images in the new space.
    """
    first, last = unet.conv_in, unet.conv_out
    patches = unfold(new, 3, padding=1).transpose(1, 2).reshape(-1, 9 * LATENTS)
    weight, bias = _fitted(patches, _rows(first(old)))
    first.weight.copy_(weight.view_as(first.weight))
    first.bias.copy_(bias)
    forth, shift = _fitted(_rows(old), _rows(new))
    last.weight.copy_(torch.einsum("ij,jkhw->ikhw", forth, last.weight))
    last.bias.copy_(forth @ last.bias + shift)


def _rows(maps: Tensor) -> Tensor:
    """(N, C, H, W) to (N H W, C)."""
    return maps.permute(0, 2, 3, 1).reshape(-1, maps.shape[1])


def _fitted(given: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
    """The matrix and the shift that bring rows nearest to other rows (least squares)."""
    ones = torch.ones(len(given), 1, dtype=torch.float64)
    solution = torch.linalg.lstsq(torch.cat([given.double(), ones], 1), wanted.double()).solution
    return solution[:-1].T.float(), solution[-1].float()


def export(
    folder: Path,
    base: Base,
    vae: AutoencoderTiny,
    tokenizer: Path,
    controls: Mapping[str, ControlNetModel],
) -> None:
    """Write everything as fp16 safetensors in diffusers' layout; ``tokenizer`` is its folder."""
    export_base(folder / "base", base, vae, tokenizer)
    for kind, control in controls.items():
        control.to(torch.float16).save_pretrained(folder / f"controlnet-{kind}")


def export_base(folder: Path, base: Base, vae: AutoencoderTiny, tokenizer: Path) -> None:
    """Write a base as fp16 safetensors in diffusers' layout."""
    vae.register_to_config(_name_or_path="")  # not where it happened to lie
    pipeline = StableDiffusionPipeline(
        vae=vae,
        text_encoder=base.text,
        tokenizer=CLIPTokenizer.from_pretrained(tokenizer),
        unet=base.unet,
        scheduler=new_scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.to(torch.float16).save_pretrained(folder)
    # transformers 5 writes tokenizer.json alone; older versions read vocabulary and merges.
    shutil.copytree(tokenizer, folder / "tokenizer", dirs_exist_ok=True)
