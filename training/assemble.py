"""From checkpoints to the folder that is shipped."""

from __future__ import annotations

from pathlib import Path

import torch
from diffusers import AutoencoderTiny, ControlNetModel
from transformers import CLIPTokenizer

from training.checkpoints import load_state
from training.models import KINDS, export
from training.recipes.diffusion import Recipe, Student, add_control, new_student


@torch.no_grad()
def assemble(work: Path, folder: Path, *, averaged: bool = False) -> None:
    """Write base and ControlNets as the checkpoints have them, or as they were on average."""
    tokenizer = CLIPTokenizer.from_pretrained(work / "tokenizer")
    students: list[Student] = []
    for path in sorted(work.glob("diffusion-*.pt")):
        student, state = new_student(Recipe(work), tokenizer), load_state(path)
        assert state is not None
        if state["controlled"]:
            add_control(student, Recipe(work), KINDS[len(students) % len(KINDS)])
        source = state["averages" if averaged else "weights"]
        for weight, saved in zip(student.weights(), source, strict=True):
            weight.copy_(saved)
        students.append(student)
    shared = zip(*(student.base_weights() for student in students), strict=True)
    for weights in shared:
        weights[0].copy_(torch.stack(weights).mean(0))
    controls: dict[str, ControlNetModel] = {
        kind: s.control for kind, s in zip(KINDS, students, strict=False) if s.control is not None
    }
    vae = AutoencoderTiny.from_pretrained(work / "vae")
    export(folder, students[0].base, vae, work / "tokenizer", controls)
