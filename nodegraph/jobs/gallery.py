"""The gallery: pictures page by page, put into the bin, put back, and gone after a week."""

from __future__ import annotations

import time
from typing import Any

import sqlalchemy as sa

from .events import Note, ResultDeleted, ResultRestored
from .tables import results
from .types import GalleryResult, NoSuchPictureError, Shelf

BIN = 7 * 24 * 3600.0
"""Seconds for which a deleted picture can be put back."""

_pictured = results.c.asset.is_not(None)


def page(
    connection: sa.Connection, shelf: Shelf, before: int | None, limit: int
) -> tuple[list[GalleryResult], int | None]:
    """List pictures newest first, and where the next page begins."""
    here = sa.select(results).where(_pictured, *_on(shelf))
    query = here.order_by(results.c.seq.desc()).limit(limit + 1)
    if before is not None:
        query = query.where(results.c.seq < before)
    rows = connection.execute(query).all()
    pictures = [_picture(row) for row in rows[:limit]]
    return pictures, rows[limit - 1].seq if len(rows) > limit else None


def _on(shelf: Shelf) -> tuple[sa.ColumnElement[bool], ...]:
    if shelf == "bin":
        return (results.c.deleted.is_not(None),)
    return results.c.deleted.is_(None), results.c.trial == int(shelf == "tries")


def delete(connection: sa.Connection, notes: list[Note], id: int) -> None:
    """Put a picture into the bin; one that is there already stays since when it was."""
    row = _row(connection, id)
    if row.deleted is None:
        _set(connection, id, time.time())
        notes.append((row.job, "result.deleted", ResultDeleted(id=id, forever=False)))


def restore(connection: sa.Connection, notes: list[Note], id: int) -> GalleryResult:
    """Put a picture back to where it was."""
    row = _row(connection, id)
    if row.deleted is not None:
        _set(connection, id, None)
        notes.append((row.job, "result.restored", ResultRestored(id=id)))
    return _picture(_row(connection, id))


def forget(connection: sa.Connection, notes: list[Note], id: int) -> None:
    """Delete a picture for good. Its file goes when files are swept, if nothing else shows it."""
    # Not here: a job that makes the same picture just now has found the file there, and kept it.
    _forget(connection, notes, [_row(connection, id)])


def forget_asset(connection: sa.Connection, notes: list[Note], asset: str) -> None:
    """Delete every picture that a file shows, for good."""
    rows = connection.execute(sa.select(results).where(results.c.asset == asset)).all()
    _forget(connection, notes, rows)


def empty_bin(connection: sa.Connection, notes: list[Note], older: float = BIN) -> int:
    """Delete for good what was put into the bin so many seconds ago; returns how many."""
    over = results.c.deleted < time.time() - older
    rows = connection.execute(sa.select(results).where(over)).all()
    _forget(connection, notes, rows)
    return len(rows)


def _forget(connection: sa.Connection, notes: list[Note], rows: Any) -> None:
    for row in rows:
        connection.execute(sa.delete(results).where(results.c.seq == row.seq))
        notes.append((row.job, "result.deleted", ResultDeleted(id=row.seq, forever=True)))


def _set(connection: sa.Connection, id: int, deleted: float | None) -> None:
    connection.execute(sa.update(results).where(results.c.seq == id).values(deleted=deleted))


def _row(connection: sa.Connection, id: int) -> sa.Row[Any]:
    """Find a picture's row.

    Raises:
        NoSuchPictureError: there is none.
    """
    query = sa.select(results).where(results.c.seq == id, _pictured)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NoSuchPictureError(id)
    return row


def _picture(row: sa.Row[Any]) -> GalleryResult:
    return GalleryResult(
        id=row.seq,
        asset=row.asset,
        job=row.job,
        result=row.result,
        item=row.item,
        width=row.width,
        height=row.height,
        created=row.created,
        title=row.title,
        trial=bool(row.trial),
        deleted=row.deleted,
    )
