"""Depth and segmentation by models of transformers and MiDaS, from folders and the hub."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from nodegraph.errors import UserError
from nodegraph.node import Pin
from nodes.checkpoints.hub import files_to_fetch
from nodes.detectors import controlnet_aux as _controlnet_aux
from nodes.detectors import depth as _surfaces
from nodes.surfaces import Depth, NormalMap, Segment

from ..support.pictures import Hand, gradient, picture

PICKLES = Hand(allow=frozenset({"pickle"}))
Floats = npt.NDArray[np.float32]


# Models of transformers, with random weights


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a DPT, a GLPN, an UperNet of 150 kinds and one of 4, all very small."""
    import torch
    import transformers as tf

    folder = tmp_path_factory.mktemp("models")
    torch.manual_seed(0)
    dpt = tf.DPTConfig(
        hidden_size=32,
        num_hidden_layers=4,
        num_attention_heads=4,
        intermediate_size=32,
        image_size=32,
        backbone_out_indices=[0, 1, 2, 3],
        neck_hidden_sizes=[16, 16, 16, 16],
        fusion_hidden_size=16,
    )
    tf.DPTForDepthEstimation(dpt).save_pretrained(folder / "dpt")
    tf.DPTImageProcessor(size={"height": 64, "width": 64}).save_pretrained(folder / "dpt")
    glpn = tf.GLPNConfig(
        depths=[1, 1, 1, 1],
        hidden_sizes=[8, 8, 8, 8],
        num_attention_heads=[1, 1, 1, 1],
        decoder_hidden_size=8,
    )
    tf.GLPNForDepthEstimation(glpn).save_pretrained(folder / "glpn")
    tf.GLPNImageProcessor().save_pretrained(folder / "glpn")
    for name, kinds in (("upernet", 150), ("four", 4)):
        upernet = tf.UperNetConfig(
            backbone_config=tf.ConvNextConfig(
                hidden_sizes=[8, 8, 8, 8],
                depths=[1, 1, 1, 1],
                out_features=["stage1", "stage2", "stage3", "stage4"],
            ),
            hidden_size=16,
            auxiliary_channels=8,
            auxiliary_in_channels=8,
            id2label={i: f"thing {i}" for i in range(kinds)},
            label2id={f"thing {i}": i for i in range(kinds)},
        )
        tf.UperNetForSemanticSegmentation(upernet).save_pretrained(folder / name)
        size = {"height": 64, "width": 64}
        tf.SegformerImageProcessor(size=size).save_pretrained(folder / name)
    return folder


def test_a_depth_model_of_a_folder_gives_what_transformers_gives(models: Path) -> None:
    import torch
    import transformers as tf

    image = picture("astronaut.jpg")

    drawn = Depth(image=image, model=str(models / "dpt")).run(Hand()).image

    net = tf.DPTForDepthEstimation.from_pretrained(models / "dpt").eval()
    inputs = tf.AutoImageProcessor.from_pretrained(models / "dpt")(
        image.pixels, return_tensors="pt"
    )
    with torch.no_grad():
        depth = net(**inputs).predicted_depth[:, None]
    large = torch.nn.functional.interpolate(depth, size=(512, 512), mode="bilinear")[0, 0].numpy()
    expected = (large - large.min()) / (large.max() - large.min()) * 255
    assert np.abs(drawn.pixels[:, :, 0] - expected).max() < 2
    assert np.ptp(expected) > 200


def test_metres_are_turned_round_so_that_white_is_near(models: Path) -> None:
    import torch
    import transformers as tf

    image = picture("astronaut.jpg")

    near = _surfaces.nearness(str(models / "glpn"), image.pixels, Hand())

    net = tf.GLPNForDepthEstimation.from_pretrained(models / "glpn").eval()
    inputs = tf.AutoImageProcessor.from_pretrained(models / "glpn")(
        image.pixels, return_tensors="pt"
    )
    with torch.no_grad():
        metres = net(**inputs).predicted_depth[0].numpy()
    np.testing.assert_allclose(near, 1 / metres, rtol=1e-4)


def test_normals_come_from_dpt_and_from_no_other_numbers(models: Path) -> None:
    image = picture("astronaut.jpg")

    drawn = NormalMap(image=image, model=str(models / "dpt"), background_threshold=0).run(Hand())

    near = _surfaces.nearness(str(models / "dpt"), image.pixels, Hand())
    expected = _surfaces.normal_image(_surfaces.slopes(near, 0))
    np.testing.assert_array_equal(drawn.image.pixels, expected)
    with pytest.raises(UserError, match="is a GLPNForDepthEstimation: use a DPTForDepth"):
        NormalMap(image=image, model=str(models / "glpn")).run(Hand())


