"""Whatever a result depends on is in its key, and nothing else: of every kind of node."""

from __future__ import annotations

import dataclasses
import itertools
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nodegraph.base import packages
from nodegraph.cache.keyring import Keyring
from nodegraph.graph.expand import expand
from nodegraph.graph.ports import convert, ports
from nodegraph.graph.registry import Registry
from nodegraph.graph.workflow import Call, Workflow
from nodegraph.node import Folders, Node, Output
from nodegraph.planning import check
from nodegraph.planning.check import Checker
from nodegraph.planning.types import Plan
from nodegraph.settings import Settings
from nodegraph.tasks.items import resolve
from nodegraph.tasks.keys import key_of
from nodegraph.tasks.task import call_states
from nodegraph.values.leaves import digests
from nodes import NODES
from nodes.images import ListImages, LoadImage
from nodes.layout import Grid
from nodes.models import LoadBaseModel, LoadControlNet, LoadEmbedding, LoadLoRA
from nodes.text import LoadPrompts, Wildcard

from ..support.pictures import Hand, flat
from ..support.weights import TINY


class Anything(Output):
    """Anything."""

    value: Any
    several: list[Any]


class Source(Node):
    """Stand for whatever is linked in."""

    content: str = ""

    def run(self) -> Anything:
        return Anything(value=self.content, several=[self.content])


REGISTRY = Registry.of(*NODES, Source)
KINDS = sorted(REGISTRY.nodes, key=str)
TESTED = [name for name in KINDS if name != "Source"]


def key(  # noqa: PLR0917 (all that a key depends on)
    type: str,
    values: Mapping[str, Any],
    links: Mapping[str, str],
    settings: Settings | None = None,
    stamp: object = None,
    item: int = 0,
) -> bytes:
    """The key of a call (or of one of its items) whose links give these contents."""
    wired = {name: f"{name}_source" for name in links}
    nodes = {
        **{wired[name]: Call(type="Source", values={"content": links[name]}) for name in links},
        "tested": Call(
            type=type, values=dict(values), links={n: f"{s}.value" for n, s in wired.items()}
        ),
    }
    return key_in(Workflow(nodes=nodes), settings, stamp, item)


def key_in(
    workflow: Workflow,
    settings: Settings | None = None,
    stamp: object = None,
    item: int = 0,
) -> bytes:
    # Not by ``plan``, which would refuse what does not go together: each input is asked alone.
    checker = Checker(expand(workflow, REGISTRY))
    calls = call_states(Plan(workflow, tuple(checker.calls()), {}, ()))
    assert checker.problems == []
    for call in calls:
        resolve(call, calls, Folders((Path(__file__).parent,)))
        task = call.tasks[item if call.planned.name == "tested" else 0]
        task.stamp = stamp if call.planned.name == "tested" else None
        signature = (settings or Settings()).signature()
        task.key = key_of(task, calls, signature, Keyring())
        if call.planned.name == "tested":
            return task.key
        content = str(call.planned.values["content"])
        task.digests = digests(Anything(value=content, several=[content]), task.key)
        task.state, call.left = "done", 0
    raise AssertionError("no call is called 'tested'")


def is_wire(type: str, input: str) -> bool:
    return not choices(type, input)


POOL: Sequence[Any] = (
    0, 1, 2, 8, 16, 64, 128, 0.25, 0.75, True, False, "a", "b", "#000000", "#123456",
    [1], [2], ["a"], ["b"], "png", "webp",
)  # fmt: skip


def choices(type: str, input: str) -> list[Any]:
    """Values that an input takes, and that are not the same to it."""
    kind = REGISTRY.nodes[type]
    annotation = ports(kind).inputs[input].annotation
    literals = [
        value
        for part in getattr(annotation, "__args__", ())
        for value in (part, *getattr(part, "__args__", ()))
        if isinstance(value, str)
    ]
    found: dict[str, Any] = {}
    for value in (*literals, *POOL):
        converted, mapped, mistakes = convert(kind, {input: value})
        if not mistakes and not mapped:
            found.setdefault(repr(converted[input]), value)
    return list(found.values())


