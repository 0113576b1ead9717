"""Pictures: uploaded ones, and those that jobs made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from ...jobs.types import NoSuchAssetError
from .. import schemas
from ..errors import ApiError
from ..middleware.bodies import PICTURES
from ..middleware.headers import CONTENT
from ..services import Services
from .common import Before, FileName, may, page_size, router

_TYPES: Mapping[str, str] = {".png": "image/png", ".jpg": "image/jpeg", ".webp": "image/webp"}
_PIECE = 256 * 2**10
_BYTES = {"schema": {"type": "string", "format": "binary"}}
_SENT = dict.fromkeys(PICTURES, _BYTES)
_PICTURE: dict[int | str, dict[str, Any]] = {
    200: {"content": dict.fromkeys(_TYPES.values(), _BYTES), "description": "The picture"}
}


async def raw(request: Request) -> bytes:
    """The body as it came; how large and how slow it may be was judged before."""
    return await request.body()


Raw = Annotated[bytes, Depends(raw)]


def routes(services: Services) -> APIRouter:
    """The routes."""
    assets = services.assets
    api = router(services.limits)
    size_of_page = page_size(services.limits)

    @api.put(
        "/assets",
        status_code=201,
        responses=may(408, 413, 415, 422, 503, 507),
        openapi_extra={"requestBody": {"required": True, "content": _SENT}},
        tags=["assets"],
    )
    def put_asset(
        data: Raw,
        name: Annotated[
            str, Query(max_length=200, description="What to call it; it names no file.")
        ] = "",
    ) -> schemas.Asset:
        """Store a picture: its bytes are the body. It is decoded and encoded anew, and its name is
        a digest of its content."""
        if not data:
            raise ApiError(422, "the body should be a picture: PNG, JPEG or WebP")
        asset = assets.put(data, name)
        return schemas.Asset(
            asset=asset.file, name=asset.name, width=asset.width, height=asset.height
        )

    @api.get("/assets", responses=may(422), tags=["assets"])
    def list_assets(before: Before = None, limit: int = size_of_page) -> schemas.AssetList:
        """What was uploaded, newest first."""
        page, following = assets.list(before, limit)
        listed = [
            schemas.Stored(
                asset=asset.file,
                name=asset.name,
                width=asset.width,
                height=asset.height,
                bytes=asset.bytes,
                created=asset.created,
            )
            for asset in page
        ]
        return schemas.AssetList(assets=listed, next=following)

    @api.get("/assets/{file}", responses={**_PICTURE, **may(404, 422)}, response_class=Response,
             tags=["assets"])  # fmt: skip
    def get_asset(
        file: FileName,
        download: Annotated[Literal["0", "1"], Query(description="1: to be saved.")] = "0",
    ) -> Response:
        """A picture. What has this name never changes, so it may be stored for ever."""
        headers = {"Content-Disposition": f'attachment; filename="{file}"'}
        return _picture(assets.path(file), headers if download == "1" else {})

    @api.get("/assets/{file}/thumbnail", responses={**_PICTURE, **may(404, 422, 503, 507)},
             response_class=Response, tags=["assets"])  # fmt: skip
    def get_thumbnail(
        file: FileName,
        size: Annotated[
            Literal["64", "128", "256", "512"], Query(description="Pixels a side, at most.")
        ] = "256",
    ) -> Response:
        """A small version of a picture."""
        return _picture(assets.thumbnail(file, int(size)), {})

    @api.delete("/assets/{file}", status_code=204, responses=may(404, 507), tags=["assets"])
    def delete_asset(file: FileName) -> None:
        """Delete a file for good, and every picture of the gallery that it shows."""
        assets.delete(file)

    return api


def _picture(path: Path, more: Mapping[str, str]) -> Response:
    """A stored picture: only types that we encode ourselves are ever shown."""
    kind = _TYPES.get(path.suffix)
    if kind is None:
        raise NoSuchAssetError
    try:
        size = path.stat().st_size
    except OSError as error:
        raise NoSuchAssetError from error
    headers = {
        "Cache-Control": "private, max-age=31536000, immutable",
        "Content-Security-Policy": CONTENT,
        "Content-Length": str(size),
        **more,
    }
    return StreamingResponse(_pieces(path, size), headers=headers, media_type=kind)


def _pieces(path: Path, size: int) -> Iterator[bytes]:
    """A file piece by piece, each read when the one before was sent: who reads slowly holds little.

    It is not kept open meanwhile, as there may be more readers than files may be open.
    """
    for start in range(0, size, _PIECE):
        with path.open("rb") as file:
            file.seek(start)
            piece = file.read(_PIECE)
        yield piece
