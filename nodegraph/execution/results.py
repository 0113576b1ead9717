"""What of a run's results can be looked at: the pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import IO, NamedTuple, Protocol, runtime_checkable


class Encoder(Protocol):
    """What a picture library gives: it can write a PNG."""

    def save(self, file: IO[bytes], format: str) -> None: ...


@runtime_checkable
class Picture(Protocol):
    """What a wire needs to be saved as a picture."""

    def pil(self) -> Encoder: ...


class Found(NamedTuple):
    """A picture among the results: what to call its file, and which item of which result it is."""

    name: str
    picture: Picture
    result: str
    item: int = 0


def pictures(results: Mapping[str, object]) -> Iterator[Found]:
    """Yield every result that is a picture; those of a list are numbered: ``images-01``."""
    for name, value in results.items():
        if isinstance(value, Picture):
            yield Found(name, value, name)
        elif isinstance(value, list):
            width = max(2, len(str(len(value))))
            for item, each in enumerate(value):
                if isinstance(each, Picture):
                    yield Found(f"{name}-{item + 1:0{width}}", each, name, item)
