"""Texts: joined, picked, varied by a seed, and read from files."""

from __future__ import annotations

import csv
from collections import Counter
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodegraph import Builder, Cache, Folders, Settings
from nodegraph.errors import UserError
from nodes.files.texts import column_of
from nodes.prompts.wildcards import chosen, names_in
from nodes.text import JoinText, LoadPrompts, PickText, Wildcard

from ..support.pictures import Hand


@pytest.fixture
def hand(tmp_path: Path) -> Hand:
    return Hand(folders=Folders((tmp_path,)))


def nothing(name: str) -> list[str]:
    raise AssertionError(f"asked for {name}")


def test_texts_are_joined_and_empty_ones_left_out() -> None:
    assert JoinText(texts=["a hat", "", " ", "red"]).run().text == "a hat, red"
    assert JoinText(texts=["a", "b"], separator=" BREAK ").run().text == "a BREAK b"


def test_a_text_is_picked_by_its_place() -> None:
    assert PickText(texts=["a", "b", "c"], index=2).run().text == "c"


def test_a_place_behind_the_last_is_named() -> None:
    with pytest.raises(UserError, match="index: 3, but the last of 3 texts is 2"):
        PickText(texts=["a", "b", "c"], index=3).run()


def test_seeds_pick_every_text_about_as_often() -> None:
    picked = Counter(PickText(texts=["a", "b", "c"], seed=seed).run().text for seed in range(600))

    assert sorted(picked) == ["a", "b", "c"]
    assert min(picked.values()) > 150


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("a {red|blue} hat", {"a red hat", "a blue hat"}),
        ("{a|{b|c} d}", {"a", "b d", "c d"}),
        ("{a|}", {"a", ""}),
        ("{a} b|c", {"{a} b|c"}),
        ("a __colour__ hat", {"a red hat", "a blue hat"}),
        ("{__colour__|no} hat", {"red hat", "blue hat", "no hat"}),
        ("__nested__", {"dark red", "dark blue"}),
        ("snake_case __ and __init", {"snake_case __ and __init"}),
    ],
)
def test_choices_are_settled_by_the_seed(text: str, options: set[str]) -> None:
    lists = {"colour": ["red", "blue"], "nested": ["dark __colour__"]}

    found = {chosen(text, seed, lists.__getitem__) for seed in range(60)}

    assert found == options


@given(st.text(st.sampled_from("{}|_ab ")), st.integers(0, 2**32 - 1))
def test_any_text_can_be_settled_and_always_the_same_way(text: str, seed: int) -> None:
    def once() -> str:
        return chosen(text, seed, lambda name: [f"<{name[::-1]}>"])

    assert once() == once()


@given(st.text(st.characters(exclude_characters="{_")), st.integers(0, 9))
def test_a_text_without_choices_is_left_as_it_is(text: str, seed: int) -> None:
    assert chosen(text, seed, nothing) == text


def test_a_list_that_leads_back_to_itself_is_an_error() -> None:
    with pytest.raises(UserError, match="does a list lead back to itself"):
        chosen("__a__", 1, lambda _: ["x __a__"])


def test_every_list_a_text_may_lead_to_is_named() -> None:
    assert names_in("a {__one__|__two__} and __three/four__") == ["one", "two", "three/four"]


def test_lists_are_read_from_the_input_folders(tmp_path: Path, hand: Hand) -> None:
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "hats.txt").write_text("# hats\n\n  a __colours__ hat  \n", "utf-8")
    (tmp_path / "colours.txt").write_text("grün\n", "utf-8")
    node = Wildcard(text="{__lists/hats__|__lists/hats__}!")

    before = node.stamp(hand)
    text = node.run(hand).text
    (tmp_path / "colours.txt").write_text("red\n", "utf-8")

    assert text == "a grün hat!"
    assert node.stamp(hand) != before


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("__colours__", "no file 'colours.txt' in "),
        ("__empty__", "text: the list 'empty' is empty"),
        ("__bytes__", "'bytes.txt' is no UTF-8 text"),
    ],
)
def test_a_list_that_cannot_be_used_is_named(
    tmp_path: Path, hand: Hand, text: str, message: str
) -> None:
    (tmp_path / "empty.txt").write_text("# nothing\n")
    (tmp_path / "bytes.txt").write_bytes(b"\xff\xfd\x00")

    with pytest.raises(UserError) as caught:
        Wildcard(text=text).run(hand)

    assert str(caught.value).startswith(message)


