"""What is written in prompts of other programs, and would be read as text here, is warned of."""

from __future__ import annotations

from typing import Any

import pytest

from nodegraph.graph.registry import Registry
from nodegraph.graph.workflow import Call, Workflow
from nodegraph.planning.plan import plan
from nodes import NODES
from nodes.prompts.foreign import find_foreign, find_foreign_choices

REGISTRY = Registry.of(*NODES)

FOREIGN = [
    ("a cat <lora:ink:0.8>", "'<lora:ink:0.8>' is read as text; link the model through LoadLoRA"),
    ("<LyCO:x:1>", "LoadLoRA"),
    ("<hypernet:old:0.4> a cat", "hypernetworks are not supported"),
    ("a cat, embedding:easynegative", "link the model through LoadEmbedding"),
    ("[cat:dog:0.5]", "'[cat:dog:0.5]' is read as text; a prompt is the same at every step"),
    ("a [fluffy:10] cat", "the same at every step"),
    ("a [fluffy::.5] cat", "the same at every step"),
    ("a [cat|dog]", "the same at every step"),
    ("a {red|blue} cat", "choices are settled by Wildcard"),
    ("{2$$red|blue|green}", "one of the choices is taken"),
    ("{0.3::red|0.7::blue}", "all choices are as likely"),
    ("a __colours__ cat", "lists are read by Wildcard"),
    ("a __colours*__ cat", "a list is named in full"),
    ("${season=winter} a cat", "there are no variables"),
    ("<random:red,blue> cat", "Wildcard settles choices"),
    ("a cat AND a dog", "prompts are not combined"),
    ("a cat AND a dog :1.2", "prompts are not combined"),
    ('("a cat", "a dog").blend(0.7, 0.3)', "prompts are not combined"),
    ("a fluffy++ cat", "weights are written (cat:1.1)"),
    ("a (fluffy tail)+ cat", "weights are written (cat:1.1)"),
    ("a fluffy-- cat", "weights are written (cat:0.9)"),
    ("{{masterpiece}}, a cat", "weights are written (cat:1.1)"),
    ("a cat::2 a dog::1", "weights are written (cat:1.2)"),
    ("a cat --ar 16:9", "a prompt has no options"),
]
MEANT = [
    "",
    "a cat (fluffy), [small], (red:1.2) BREAK a dog, ((very) red:0.8)",
    "(a (nested:1.1) one:1.3)",
    "escaped \\(brackets\\) and \\[more\\|of them\\]",
    "at 10:30, ratio 16:9, a C++ book -- and a well-known one",
    "sand and sea, ANDROID, BRAND",
    "a < b > c, <3, 1 + 1, a_snake_case__name",
    "an e-mail to a@b.c; 50% off; #hashtag",
    "猫, кошка: 1",
]


@pytest.mark.parametrize(("prompt", "expected"), FOREIGN)
def test_what_another_program_would_understand_is_told_with_what_does_it_here(
    prompt: str, expected: str
) -> None:
    (told,) = find_foreign(prompt)

    assert expected in told


@pytest.mark.parametrize("prompt", MEANT)
def test_what_is_understood_or_plain_text_is_not_spoken_of(prompt: str) -> None:
    assert list(find_foreign(prompt)) == []


@pytest.mark.parametrize("text", ["{red|blue}", "{a|{b|c}} __colours__", *MEANT])
def test_a_wildcard_text_may_hold_choices_and_lists(text: str) -> None:
    assert list(find_foreign_choices(text)) == []


@pytest.mark.parametrize(
    "text", ["{2$$a|b}", "{0.5::a|b}", "__a*__", "<lora:x:1>", "[a:b:0.5]", "a AND b"]
)
def test_a_wildcard_text_is_told_what_wildcard_does_not_know(text: str) -> None:
    assert len(list(find_foreign_choices(text))) == 1


@pytest.mark.parametrize(
    "unit",
    ["[", "]", "{", "}", "[a", "[:1", "__a", "__a-", "<lora:", "a:", "(", "AND ", "$${", "{{"],
)
def test_a_long_text_of_signs_is_looked_through_in_proportion(unit: str) -> None:
    """Of 60,000 letters a pattern that tries each beginning against each end would take minutes."""
    assert len(list(find_foreign(unit * (60_000 // len(unit))))) <= 12


PROMPTS = [
    pytest.param(name, input, id=f"{name}.{input}")
    for name, kind in REGISTRY.items()
    if isinstance(kind, type)
    for input in kind.model_fields
    if input in ("prompt", "negative_prompt", "prompts", "text", "texts")
    and (kind.model_fields[input].annotation in (str, list[str]))
]


@pytest.mark.parametrize(("kind", "input"), PROMPTS)
def test_every_prompt_of_every_kind_is_looked_through(kind: str, input: str) -> None:
    value: Any = "a cat <lora:ink:0.8>"
    if input.endswith("s"):
        value = ["fine", value]

    warnings = [str(w) for w in plan(complete(kind, {input: value}), REGISTRY).warnings]

    place = f"tested.{input}[1]" if input.endswith("s") else f"tested.{input}"
    assert [w for w in warnings if w.startswith(f"{place}: '<lora:ink:0.8>'")] == warnings != []


def complete(kind: str, values: dict[str, Any]) -> Workflow:
    """A workflow with a call of ``kind`` whose wires come from the usual nodes."""
    nodes = {
        "model": Call(type="LoadBaseModel"),
        "photo": Call(type="LoadImage", values={"path": "a.png"}),
    }
    links = {"model": "model.model", "image": "photo.image", "mask": "photo.mask"}
    fields = REGISTRY[kind].model_fields  # type: ignore[union-attr]
    needed: dict[str, str | list[str]] = {
        n: a for n, a in links.items() if n in fields and fields[n].is_required()
    }
    if kind == "Hires":
        needed["image"] = "photo.image"
    return Workflow(nodes={**nodes, "tested": Call(type=kind, values=values, links=needed)})


def test_each_prompt_of_a_list_is_told_by_its_place() -> None:
    workflow = complete("Sample", {"prompt": ["a", "[a:b:3]", "c", "x AND y"]})

    addresses = [warning.address for warning in plan(workflow, REGISTRY).warnings]

    assert addresses == ["tested.prompt[1]", "tested.prompt[3]"]


def test_prompts_of_a_sweep_are_told_where_they_are_written() -> None:
    workflow = complete("Sample", {})
    nodes = {
        **workflow.nodes,
        "sweep": Call(type="Sweep", values={"x": ["a", "{b|c}"], "y": [1]}),
        "tested": workflow.nodes["tested"].model_copy(
            update={"links": {"model": "model.model", "prompt": "sweep.x"}}
        ),
    }

    (warning,) = plan(Workflow(nodes=nodes), REGISTRY).warnings

    assert warning.address == "sweep.x[1]"
    assert warning.severity == "warning"


def test_the_palette_has_prompts() -> None:
    assert {kind for kind, _ in (p.values for p in PROMPTS)} >= {
        "Sample", "ImageToImage", "Inpaint", "Hires", "EncodePrompt", "Wildcard", "JoinText",
        "PickText", "PromptsBySeeds",
    }  # fmt: skip
