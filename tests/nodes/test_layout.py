"""Several pictures in one: Grid and Compare."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nodegraph.errors import UserError
from nodegraph.node import Folders
from nodes.files.find import content_digest
from nodes.layout import Compare, Grid
from nodes.pixels import fonts
from nodes.types import Image

from ..support.pictures import Hand, flat, gradient

# Grids


def test_pictures_are_laid_out_row_by_row() -> None:
    colours = [(10, 0, 0), (20, 0, 0), (30, 0, 0)]

    sheet = Grid(images=[flat(one, 10, 8) for one in colours], columns=2, padding=2).run().image

    assert sheet.size == (2 + 2 * 12, 2 + 2 * 10)
    assert sheet.pixels[5, [5, 17], 0].tolist() == [10, 20]
    assert sheet.pixels[15, [5, 17], 0].tolist() == [30, 255]


@pytest.mark.parametrize(("count", "columns"), [(1, 1), (2, 2), (4, 2), (5, 3), (9, 3), (10, 4)])
def test_without_columns_a_grid_is_as_square_as_can_be(count: int, columns: int) -> None:
    sheet = Grid(images=[flat((0, 0, 0), 16, 16)] * count, padding=0).run().image

    assert columns * 16 == sheet.size[0]


def test_pictures_of_other_sizes_fit_into_their_cell_whole() -> None:
    small, tall = flat((50, 0, 0), 10, 10), flat((60, 0, 0), 20, 40)

    sheet = Grid(images=[small, tall], padding=0, background="#000000").run().image

    assert sheet.size == (40, 40)
    assert sheet.pixels[[5, 20, 35], 10, 0].tolist() == [0, 50, 0]


def test_labels_are_written_below_above_and_beside() -> None:
    cells = [flat((0, 0, 255), 96, 64)] * 4
    plain = Grid(images=cells, columns=2).run().image

    for labels, where in (
        ({"labels": ["one", "two", "three", "four"]}, np.s_[72:80, :104]),
        ({"column_labels": ["left", "right"]}, np.s_[4:22, 8:104]),
        ({"row_labels": ["up", "down"]}, np.s_[20:60, :24]),
    ):
        sheet = Grid.model_validate({"images": cells, "columns": 2, **labels}).run().image
        assert sheet.size > plain.size or sheet.size[1] > plain.size[1]
        assert (sheet.pixels[where].max(axis=2) < 100).any(), labels


def test_a_long_label_is_wrapped_and_cut() -> None:
    long = "a very long prompt " * 20 + "x" * 300

    sheet = Grid(images=[flat((0, 0, 255), 128, 64)], labels=[long], padding=0).run().image

    assert sheet.size[0] == 128
    assert sheet.size[1] <= 64 + 3 * 14


def ink(sheet: Any, where: Any, colour: tuple[int, int, int]) -> bool:
    """Whether anything was written in about this colour there."""
    apart = np.abs(sheet.pixels[where].astype(int) - colour)
    return bool((apart.max(axis=2) < 90).any())


def test_a_title_is_written_above_everything_and_larger_than_labels() -> None:
    cells, ink_of = [flat((0, 0, 255), 96, 64)] * 2, (26, 26, 26)
    labelled = Grid(images=cells, column_labels=["x", "x"]).run().image

    sheet = Grid(images=cells, column_labels=["x", "x"], title="x").run().image

    assert sheet.size == (labelled.size[0], labelled.size[1] + 20 + 8)  # 15 * 1.3, padding
    np.testing.assert_array_equal(labelled.pixels[8:], sheet.pixels[36:])
    assert ink(sheet, np.s_[8:28, 100:116], ink_of)
    assert not ink(sheet, np.s_[8:28, :96], ink_of)


def test_labels_have_the_size_and_colour_asked_for() -> None:
    cells = [flat((0, 0, 255), 96, 64)]

    sheet = Grid(images=cells, labels=["x"], label_size=40, label_colour="#ff0000").run().image

    assert sheet.size == (112, 8 + 64 + 52 + 8)
    assert ink(sheet, np.s_[72:124], (255, 0, 0))
    assert not ink(sheet, np.s_[72:124], (26, 26, 26))


def test_a_label_too_many_is_an_error_that_says_how_many_there_should_be() -> None:
    with pytest.raises(UserError) as caught:
        Grid(images=[gradient()] * 2, labels=["a", "b", "c"]).run()

    assert str(caught.value) == "labels: 3 for 2 pictures; give one each, or none"


def test_a_sheet_that_would_be_too_large_is_an_error() -> None:
    wide = flat((0, 0, 0), 8000, 2000)

    with pytest.raises(UserError, match=r"the sheet would be .* over 128 megapixels"):
        Grid(images=[wide] * 10).run()


# Comparing

RAMP = np.arange(0, 250, 25, dtype=np.uint8)  # ten shades
BEFORE, AFTER = flat((0, 0, 0), 10, 4), Image.from_grey(np.tile(RAMP, (4, 1)))


def compared(**given: Any) -> Any:
    return Compare.model_validate({"before": BEFORE, "after": AFTER, **given}).run()


def test_pictures_stand_side_by_side_with_a_line_between_them() -> None:
    sheet = compared(line=3, line_colour="#ff0000").image.pixels

    np.testing.assert_array_equal(BEFORE.pixels, sheet[:, :10])
    assert (sheet[:, 10:13] == (255, 0, 0)).all()
    np.testing.assert_array_equal(AFTER.pixels, sheet[:, 13:])


@pytest.mark.parametrize(
    ("position", "line", "row"),
    [
        (0.5, 0, [0, 0, 0, 0, 0, 125, 150, 175, 200, 225]),
        (0.5, 2, [0, 0, 0, 0, 255, 255, 150, 175, 200, 225]),
        (0.1, 4, [255, 255, 255, 75, 100, 125, 150, 175, 200, 225]),
        (0.9, 4, [0, 0, 0, 0, 0, 0, 0, 255, 255, 255]),
        (0, 2, [0, 25, 50, 75, 100, 125, 150, 175, 200, 225]),
        (1, 2, [0] * 10),
    ],
)
def test_a_split_shows_before_on_the_left_and_after_on_the_right(
    position: float, line: int, row: list[int]
) -> None:
    sheet = compared(layout="split", position=position, line=line).image

    assert sheet.pixels[2, :, 0].tolist() == row
    assert sheet.size == (10, 4)


def test_a_difference_is_black_where_there_is_none_and_grows_lighter() -> None:
    brightness = compared(layout="difference").image.pixels[0].astype(int).sum(axis=1)
    stronger = compared(layout="difference", gain=2).image.pixels[0].astype(int).sum(axis=1)

    assert brightness[0] == stronger[0] < 10
    assert (np.diff(brightness) > 0).all()
    assert brightness[2] == stronger[1]
    assert len(set(stronger[6:])) == 1  # as large as it can be shown


def test_differences_are_told_in_numbers_whatever_is_shown() -> None:
    for layout in ("side by side", "split", "difference"):
        found = compared(layout=layout)
        assert (found.mean_difference, found.max_difference) == (112.5, 225)


def test_pictures_of_different_sizes_cannot_be_compared() -> None:
    with pytest.raises(UserError, match=r"^after: is 48 x 32 pixels, but the picture 10 x 4"):
        compared(after=gradient())


# Letters


ALPHABETS = {
    "Western Europe": "äöüßéèêçñåøœ£€×",
    "Central Europe": "łőžčğş",
    "Greek": "αβγΩ",
    "Cyrillic": "жшя",
    "signs": "→…–“”°",
}


def drawn(text: str, **more: Any) -> Any:
    return Grid(images=[flat((255, 255, 255), 96, 16)], labels=[text], **more).run().image.pixels


@pytest.mark.parametrize("letters", ALPHABETS.values(), ids=ALPHABETS)
def test_letters_of_europe_are_written_without_fonts_of_the_system(
    letters: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fonts, "_installed", lambda: ())
    fonts.system_fonts.cache_clear()

    boxes = drawn("\U0010fffd")

    assert fonts.missing(letters, fonts.chosen([letters])) == ""
    for letter in letters:
        assert not np.array_equal(boxes, drawn(letter))
    assert [*Grid.check_facts({"labels": [letters]}, {})] == []


def test_labels_of_ascii_are_written_as_ever_in_one_font() -> None:
    """What was made before looks the same, also beside a label that is cut."""
    assert fonts.chosen(["a hat", "a"])[0] == fonts.PILLOWS
    assert fonts.chosen(["a hat", "ä"])[0] == fonts.BUILT_IN


def test_letters_that_no_font_has_are_warned_of_and_do_not_stop_anything(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fonts, "_installed", lambda: ())
    fonts.system_fonts.cache_clear()

    found = [*Grid.check_facts({"title": "猫 a", "labels": ["b", "猫猫"], "font": None}, {})]

    assert found == [
        ("title", "has letters that no font here has (猫); name one in `font`", "warning"),
        ("labels", "has letters that no font here has (猫); name one in `font`", "warning"),
    ]
    assert [*Grid.check_facts({"title": "猫", "font": Path("a.ttf")}, {})] == []
    assert drawn("猫 a").shape == drawn("a").shape


@pytest.fixture
def lent(tmp_path: Path) -> Hand:
    """Fonts of other packages, as a person may have them in an input folder."""
    from matplotlib import get_data_path

    for name in ("DejaVuSerif.ttf", "cmr10.ttf"):
        shutil.copy(Path(get_data_path()) / "fonts" / "ttf" / name, tmp_path)
    (tmp_path / "no.ttf").write_bytes(b"no font at all")
    return Hand(folders=Folders((tmp_path,)))


def test_a_font_of_ones_own_is_used_and_is_in_the_key(lent: Hand, tmp_path: Path) -> None:
    def grid(font: str | None) -> Grid:
        cells = [flat((255, 255, 255), 96, 16)]
        return Grid(images=cells, labels=["ab ж"], font=Path(font) if font else None)

    names = (None, "DejaVuSerif.ttf", "cmr10.ttf")
    pictures = {name: grid(name).run(lent).image.pixels.tobytes() for name in names}
    stamps = {name: grid(name).stamp(lent) for name in names}

    assert len(set(pictures.values())) == 3
    assert stamps[None] is None
    assert len({str(stamp) for stamp in stamps.values()}) == 3
    shutil.copy(tmp_path / "cmr10.ttf", tmp_path / "DejaVuSerif.ttf")
    assert grid("DejaVuSerif.ttf").stamp(lent) == stamps["cmr10.ttf"]
    assert grid("DejaVuSerif.ttf").run(lent).image.pixels.tobytes() == pictures["cmr10.ttf"]


def test_fonts_of_the_system_are_used_where_a_letter_is_missing_and_are_in_the_key(
    lent: Hand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fonts, "BUILT_IN", fonts.PILLOWS)
    monkeypatch.setattr(fonts, "_installed", lambda: (tmp_path / "no.ttf",
                                                      tmp_path / "DejaVuSerif.ttf"))  # fmt: skip
    fonts.system_fonts.cache_clear()
    grid = Grid(images=[flat((255, 255, 255), 96, 16)], labels=["a ж"])

    assert [face.path for face in fonts.chosen(["a ж"])] == [None, tmp_path / "DejaVuSerif.ttf"]
    assert grid.stamp(lent) == [content_digest((tmp_path / "DejaVuSerif.ttf").read_bytes())]
    fonts.system_fonts.cache_clear()


@pytest.mark.parametrize(
    ("font", "message"),
    [
        ("no.ttf", "font: 'no.ttf' is no font that can be read (.ttf, .otf, .ttc)"),
        ("none.ttf", "no file 'none.ttf' in "),
        ("../none.ttf", "'../none.ttf' lies outside the input folders"),
    ],
)
def test_a_font_that_cannot_be_used_is_named(lent: Hand, font: str, message: str) -> None:
    grid = Grid(images=[gradient()], labels=["a"], font=Path(font))

    for call in (grid.run, grid.stamp):
        with pytest.raises(UserError) as caught:
            call(lent)
        assert str(caught.value).startswith(message)


def test_a_label_of_one_endless_word_is_cut_at_once() -> None:
    assert drawn("x" * 1_000_000).shape == drawn("x" * 9_000).shape


def test_a_letter_and_its_marks_are_written_as_one() -> None:
    assert np.array_equal(drawn("e\u0301"), drawn("é"))