def texts(hand: Hand, path: str, column: str = "") -> list[str]:
    return LoadPrompts(path=Path(path), column=column).run(hand).texts


def test_the_lines_of_a_file_are_prompts(tmp_path: Path, hand: Hand) -> None:
    (tmp_path / "prompts.txt").write_text("\ufeffa red hat\r\n\r\n# later\n a blue hat \n", "utf-8")

    assert texts(hand, "prompts.txt") == ["a red hat", "a blue hat"]


def test_a_column_of_a_table_is_prompts(tmp_path: Path, hand: Hand) -> None:
    table = 'prompt,negative\n"a hat, red",blurry\n,dark\n,\n"two\nlines",\n'
    (tmp_path / "table.csv").write_text(table)
    (tmp_path / "one.tsv").write_text("words\na, b\n")

    assert texts(hand, "table.csv") == ["a hat, red", "", "two\nlines"]
    assert texts(hand, "table.csv", "negative") == ["blurry", "dark", ""]
    assert texts(hand, "one.tsv") == ["a, b"]


@pytest.mark.parametrize(
    ("path", "column", "message"),
    [
        ("table.csv", "promt", "column: no 'promt'; did you mean 'prompt'?"),
        ("other.csv", "", "column: no 'prompt'; it has a, b"),
        ("lines.txt", "a", "column: 'lines.txt' is no table (.csv or .tsv)"),
        ("empty.csv", "", "path: 'empty.csv' holds no prompts"),
        ("nowhere.txt", "", "no file 'nowhere.txt' in "),
        ("../outside.txt", "", "'../outside.txt' lies outside the input folders"),
    ],
)
def test_a_file_without_prompts_is_named(
    tmp_path: Path, hand: Hand, path: str, column: str, message: str
) -> None:
    (tmp_path / "table.csv").write_text("prompt,negative\na,b\n")
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    (tmp_path / "lines.txt").write_text("a\n")
    (tmp_path / "empty.csv").write_text("prompt\n")

    with pytest.raises(UserError) as caught:
        texts(hand, path, column)

    assert str(caught.value).startswith(message)


def test_prompts_of_a_file_are_items_of_what_takes_one(tmp_path: Path) -> None:
    (tmp_path / "prompts.txt").write_text("a {red} hat\na blue hat\n")
    builder = Builder()
    prompts = builder.add("prompts", LoadPrompts, path=Path("prompts.txt"))
    varied = builder.add("varied", Wildcard, text=prompts.texts)  # type: ignore[arg-type]

    made: Any = builder.run(varied, Cache.in_memory(), Settings(folders=Folders((tmp_path,)))).text

    assert made == ["a {red} hat", "a blue hat"]


# Files as people's programs write them


