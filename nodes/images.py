"""Pictures in, out and to size."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from nodegraph.errors import UserError
from nodegraph.node import Context, Each, Node, Output
from nodegraph.png import with_texts

from . import _files
from .types import Image, Mask

Size = Annotated[int, Field(ge=8, le=8192)]
Colour = Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$", json_schema_extra={"format": "color"})]
Fit = Literal["stretch", "cover", "contain"]
Filter = Literal["lanczos", "bicubic", "bilinear", "area", "nearest"]


class Loaded(Output):
    """A picture file, decoded."""

    image: Annotated[
        Image, Field(description="Upright, in RGB, on white where the file is transparent.")
    ]
    mask: Annotated[Mask, Field(description="Opacity: white all over where the file has none.")]


class LoadImage(Node):
    """Read a picture, or every picture of a folder or a pattern such as faces/*.png."""

    path: Annotated[
        Path,
        Field(description="A file, a folder or a pattern in the input folders, or a web address."),
        Each(_files.expand),
    ]

    lane = "io"
    packages = ("pillow",)

    def stamp(self, context: Context) -> object:
        """The content, so that a changed file is read again and a renamed folder is not."""
        url = _files.url_of(self.path)
        if url is None:
            return _files.content(_files.find(self.path, context.folders))
        return _files.digest(_fetched(url, context))

    def run(self, context: Context) -> Loaded:
        from ._decode import decode

        url = _files.url_of(self.path)
        data = _fetched(url, context) if url else _files.read(self.path, context.folders)
        colours, opacity = decode(data, url or str(self.path))
        return Loaded(image=Image(colours), mask=Mask(opacity))


def _fetched(url: str, context: Context) -> bytes:
    from ._fetch import fetch

    return fetch(url, context.allow)


class Resized(Output):
    """A picture in its new size."""

    image: Image


class Resize(Node):
    """Bring a picture to a size: stretched, cropped to cover it, or whole with a margin."""

    image: Image
    width: Annotated[Size | None, Field(description="Pixels; empty follows from the height.")] = (
        None
    )
    height: Annotated[Size | None, Field(description="Pixels; empty follows from the width.")] = (
        None
    )
    fit: Annotated[
        Fit,
        Field(
            description="stretch distorts, cover cuts off what is too much, contain adds a margin."
        ),
    ] = "cover"
    multiple_of: Annotated[
        int, Field(ge=1, le=256, description="Round both sides to this; diffusion models need 8.")
    ] = 1
    filter: Annotated[
        Filter, Field(description="How pixels are mixed; nearest keeps them exact.")
    ] = "lanczos"
    background: Annotated[Colour, Field(description="The margin's colour, for contain.")] = (
        "#ffffff"
    )

    packages = ("pillow",)

    def run(self) -> Resized:
        from ._resize import resize, target

        size = target(self.image.size, self.width, self.height, self.multiple_of)
        pixels = resize(self.image.pixels, size, self.fit, self.filter, self.background)
        return Resized(image=Image(pixels, self.image.conditioning))


class Saved(Output):
    """Where a picture was written."""

    path: Path


class SaveImage(Node):
    """Write a picture as a numbered PNG that carries its workflow; nothing is overwritten."""

    image: Image
    name: Annotated[
        str,
        Field(
            pattern=r"^\w[\w .,()+=@-]*$",
            max_length=100,
            description="The file's name before its number: letters, digits, blanks and .,()+=@-_",
        ),
    ] = "image"

    pure = False
    lane = "io"

    def run(self, context: Context) -> Saved:
        from ._save import png, write

        if context.folders.output is None:
            raise UserError("no output folder is set; name one with --out")
        data = with_texts(png(self.image.pixels), context.texts)
        return Saved(path=write(data, context.folders.output, self.name))