def given(type: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Values and links with which a call of the kind is complete."""
    required = sorted(ports(REGISTRY.nodes[type]).required)
    wires = [name for name in required if is_wire(type, name)]
    values = {name: choices(type, name)[0] for name in required if name not in wires}
    return values, {name: f"some {name}" for name in wires}


# One test a kind, not one an input: a thousand would take a minute to be counted alone.
KINDS_AND_INPUTS = [(name, sorted(ports(REGISTRY.nodes[name]).inputs)) for name in TESTED]
every_kind = pytest.mark.parametrize(("type", "inputs"), KINDS_AND_INPUTS, ids=TESTED)


@every_kind
def test_another_value_or_another_content_is_another_key(type: str, inputs: list[str]) -> None:
    values, links = given(type)

    same = []
    for input in inputs:
        linked = {name: content for name, content in links.items() if name != input}
        if found := choices(type, input)[:2]:
            keys = {key(type, {**values, input: value}, linked) for value in found}
            same += [input] * (len(found) == 2 > len(keys))
        if input not in values:
            contents = ("one", "other")
            keys = {key(type, values, {**linked, input: content}) for content in contents}
            same += [input] * (len(keys) < 2)

    assert same == []


@every_kind
def test_a_value_left_out_is_its_default(type: str, inputs: list[str]) -> None:
    values, links = given(type)
    defaults = ports(REGISTRY.nodes[type]).defaults
    plain = [n for n in inputs if isinstance(defaults.get(n), str | int | float)]

    whole = key(type, {**values, **{name: defaults[name] for name in plain}}, links)

    assert whole == key(type, values, links)


@every_kind
def test_an_item_of_a_list_has_the_key_that_it_has_alone(type: str, inputs: list[str]) -> None:
    values, links = given(type)
    scalars = ports(REGISTRY.nodes[type]).scalars

    other = []
    for input in (name for name in inputs if name in scalars):
        found = choices(type, input)[:2]
        linked = {name: content for name, content in links.items() if name != input}
        alone = [key(type, {**values, input: value}, linked) for value in found]
        items = [key(type, {**values, input: found}, linked, item=at) for at in range(len(found))]
        other += [input] * (items != alone)

    assert other == []


@pytest.mark.parametrize("type", TESTED)
def test_names_order_and_neighbours_are_in_no_key(type: str) -> None:
    values, links = given(type)
    own = Call(type=type, values=values, links={n: f"{n}.value" for n in links})
    sources = {n: Call(type="Source", values={"content": c}) for n, c in links.items()}
    turned = Call(
        type=type,
        values=dict(reversed(values.items())),
        links={n: f"{n}_too.value" for n in reversed(links)},
    )
    renamed = {f"{n}_too": call for n, call in reversed(sources.items())}
    other = {"other": Call(type="Source", values={"content": "?"})}

    one = key_in(Workflow(nodes={**sources, "tested": own}))
    same = key_in(
        Workflow(nodes={**other, **renamed, "tested": turned}, title="another", results={})
    )

    assert one == same


@pytest.mark.parametrize("type", TESTED)
def test_version_packages_and_stamp_are_in_the_key(
    type: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    values, links = given(type)
    kind = REGISTRY.nodes[type]

    keys = [key(type, values, links), key(type, values, links, stamp="another content")]
    with monkeypatch.context() as patched:
        patched.setattr(kind, "version", kind.version + 1)
        keys.append(key(type, values, links))
    with monkeypatch.context() as patched:
        patched.setattr(check, "installed", lambda package: f"{package} of tomorrow")
        keys.append(key(type, values, links))

    expected = len(keys) if kind.packages else len(keys) - 1
    assert len(set(keys)) == expected


@pytest.mark.parametrize("type", TESTED)
def test_device_and_number_format_are_in_the_keys_of_a_devices_lane(type: str) -> None:
    values, links = given(type)
    runs = [
        Settings(),
        Settings(dtype="bfloat16"),
        Settings(devices=("cuda:0",)),
        Settings(devices=("cuda:0", "cpu")),
    ]

    keys = {key(type, values, links, settings) for settings in runs}
    same = {key(type, values, links, Settings(devices=(d,))) for d in ("cuda:0", "cuda:1")}

    assert len(keys) == (len(runs) if REGISTRY.nodes[type].lane == "device" else 1)
    assert len(same) == 1


def test_every_package_that_a_kind_names_is_one_that_can_be_asked_for() -> None:
    named = {package for kind in NODES for package in getattr(kind, "packages", ())}

    assert [n for n in sorted(named) if packages.installed(n) == "not installed"] == []


# What lies outside of the workflow: files.


def words(folder: Path, text: str) -> None:
    (folder / "words.txt").write_text(text)
    (folder / "words.csv").write_text(f"prompt\n{text}\n")


def lettering(folder: Path, name: str) -> None:
    from matplotlib import get_data_path

    shutil.copy(Path(get_data_path()) / "fonts" / "ttf" / name, folder / "a.ttf")


def picture(folder: Path, shade: int) -> None:
    flat((shade, 0, 0)).pil().save(folder / "a.png")


def model(folder: Path, name: str) -> Path:
    source, target = TINY / name, folder / name
    if not target.exists():
        (shutil.copytree if source.is_dir() else shutil.copy)(source, target)
    return target


def rewritten(file: Path) -> None:
    """Change a file's content and nothing else that could be told: a blank, or a bit."""
    data = bytearray(file.read_bytes())
    if file.suffix == ".json":
        file.write_text(json.dumps(json.loads(data), indent=7))
    elif file.suffix == ".txt":
        file.write_bytes(data + b"\n")
    else:
        data[-1] ^= 1
        file.write_bytes(data)


def stamp_of(node: Node, folder: Path, device: str = "cpu") -> object:
    context = replace(Hand(), folders=Folders((folder,)), device=device)
    return node.stamp(context)


@pytest.mark.parametrize(
    ("node", "change"),
    [
        (LoadImage(path=Path("a.png")), lambda f: picture(f, 9)),
        (LoadPrompts(path=Path("words.txt")), lambda f: words(f, "two")),
        (LoadPrompts(path=Path("words.csv")), lambda f: words(f, "two")),
        (Wildcard(text="__words__"), lambda f: words(f, "two")),
        (ListImages(path=Path("*.png")), lambda f: shutil.copy(f / "a.png", f / "b.png")),
        (Grid(images=[flat((1, 2, 3))], font=Path("a.ttf")), lambda f: lettering(f, "cmr10.ttf")),
    ],
    ids=["picture", "prompts", "table", "wildcard", "folder", "font"],
)
def test_a_file_of_other_content_gives_another_stamp_in_a_living_process(
    tmp_path: Path, node: Node, change: Callable[[Path], None]
) -> None:
    picture(tmp_path, 1)
    words(tmp_path, "one")
    lettering(tmp_path, "DejaVuSerif.ttf")
    before = stamp_of(node, tmp_path)

    change(tmp_path)

    assert stamp_of(node, tmp_path) != before


PARTS = [
    "unet/config.json", "unet/diffusion_pytorch_model.safetensors", "vae/config.json",
    "vae/diffusion_pytorch_model.safetensors", "text_encoder/config.json",
    "text_encoder/model.safetensors", "scheduler/scheduler_config.json", "tokenizer/vocab.json",
    "tokenizer/merges.txt",
]  # fmt: skip


def test_every_part_of_a_base_model_is_in_its_stamp(tmp_path: Path) -> None:
    folder = model(tmp_path, "base")
    node = LoadBaseModel(model=str(folder))
    stamps = [stamp_of(node, tmp_path)]
    present = [part for part in PARTS if (folder / part).exists()]
    for part in present:
        if part == "scheduler/scheduler_config.json":
            config = json.loads((folder / part).read_text())
            (folder / part).write_text(json.dumps({**config, "steps_offset": 7}))
        else:
            rewritten(folder / part)
        stamps.append(stamp_of(node, tmp_path))

    pairs = zip(present, itertools.pairwise(stamps), strict=True)
    unnoticed = [part for part, (before, after) in pairs if before == after]
    assert (unnoticed, len(present) > 6) == ([], True)


@pytest.mark.parametrize(
    ("kind", "input", "name", "inside"),
    [
        (LoadControlNet, "model", "controlnet-canny", "diffusion_pytorch_model.safetensors"),
        (LoadControlNet, "model", "controlnet-canny", "config.json"),
        (LoadLoRA, "lora", "ink.safetensors", ""),
        (LoadEmbedding, "embedding", "ink.safetensors", ""),
    ],
)
def test_content_of_other_models_is_in_their_stamp(
    tmp_path: Path, kind: type[Node], input: str, name: str, inside: str
) -> None:
    place = model(tmp_path, name)
    node = kind.model_construct(
        **{**{n: f.default for n, f in kind.model_fields.items()}, input: str(place)}
    )
    before = stamp_of(node, tmp_path)

    rewritten(place / inside if inside else place)

    assert stamp_of(node, tmp_path) != before


def test_networks_of_preprocessors_tell_what_they_compute_on() -> None:
    kinds = ["SoftEdge", "Scribble", "StraightLines", "Depth", "NormalMap", "Segment"]
    image: Any = flat((1, 2, 3))
    nodes = [REGISTRY.nodes[name].model_validate({"image": image}) for name in kinds]

    same = [
        name
        for name, node in zip(kinds, nodes, strict=True)
        if stamp_of(node, Path(), "cpu") == stamp_of(node, Path(), "cuda:0")
        or stamp_of(node, Path(), "cuda:1") != stamp_of(node, Path(), "cuda:0")
    ]

    assert same == []


def test_every_kind_that_reads_files_tells_their_content() -> None:
    """A new kind that leases weights or reads files without a stamp is noticed here."""
    stamped = {name for name in TESTED if REGISTRY.nodes[name].stamp is not Node.stamp}

    assert stamped == {
        "Depth", "Grid", "ListImages", "LoadBaseModel", "LoadControlNet", "LoadEmbedding",
        "LoadImage", "LoadLoRA", "LoadPrompts", "NormalMap", "OpenPose", "Scribble", "Segment",
        "SoftEdge", "StraightLines", "Wildcard",
    }  # fmt: skip


def test_a_model_that_was_moved_and_renamed_is_the_same_to_what_computes_with_it(
    tmp_path: Path,
) -> None:
    first = model(tmp_path, "base")
    second = tmp_path / "elsewhere" / "renamed"
    shutil.copytree(first, second)

    def apart(folder: Path) -> Mapping[str, object]:
        loaded = LoadBaseModel(model=str(folder)).run(Hand())
        whole = digests(loaded, b"own")
        return {name: whole[f"model.{name}"] for name in ("encoding", "coding", "content")}

    assert apart(first) == apart(second)


def test_what_a_sampler_reads_of_a_model_is_all_but_its_name_and_place(tmp_path: Path) -> None:
    loaded = LoadBaseModel(model=str(model(tmp_path, "base"))).run(Hand()).model
    changes: dict[str, Any] = {
        "shape": replace(loaded.shape, text_width=1),
        "factor": 99,
        "size": 99,
        "scheduler": "{}",
        "text_encoder": replace(loaded.text_encoder, key="other"),
        "unet": replace(loaded.unet, dtype="float16"),
        "vae": replace(loaded.vae, key="other"),
        "inpaints": True,
    }
    fields = {field.name for field in dataclasses.fields(loaded)}

    same = [n for n, c in changes.items() if replace(loaded, **{n: c}).content == loaded.content]

    assert (same, fields - changes.keys()) == ([], {"name"})


def test_what_a_sampler_reads_of_a_controlnet_is_all_but_its_name_and_place() -> None:
    loaded = LoadControlNet(model="tiny-canny").run(Hand()).controlnet
    changes: dict[str, Any] = {
        "shape": replace(loaded.shape, text_width=1),
        "net": replace(loaded.net, key="other"),
        "conditioning": "other",
        "difference": True,
    }
    fields = {field.name for field in dataclasses.fields(loaded)}

    same = [n for n, c in changes.items() if replace(loaded, **{n: c}).content == loaded.content]

    assert (same, fields - changes.keys()) == ([], {"name"})