TABLE = [["prompt", "negative"], ["a hat; red, and | more", "blurry"], ["Größe 猫", ""]]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_a_table_is_read_however_a_program_wrote_it(
    tmp_path: Path, hand: Hand, separator: str, end: str, encoding: str
) -> None:
    file = StringIO(newline="")
    csv.writer(file, delimiter=separator, lineterminator=end).writerows(TABLE)
    for said in ("", f"sep={separator}{end}"):
        (tmp_path / "table.csv").write_bytes(f"{said}{file.getvalue()}".encode(encoding))

        assert texts(hand, "table.csv") == [row[0] for row in TABLE[1:]]
        assert texts(hand, "table.csv", "negative") == ["blurry", ""]


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ("prompt\na cat, red; or | blue\n", ["a cat, red; or | blue"]),
        ('prompt\n"a cat, red"\n', ["a cat, red"]),
        ('"a;b";prompt\n1;2\n', ["2"]),
        (" prompt ; x\na;b\n", ["a"]),
        ("\n\nprompt;x\n\na;b\n;\n", ["a"]),
        ('prompt;x\n"two\r\nlines";1\n', ["two\r\nlines"]),
        ('prompt\n"a ""word"""\n', ['a "word"']),
        ("prompt;x\na\u2028b\x0bc;1\n", ["a\u2028b\x0bc"]),
    ],
)
def test_the_first_row_tells_what_parts_the_columns(
    tmp_path: Path, hand: Hand, table: str, expected: list[str]
) -> None:
    (tmp_path / "table.csv").write_bytes(table.encode())

    assert texts(hand, "table.csv") == expected


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ('prompt;x\na;b\n"open;c\nd;e\n',
         "path: the table cannot be read from line 3 on: a quote that opens there is never closed"),
        ('sep=;\nprompt;x\n"open;c\n',
         "path: the table cannot be read from line 3 on: a quote that opens there is never closed"),
        ('prompt;x\n"a"b;c\n', "path: the table cannot be read from line 2 on: ';' expected after"),
        ("prompt,x\na cat, red, big\n",
         "path: line 2 has 3 columns, but the first row names 2; put a text with , in it"),
        ("prompt;prompt\na;b\n", "column: the table has 2 columns 'prompt'"),
        ("a;b\n1;2\n", "column: no 'prompt'; it has a, b"),
    ],
)  # fmt: skip
def test_a_table_that_would_lose_something_is_refused_in_a_sentence(
    tmp_path: Path, hand: Hand, table: str, message: str
) -> None:
    (tmp_path / "table.csv").write_bytes(table.encode())

    with pytest.raises(UserError) as caught:
        texts(hand, "table.csv")

    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_only_ends_of_lines_end_a_line(tmp_path: Path, hand: Hand) -> None:
    odd = "\u2028\u2029\x0b\x0c\x1c\x1d\x1e\x85"
    (tmp_path / "prompts.txt").write_bytes(f"a{odd}b\rc\r\nd\ne".encode())
    (tmp_path / "list.txt").write_bytes(f"a{odd}b".encode())

    assert texts(hand, "prompts.txt") == [f"a{odd}b", "c", "d", "e"]
    assert Wildcard(text="__list__").run(hand).text == f"a{odd}b"


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_is_known_without_its_mark(tmp_path: Path, hand: Hand, encoding: str) -> None:
    (tmp_path / "prompts.txt").write_bytes("a red hat\na blue hat\n".encode(encoding))

    assert texts(hand, "prompts.txt") == ["a red hat", "a blue hat"]


def test_an_older_encoding_is_asked_for_and_read(tmp_path: Path, hand: Hand) -> None:
    (tmp_path / "prompts.txt").write_bytes("ein grünes “Hemd” – schön".encode("cp1252"))

    with pytest.raises(UserError) as caught:
        texts(hand, "prompts.txt")
    read = LoadPrompts(path=Path("prompts.txt"), encoding="cp1252").run(hand).texts

    assert str(caught.value) == (
        "'prompts.txt' is no UTF-8 text; save it as UTF-8, or say in `encoding` what it is"
    )
    assert read == ["ein grünes “Hemd” – schön"]


@given(
    st.lists(
        st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=9), min_size=2,
                 max_size=2),
        max_size=5,
    ),
    st.sampled_from(",;\t|"),
)  # fmt: skip
def test_any_table_that_was_written_is_read_back(rows: list[list[str]], separator: str) -> None:
    file = StringIO(newline="")
    csv.writer(file, delimiter=separator).writerows([["prompt", "x"], *rows])

    found = column_of(file.getvalue(), "")

    assert found == [prompt for prompt, x in rows if prompt.strip() or x.strip()]
