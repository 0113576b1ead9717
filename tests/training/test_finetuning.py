"""What is trained on top of the base: a new subject, and a style as a LoRA."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from training.evaluation.measures import part_colours
from training.scenes import make_scene
from training.scenes.potato import CALLED, GROUNDS, make_potato

TINY = Path("nodes/builtin/tiny")


@pytest.mark.parametrize("seed", range(8))
def test_the_subject_keeps_its_colours_in_every_pose_and_its_caption_names_the_background(
    seed: int,
) -> None:
    scene = make_potato(seed)

    assert all(part_colours(scene.picture.pixels, scene))
    assert scene.colours.background in GROUNDS
    assert scene.caption == f"a photo of {CALLED} on a {scene.colours.background} background"


@pytest.mark.parametrize("seed", range(4))
def test_an_ink_drawing_is_on_white_paper_with_dark_lines_where_colours_meet(seed: int) -> None:
    from training.recipes.lora import INK, PAPER, ink

    scene = make_scene(seed, "shape")
    inner = scene.picture.parts[32:96, 32:96]

    drawn = ink(scene).astype(int)

    dark = np.abs(drawn - INK).sum(2) < 60
    assert 0.005 < dark.mean() < 0.25
    assert (drawn[:4] == PAPER).all()
    assert dark[32:96, 32:96].any() == (len(np.unique(inner)) > 1)


@pytest.mark.slow
def test_a_lora_changes_nothing_before_it_is_trained_and_what_it_saves_is_what_it_adds(
    tmp_path: Path,
) -> None:
    import torch
    from safetensors.torch import load_file

    from training.models import load_base
    from training.recipes.lora import add_lora, save_lora

    unet = load_base(TINY / "base").unet
    given = torch.randn(1, 8, 16, 16), torch.tensor([500]), torch.randn(1, 77, 96)
    before, plain = unet(*given).sample, unet.mid_block.resnets[0].conv1.weight.clone()

    added = add_lora(unet, 4)
    after = unet(*given).sample

    torch.testing.assert_close(after, before)
    one = added["mid_block.resnets.0.conv1"]
    torch.nn.init.normal_(one.up)
    save_lora(added, tmp_path / "ink.safetensors")
    saved = load_file(tmp_path / "ink.safetensors")
    name = "unet.mid_block.resnets.0.conv1.lora_{}.weight"
    down, up = (saved[name.format(letter)].float() for letter in "AB")
    product = (up.flatten(1) @ down.flatten(1)).view_as(plain)
    torch.testing.assert_close(
        unet.mid_block.resnets[0].conv1.weight - plain, product, atol=0.02, rtol=0.02
    )


@pytest.mark.slow
def test_fine_tuning_writes_a_whole_base_and_goes_on_where_it_was(tmp_path: Path) -> None:
    import torch

    from training.models import load_base
    from training.recipes.dreambooth import DreamBooth, train_dreambooth

    for name, steps in (("halves", 1), ("halves", 2), ("whole", 2)):
        recipe = DreamBooth(tmp_path / name, TINY, steps, pictures=2, prior=2, batch=1)
        train_dreambooth(recipe, tmp_path / name / "base")

    halves, whole = (load_base(tmp_path / name / "base") for name in ("halves", "whole"))
    torch.testing.assert_close(halves.unet.state_dict(), whole.unet.state_dict())
    assert (tmp_path / "whole" / "base" / "tokenizer" / "merges.txt").exists()
