"""Depth, normals and segmentation: the built-in network on drawings, and models from folders."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from nodegraph import Builder, Workflow, load_registry, plan
from nodegraph.errors import UserError
from nodegraph.node import Folders, Pin
from nodes.checkpoints.hub import files_to_fetch
from nodes.detectors import controlnet_aux as _controlnet_aux
from nodes.detectors import depth as _surfaces
from nodes.detectors.ade20k import TINY
from nodes.images import LoadImage
from nodes.models import LoadControlNet
from nodes.sampling import Control
from nodes.surfaces import Depth, NormalMap, Segment
from nodes.types import Image

from ..support.pictures import INPUTS, Hand, flat, gradient

PICKLES = Hand(allow=frozenset({"pickle"}))
Floats = npt.NDArray[np.float32]


def picture(name: str) -> Image:
    return LoadImage(path=Path(name)).run(Hand(folders=Folders((INPUTS,)))).image


def circle(size: int = 256) -> Image:
    """A blue circle on yellow, as the tiny world has them."""
    import cv2

    pixels = np.full((size, size, 3), (246, 216, 48), np.uint8)
    cv2.circle(pixels, (size // 2,) * 2, round(size * 0.32), (40, 76, 210), -1, cv2.LINE_AA)
    return Image(pixels)


# The built-in network


def test_a_person_is_nearer_than_the_wall_and_the_wall_nearer_at_its_foot() -> None:
    person = picture("portrait.png")

    depth = Depth(image=person).run(Hand()).image

    grey = depth.pixels[:, :, 0].astype(int)
    inside = Segment(image=person).run(Hand()).masks[1].pixels > 0
    assert (depth.size, depth.conditioning) == (person.size, "depth")
    assert grey[inside].mean() > 180
    assert grey[~inside].mean() < 70
    assert grey[-12:, :40].mean() > grey[:12, :40].mean() + 20


def test_a_round_things_normals_lean_to_its_middle_and_its_ground_is_pink() -> None:
    drawn = NormalMap(image=circle()).run(Hand()).image

    pixels = drawn.pixels.astype(int)
    # Red is z, green is y, blue is x: towards where it is nearer.
    left, right, above, below = pixels[128, 52], pixels[128, 204], pixels[52, 128], pixels[204, 128]
    assert (drawn.size, drawn.conditioning) == ((256, 256), "normal")
    assert np.abs(pixels[:20, :20] - (255, 127, 127)).max() <= 2
    assert left[2] > 150 > right[2] + 50
    assert above[1] > 150 > below[1] + 50
    assert abs(pixels[128, 128] - (255, 127, 127)).max() < 25


def test_background_that_is_far_faces_us_exactly() -> None:
    every = NormalMap(image=circle(), background_threshold=1).run(Hand()).image.pixels

    assert (np.unique(every.reshape(-1, 3), axis=0) == [[255, 127, 127]]).mean() > 0.3
    assert (every == (255, 127, 127)).all(axis=2).mean() > 0.99


def test_shapes_are_named_coloured_and_masked() -> None:
    shapes = picture("shapes.png")

    seen = Segment(image=shapes).run(Hand())

    assert seen.names == ["background", "shape"]
    assert (seen.image.size, seen.image.conditioning) == (shapes.size, "seg")
    covered = np.zeros(shapes.pixels.shape[:2], int)
    for name, mask in zip(seen.names, seen.masks, strict=True):
        where = mask.pixels == 255
        assert set(np.unique(mask.pixels).tolist()) <= {0, 255}
        assert (seen.image.pixels[where] == TINY[name]).all()
        covered += where
    assert covered.max() == 1
    assert covered.mean() > 0.99
    # What differs from the background is what is not called so.
    ground = shapes.pixels[3, 3].astype(int)
    thing = np.abs(shapes.pixels.astype(int) - ground).max(axis=2) > 60
    assert ((seen.masks[0].pixels == 0) == thing).mean() > 0.97


@pytest.mark.parametrize("name", ["portrait", "pose-1", "pose-2", "pose-3", "pose-4"])
def test_a_drawn_person_is_a_person_and_nothing_else_is_there(name: str) -> None:
    assert Segment(image=picture(f"{name}.png")).run(Hand()).names == ["background", "person"]


def test_small_things_are_not_named_but_drawn() -> None:
    seen = Segment(image=circle(), minimum_share=0.5).run(Hand())

    assert seen.names == ["background"]
    assert (seen.image.pixels == TINY["shape"]).all(axis=2).any()


@pytest.mark.parametrize("node", [Depth, NormalMap, Segment])
def test_a_photograph_is_looked_at_with_a_warning(
    node: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        drawn = node(image=picture("astronaut.jpg")).run(Hand()).image

    assert drawn.size == (512, 512)
    assert [record.getMessage() for record in caplog.records] == [
        "'tiny' knows drawings of the tiny world alone, and this picture is not like one"
        " (23 % of it is smooth, of a drawing at least 60 %); what it sees here is guesswork:"
        " give a model from the hub or a folder"
    ]


@pytest.mark.parametrize("name", ["astronaut.jpg", "park.jpg"])
def test_photographs_are_told_from_drawings(name: str) -> None:
    from nodes.detectors.tiny_dense import DRAWN, smoothness

    assert smoothness(picture(name).pixels) < DRAWN - 0.2


def test_drawings_are_told_from_photographs_however_noisy_and_squeezed() -> None:
    import cv2

    from nodes.detectors.tiny_dense import DRAWN, smoothness

    rng = np.random.default_rng(1)
    for name in ("portrait", "shapes", "pose-1", "pose-2", "pose-3", "pose-4"):
        pixels = picture(f"{name}.png").pixels
        noisy = (pixels + rng.normal(0, 6, pixels.shape)).clip(0, 255).astype(np.uint8)
        squeezed = cv2.imdecode(cv2.imencode(".jpg", noisy, [cv2.IMWRITE_JPEG_QUALITY, 75])[1], 1)
        assert smoothness(pixels) > DRAWN + 0.15
        assert smoothness(np.asarray(squeezed, np.uint8)) > DRAWN


@pytest.mark.parametrize("node", [Depth, NormalMap, Segment])
def test_a_map_has_the_size_of_its_picture_and_leaves_it_as_it_is(node: Any) -> None:
    image = flat((40, 76, 210), 150, 101)
    before = image.pixels.copy()

    kept = node(image=image).run(Hand()).image
    sized = node(image=image, detect_resolution=64, image_resolution=192).run(Hand()).image

    assert (kept.size, sized.size) == ((150, 101), (192, 192))
    assert np.array_equal(image.pixels, before)


@pytest.mark.slow
def test_the_shipped_weights_are_as_good_as_the_page_says() -> None:
    from training.recipes.dense import measure

    errors = measure(Path(_surfaces.dense().path).parent, count=40)

    assert errors.depth < 0.02
    assert errors.degrees < 16
    assert errors.right > 0.985
    assert errors.overlap > 0.96


# The rules that numbers become colours by


def some_depth() -> Floats:
    y, x = np.mgrid[:64, :64].astype(np.float32)
    return np.asarray(900 * np.exp(-((x - 40) ** 2 + (y - 25) ** 2) / 200), np.float32)


@pytest.mark.parametrize("background", [0.1, 0.4])
def test_depth_and_normals_are_drawn_as_controlnet_aux_draws_midass(background: float) -> None:
    import torch

    near = some_depth()

    class Known(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(1))

        def forward(self, _: Any) -> Any:
            return torch.from_numpy(near)[None]

    detector = _controlnet_aux.part("midas").MidasDetector(Known())
    depth, normal = detector(
        flat((0, 0, 0), 64, 64).pixels,
        bg_th=background,
        depth_and_normal=True,
        detect_resolution=64,
        image_resolution=64,
        output_type="np",
    )

    np.testing.assert_array_equal(_surfaces.depth_image(near), depth[:, :, 0])
    mine = _surfaces.normal_image(_surfaces.slopes(near, background))
    assert np.abs(mine.astype(int) - normal).max() <= 1


def test_nothing_nearer_than_the_rest_is_no_division_by_zero() -> None:
    level = np.full((64, 64), 3.5, np.float32)

    assert not _surfaces.depth_image(level).any()
    assert (_surfaces.normal_image(_surfaces.slopes(level, 0.4)) == (255, 127, 127)).all()


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


# Before anything runs


@pytest.mark.parametrize(
    ("node", "conditioning"), [(Depth, "depth"), (NormalMap, "normal"), (Segment, "seg")]
)
def test_a_map_for_another_controlnet_is_warned_of_before_anything_runs(
    node: Any, conditioning: str
) -> None:
    def drawn(controlnet: str) -> list[str]:
        g = Builder("Maps")
        image = g.add("photo", LoadImage, path=Path("shapes.png"))
        seen = g.add("seen", node, image=image.image)
        net = g.add("net", LoadControlNet, model=controlnet)
        g.add("control", Control, image=seen.image, controlnet=net.controlnet)
        workflow = Workflow.model_validate(g.workflow().model_dump())
        return [str(problem) for problem in plan(workflow, load_registry()).warnings]

    assert drawn(f"lllyasviel/sd-controlnet-{conditioning}") == []
    (warning,) = drawn("lllyasviel/sd-controlnet-hed")
    assert f"is a {conditioning} control image, but the ControlNet reads hed" in warning


def test_explaining_a_preprocessor_loads_no_torch() -> None:
    code = """
import sys
from nodes.preprocessors import SoftEdge, StraightLines
from nodes.surfaces import Depth, Segment
from tests.support.pictures import Hand, flat
for node in (SoftEdge, StraightLines, Depth, Segment):
    node(image=flat((0, 0, 0))).stamp(Hand())
print([m for m in ("torch", "cv2", "transformers", "diffusers") if m in sys.modules])
"""

    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=INPUTS.parents[1],
        check=True,
    )

    assert done.stdout == "[]\n"
