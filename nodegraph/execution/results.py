"""Pictures among the results of a run, each with the name of its file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import IO, NamedTuple, Protocol, runtime_checkable


class Encoder(Protocol):
    """A picture of a library that can write PNG files."""

    def save(self, file: IO[bytes], format: str) -> None: ...


@runtime_checkable
class Picture(Protocol):
    """A wire that can be saved as a picture."""

    def pil(self) -> Encoder: ...


class ResultPicture(NamedTuple):
    """A picture among the results: what to call its file, and which item of which result it is."""

    name: str
    picture: Picture
    result: str
    item: int = 0


def pictures(results: Mapping[str, object]) -> Iterator[ResultPicture]:
    """Yield every result that is a picture; those of a list are numbered: ``images-01``."""
    for name, value in results.items():
        if isinstance(value, Picture):
            yield ResultPicture(name, value, name)
        elif isinstance(value, list):
            width = max(2, len(str(len(value))))
            for item, entry in enumerate(value):
                if isinstance(entry, Picture):
                    yield ResultPicture(f"{name}-{item + 1:0{width}}", entry, name, item)