def test_a_segmentation_model_of_a_folder_gives_ade20ks_colours_and_its_own_names(
    models: Path,
) -> None:
    import torch
    import transformers as tf

    image = picture("astronaut.jpg")

    seen = Segment(image=image, model=str(models / "upernet"), minimum_share=0).run(Hand())

    net = tf.UperNetForSemanticSegmentation.from_pretrained(models / "upernet").eval()
    processor = tf.AutoImageProcessor.from_pretrained(models / "upernet")
    with torch.no_grad():
        outputs = net(**processor(image.pixels, return_tensors="pt"))
    (classes,) = processor.post_process_semantic_segmentation(outputs, target_sizes=[(512, 512)])
    palette = np.array(_controlnet_aux.part("util").ade_palette(), np.uint8)
    same = (seen.image.pixels == palette[classes.numpy()]).all(axis=2)
    assert same.mean() > 0.999
    assert set(seen.names) == {f"thing {i}" for i in np.unique(classes.numpy())}
    counts = [int((mask.pixels > 0).sum()) for mask in seen.masks]
    assert counts == sorted(counts, reverse=True)
    assert sum(counts) == 512 * 512


def test_a_model_of_other_things_than_ade20ks_is_refused(models: Path) -> None:
    with pytest.raises(UserError, match="knows 4 kinds of things; the colours that ControlNets"):
        Segment(image=gradient(), model=str(models / "four")).run(Hand())


def test_stamps_are_the_content_of_a_model(models: Path) -> None:
    image = gradient()

    stamps = [
        Depth(image=image).stamp(Hand()),
        Segment(image=image).stamp(Hand()),
        Depth(image=image, model=str(models / "dpt")).stamp(Hand()),
        Depth(image=image, model=str(models / "glpn")).stamp(Hand()),
        Segment(image=image, model=str(models / "upernet")).stamp(Hand()),
    ]

    assert stamps[0] == stamps[1]
    assert len({str(stamp) for stamp in stamps}) == 4


def test_a_workflow_can_pin_a_model_and_is_refused_another(models: Path) -> None:
    image, dpt, upernet = gradient(), str(models / "dpt"), str(models / "upernet")

    noted = {
        **Depth(image=image, model=dpt).pins(Hand()),
        **Segment(image=image, model=upernet).pins(Hand()),
        **Depth(image=image).pins(Hand()),
    }

    assert set(noted) == {dpt, upernet}
    assert noted[dpt][1] != noted[upernet][1]
    assert Depth(image=image, model=dpt).stamp(Pinning(pins=noted)) is not None
    with pytest.raises(UserError, match="is not the one this workflow was made with"):
        Depth(image=image, model=dpt).stamp(Pinning(pins={dpt: noted[upernet]}))


@dataclass(frozen=True)
class Pinning(Hand):
    """A workflow that pins models."""

    pins: Mapping[str, Pin] = field(default_factory=dict)

    def pinned(self, model: str) -> tuple[str, str]:
        """Its revision and SHA-256."""
        revision, sha256, *_ = self.pins.get(model, ("", ""))
        return revision, sha256


@pytest.mark.parametrize(
    ("node", "model", "message"),
    [
        (Depth, "tinny", "did you mean 'tiny'"),
        (Segment, "./nowhere", "model: no file or folder './nowhere'"),
        (Depth, "{}", "holds neither a depth model of transformers .config.json. nor MiDaS"),
        (Segment, "{}", "has no config.json"),
        (Depth, "{models}/upernet", "holds a 'UperNetForSemanticSegmentation', where"),
        (Segment, "{models}/dpt", "holds a 'DPTForDepthEstimation', where"),
    ],
)
def test_a_model_that_does_not_fit_is_named(
    node: Any, model: str, message: str, models: Path, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=message):
        node(image=gradient(), model=model.format(tmp_path, models=models)).run(Hand())


def test_a_folder_that_does_not_say_how_to_show_pictures_is_refused(
    models: Path, tmp_path: Path
) -> None:
    for file in ("config.json", "model.safetensors"):
        (tmp_path / file).write_bytes((models / "dpt" / file).read_bytes())

    with pytest.raises(UserError, match=r"has no preprocessor_config\.json"):
        Depth(image=gradient(), model=str(tmp_path)).run(Hand())


