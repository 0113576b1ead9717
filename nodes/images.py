"""Pictures in, out and to size."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import AfterValidator, Field

from nodegraph.carriers.picture import with_texts
from nodegraph.errors import UserError
from nodegraph.node import Composite, Context, Each, Facts, Folders, LinkedFacts, Node, Output

from . import _checks
from ._fields import Beside, Part
from ._packages import PILLOW
from .files import names, write
from .files.find import (
    content_digest,
    expand,
    file_digest,
    find_file,
    native,
    ordered,
    read_file,
    url_of,
)
from .pixels import boxes
from .types import Image, Mask, Pixels

if TYPE_CHECKING:
    from nodegraph.graph.drawing import Drawing

Size = Annotated[int, Field(ge=8, le=8192)]
Colour = Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$", json_schema_extra={"format": "color"})]
Fit = Literal["stretch", "cover", "contain"]
PicturePath = Annotated[
    Path, Field(description="A folder or a pattern such as faces/*.png, in the input folders.")
]
Order = Annotated[
    Literal["number", "name", "date"],
    Field(
        description="number puts pose-2 before pose-10, name after it, date begins with the oldest."
    ),
]
Reverse = Annotated[bool, Field(description="Begin at the other end.")]
Skip = Annotated[int, Field(ge=0, description="How many to leave out at the beginning.")]
Limit = Annotated[int | None, Field(ge=1, description="At most so many; empty takes all.")]
Filter = Literal["lanczos", "bicubic", "bilinear", "area", "nearest"]


class Loaded(Output):
    """A picture file, decoded."""

    image: Annotated[
        Image, Field(description="Upright, in sRGB, on white where the file is transparent.")
    ]
    mask: Annotated[Mask, Field(description="Opacity: white all over where the file has none.")]
    name: Annotated[str, Field(description="The file's name without its suffix, for SaveImage.")]


class LoadImage(Node):
    """Read a picture, or every picture of a folder or a pattern such as faces/*.png."""

    aliases = ("open picture", "input image", "photo")

    path: Annotated[
        Path,
        Field(description="A file, a folder or a pattern in the input folders, or a web address."),
        Each(expand),
    ]

    lane = "io"
    version = 3
    packages = PILLOW

    def stamp(self, context: Context) -> object:
        """The content, so that a changed file is read again; its path is a value like any other."""
        url = url_of(self.path)
        if url is None:
            return file_digest(find_file(self.path, context.folders))
        return content_digest(_fetched(url, context))

    @classmethod
    def file_facts(cls, values: Mapping[str, Any], folders: Folders) -> Mapping[str, Facts]:
        """The size of the picture; of several, or of the first of a folder, the largest."""
        from .files.sizes import largest

        size = _checks.sized(largest(values["path"], folders))
        return {"image": size, "mask": size}

    def run(self, context: Context) -> Loaded:
        from .files.decode import decode_picture

        url = url_of(self.path)
        data = _fetched(url, context) if url else read_file(self.path, context.folders)
        colours, opacity = decode_picture(data, url or str(self.path))
        path = self.path if url else native(self.path, context.folders)
        name = names.safe_name(path.stem)
        return Loaded(image=Image(colours), mask=Mask(opacity), name=name)


def _fetched(url: str, context: Context) -> bytes:
    from .files.web import fetch

    return fetch(url, context.allow)


class Listed(Output):
    """Picture files, to be loaded one by one."""

    paths: list[Path]


class ListImages(Node):
    """Name the pictures of a folder or pattern, in the order wanted, for LoadImage to read."""

    path: PicturePath
    order: Order = "number"
    reverse: Reverse = False
    skip: Skip = 0
    limit: Limit = None

    lane = "io"

    def stamp(self, context: Context) -> object:
        """The names of the files, so that one that comes or goes is noticed."""
        return [path.as_posix() for path in self._paths(context.folders)]

    def run(self, context: Context) -> Listed:
        return Listed(paths=self._paths(context.folders))

    def _paths(self, folders: Folders) -> list[Path]:
        paths = expand(self.path, folders) or [native(self.path, folders)]
        paths = ordered(paths, self.order, folders)[:: -1 if self.reverse else 1]
        chosen = paths[self.skip :][: self.limit]
        if not chosen:
            raise UserError(f"skip: there are only {len(paths)} pictures in {str(self.path)!r}")
        return chosen


class LoadImages(Composite):
    """Read the pictures of a folder or pattern, in the order wanted, or only some of them."""

    aliases = ("batch", "folder of pictures")

    path: PicturePath
    order: Order = "number"
    reverse: Reverse = False
    skip: Skip = 0
    limit: Limit = None

    def draw(self, drawing: Drawing) -> Loaded:
        from nodegraph.graph.drawing import each

        listed = drawing.add(
            "list",
            ListImages,
            path=self.path,
            order=self.order,
            reverse=self.reverse,
            skip=self.skip,
            limit=self.limit,
        )
        loaded = drawing.add("load", LoadImage, path=each(listed.paths))
        return Loaded(image=loaded.image, mask=loaded.mask, name=loaded.name)


class Resized(Output):
    """A picture in its new size."""

    image: Image
    mask: Part


class Resize(Node):
    """Bring a picture to a size: stretched, cropped to cover it, or whole with a margin."""

    aliases = ("image scale", "rescale")

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

    mask: Beside = None

    version = 2
    packages = PILLOW

    def run(self) -> Resized:
        from .pixels.masks import mixing
        from .pixels.resize import resize, target

        size = target(self.image.size, self.width, self.height, self.multiple_of)
        boxes.bounded("image", size)
        pixels = resize(self.image.pixels, size, self.fit, self.filter, self.background)
        mask = beside(self.image, self.mask)
        # Lanczos overshoots twice: beside white it would mark what is black.
        filter = mixing(mask, size) if self.filter == "lanczos" else self.filter
        mask = resize(mask, size, self.fit, filter, "#000000")
        return Resized(image=Image(pixels, self.image.conditioning), mask=Mask(mask))

    @classmethod
    def facts(cls, values: Mapping[str, Any], linked: LinkedFacts) -> Mapping[str, Facts]:
        from .pixels.resize import target

        images = linked.get("image", ())
        asked = [values.get(name, 0) for name in ("width", "height", "multiple_of")]
        size = _checks.size_of(images) or ((1, 1) if asked[0] and asked[1] else None)
        # 0: it differs from item to item.
        known = target(size, *asked) if size and 0 not in asked else None
        return {"image": {**_checks.shared(images), **_checks.sized(known)}}

    check_facts = classmethod(_checks.image_bounds)


def beside(image: Image, mask: Mask | None) -> Pixels:
    """A mask stretched over its picture; white all over where there is none."""
    from .pixels.masks import fitted

    width, height = image.size
    white = np.full((height, width), 255, np.uint8)
    return white if mask is None else fitted(mask.pixels, image.size)


class Saved(Output):
    """Where a picture was written."""

    path: Path


class SaveImage(Node):
    """Write a picture to a file that carries its workflow; nothing is overwritten."""

    aliases = ("export", "write picture")

    image: Image
    name: Annotated[
        str,
        Field(
            pattern=r"^\w[\w .,()+=@-]*$",
            max_length=100,
            description="What {name} stands for: letters, digits, blanks and .,()+=@-_",
        ),
    ] = "image"
    pattern: Annotated[
        str,
        Field(
            max_length=200,
            description="The file's name, with folders if wanted: {date}/{name}-{number}, {width},"
            " {height}. A name that is taken gets a number.",
        ),
        AfterValidator(names.checked),
    ] = "{name}-{number}"
    format: Annotated[write.Format, Field(description="PNG keeps every pixel as it is.")] = "png"
    quality: Annotated[
        int, Field(ge=1, le=100, description="Of JPEG and WebP; a WebP of 100 keeps every pixel.")
    ] = 92

    pure = False
    lane = "io"

    def run(self, context: Context) -> Saved:
        if context.folders.output is None:
            raise UserError("no output folder is set; name one with --out")
        data = write.encode_file(self.image.pixels, self.format, self.quality)
        data = with_texts(data, context.texts)
        width, height = self.image.size
        fields = {"name": self.name, "date": date.today(), "width": width, "height": height}
        name = names.filled(self.pattern, fields)
        path = write.write_file(data, context.folders.output, name, write.SUFFIXES[self.format])
        return Saved(path=path)
