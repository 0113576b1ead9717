"""ImageInfo and ModelInfo: what they say."""

from __future__ import annotations

import numpy as np
import pytest

from nodegraph import Builder, Workflow, load_registry, plan
from nodegraph.errors import WorkflowError
from nodes.images import Resize
from nodes.info import ImageInfo, ModelInfo
from nodes.models import LoadBaseModel, LoadControlNet
from nodes.types import Image

from ..support.pictures import Hand, flat, gradient


def test_a_picture_is_told_in_numbers_and_words() -> None:
    half = np.zeros((2, 4, 3), np.uint8)
    half[:, 2:] = (255, 128, 1)

    about = ImageInfo(image=Image(half)).run()

    assert (about.width, about.height, about.conditioning) == (4, 2, "")
    assert about.colour == "#804000"
    assert about.text == "4 x 2 pixels, colour, on average #804000"


def test_a_control_image_is_told_by_its_kind() -> None:
    edges = Image(flat((9, 9, 9)).pixels, "canny")

    about = ImageInfo(image=edges).run()

    assert about.conditioning == "canny"
    assert about.text == "48 x 32 pixels, grey, on average #090909, drawn as canny"


def test_one_picture_can_be_brought_to_the_size_of_another() -> None:
    about = ImageInfo(image=gradient(20, 30)).run()

    assert Resize(image=gradient(), width=about.width, height=about.height).run().image.size == (
        20,
        30,
    )


def test_a_base_model_is_told_without_loading_it() -> None:
    model = LoadBaseModel(model="tiny").run(Hand()).model

    about = ModelInfo(model=model).run()

    assert about.family == "tiny"
    assert about.text.splitlines()[:4] == [
        "tiny: a base model of the family tiny",
        "trained at 128 x 128 pixels, 8 x 8 a latent",
        "8 latent channels, UNet levels of 64, 96, 128 channels, 96 numbers a token",
        "scheduler: DDIM, v_prediction, scaled_linear, 1000 training steps",
    ]
    assert f"unet {model.unet.key.split()[1][:12]}" in about.text.splitlines()[4]


def test_a_controlnet_is_told_by_what_it_reads() -> None:
    model = LoadControlNet(model="tiny-openpose").run(Hand()).controlnet

    lines = ModelInfo(model=model).run().text.splitlines()

    assert lines[:2] == ["tiny-openpose: a ControlNet for the family tiny", "reads openpose"]


def test_both_kinds_of_model_can_be_linked_and_a_picture_cannot() -> None:
    g = Builder()
    base = g.add("base", LoadBaseModel, model="tiny")
    net = g.add("net", LoadControlNet, model="tiny-canny")
    g.add("about", ModelInfo, model=base.model)
    g.add("about_net", ModelInfo, model=net.controlnet)
    document = g.workflow().model_dump(mode="json", exclude_defaults=True)
    assert plan(Workflow.model_validate(document), load_registry()).calls

    document["nodes"]["photo"] = {"type": "LoadImage", "values": {"path": "x.png"}}
    document["nodes"]["about"]["links"]["model"] = "photo.image"
    with pytest.raises(WorkflowError, match=r"about\.model: takes .*, but photo\.image is Image"):
        plan(Workflow.model_validate(document), load_registry())