@pytest.mark.parametrize("name", ["dpt", "upernet"])
@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("missing", "is not as its configuration says: .* is missing$"),
        ("reshaped", "cannot be loaded: .*"),
        ("short", r"is damaged or no \.safetensors file: it is cut short"),
        ("preprocessor", r"preprocessor_config\.json' is no JSON: it is a web page"),
        ("empty preprocessor", r"preprocessor_config\.json' does not say how to show pictures"),
    ],
)
def test_a_damaged_part_of_a_model_of_transformers_is_named(
    models: Path, tmp_path: Path, name: str, change: str, problem: str
) -> None:
    """The library would make up random numbers for what is missing."""
    from safetensors.torch import load_file, save_file

    folder = Path(shutil.copytree(models / name, tmp_path / name))
    file, preprocessor = folder / "model.safetensors", folder / "preprocessor_config.json"
    tensors = load_file(file)
    # The last: an auxiliary head, of use in training alone, comes first and may be missing.
    key = max(key for key in tensors if key.endswith("weight") and tensors[key].ndim == 4)
    if change == "missing":
        del tensors[key]
    elif change == "reshaped":
        tensors[key] = tensors[key][:-1].clone()
    save_file(tensors, file, {"format": "pt"})
    if change == "short":
        file.write_bytes(file.read_bytes()[:-9])
    elif change.endswith("preprocessor"):
        preprocessor.write_text("{}" if change.startswith("empty") else "<html>")

    node: Any = Depth if name == "dpt" else Segment
    with pytest.raises(UserError, match=problem) as caught:
        node(image=gradient(64, 64), model=str(folder)).run(Hand())

    assert str(folder) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_pickles_of_transformers_are_refused_and_converted_where_they_are_allowed(
    models: Path, tmp_path: Path
) -> None:
    import torch
    from safetensors.torch import load_file

    for file in ("config.json", "preprocessor_config.json"):
        (tmp_path / file).write_bytes((models / "dpt" / file).read_bytes())
    torch.save(load_file(models / "dpt" / "model.safetensors"), tmp_path / "pytorch_model.bin")
    image = gradient(64, 64)

    with pytest.raises(UserError, match=r"is a pickle.*--allow-pickle"):
        Depth(image=image, model=str(tmp_path)).run(Hand())
    converted = Depth(image=image, model=str(tmp_path)).run(PICKLES).image.pixels

    plain = Depth(image=image, model=str(models / "dpt")).run(Hand()).image.pixels
    np.testing.assert_array_equal(converted, plain)


def test_of_a_hub_model_only_what_it_needs_is_fetched() -> None:
    names = ["config.json", "preprocessor_config.json", "model.safetensors", "pytorch_model.bin"]

    chosen = files_to_fetch([*names, "README.md", "tf_model.h5"], "depth model", "", pickle=False)

    assert chosen == names[:3]
    assert (
        files_to_fetch(["config.json", "model.safetensors"], "depth model", "", pickle=False) == []
    )


def test_a_hub_that_cannot_be_reached_is_no_silent_fall_back() -> None:
    with pytest.raises(UserError, match=r"Intel/dpt-large.*or use 'tiny', which needs no network"):
        Depth(image=gradient(), model="Intel/dpt-large").run(Hand())
    with pytest.raises(UserError, match=r"upernet-convnext-small.*or use 'tiny'"):
        Segment(image=gradient(), model="openmmlab/upernet-convnext-small").run(Hand())
    with pytest.raises(UserError, match=r"as a pickle .dpt_hybrid-midas-501f0c75.pt."):
        NormalMap(image=gradient(), model="lllyasviel/ControlNet").run(Hand())


# MiDaS in the file of controlnet_aux


@pytest.fixture
def midas(tmp_path: Path) -> Path:
    """A folder with MiDaS's weights, drawn at random, as a pickle."""
    import torch

    from nodes.detectors.files import _midas

    torch.manual_seed(0)
    state = {name: value.half() for name, value in _midas().state_dict().items()}
    torch.save(state, tmp_path / "dpt_hybrid-midas-501f0c75.pt")
    return tmp_path


@pytest.mark.slow
def test_midas_of_controlnet_aux_is_loaded_from_a_folder(midas: Path) -> None:
    image = picture("portrait.png")
    options: dict[str, Any] = {"image": image, "model": str(midas), "detect_resolution": 128}

    with pytest.raises(UserError, match=r"as a pickle.*use 'tiny', or allow"):
        Depth(**options).run(Hand())
    depth = Depth(**options).run(PICKLES).image
    normal = NormalMap(**options, background_threshold=0).run(PICKLES).image

    assert depth.size == normal.size == (512, 512)
    assert np.ptp(depth.pixels.astype(int)) > 150
