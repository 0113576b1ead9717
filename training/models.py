"""The trained parts: text encoder, UNet and ControlNets, new or from a folder, and their export."""

from __future__ import annotations

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
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from training.autoencoder import LATENTS

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
    """Fold the best affine map between two kinds of latents into a UNet's first and last layer.

    Args:
        unet: A model of the old latents.
        old: (N, 8, 16, 16), latents of some images, a spread of one.
        new: The same images in the new space.
    """
    flat = [x.permute(0, 2, 3, 1).reshape(-1, LATENTS).double() for x in (old, new)]
    ones = torch.ones(len(flat[1]), 1).double()
    solution = torch.linalg.lstsq(torch.cat([flat[1], ones], 1), flat[0]).solution
    to_old, shift = solution[:-1].T, solution[-1]
    to_new = torch.linalg.inv(to_old)
    first, last = unet.conv_in, unet.conv_out
    first.bias += torch.einsum("ojhw,j->o", first.weight.double(), shift)
    first.weight.copy_(torch.einsum("ojhw,ji->oihw", first.weight.double(), to_old))
    last.weight.copy_(torch.einsum("ij,jkhw->ikhw", to_new, last.weight.double()))
    last.bias.copy_(to_new @ last.bias.double())


def export(
    folder: Path,
    base: Base,
    vae: AutoencoderTiny,
    tokenizer: CLIPTokenizer,
    controls: dict[str, ControlNetModel],
) -> None:
    """Write everything as fp16 safetensors in diffusers' layout."""
    vae.register_to_config(_name_or_path="")  # not where it happened to lie
    pipeline = StableDiffusionPipeline(
        vae=vae,
        text_encoder=base.text,
        tokenizer=tokenizer,
        unet=base.unet,
        scheduler=new_scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.to(torch.float16).save_pretrained(folder / "base")
    for kind, control in controls.items():
        control.to(torch.float16).save_pretrained(folder / f"controlnet-{kind}")
