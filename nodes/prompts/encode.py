"""Prompts encoded: words as tokens, tokens in chunks, chunks as weighed embeddings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from nodegraph.errors import UserError

from ..weights.overlay import without_last
from ..weights.reference import tokenizer
from .syntax import Chunk, Piece, Unit, fill, parse, split, too_long

if TYPE_CHECKING:
    from torch import Tensor

    from ..weights.reference import Weights

HEAVIEST = 100.0
"""Beyond that a weight is a slip of the finger, and the picture noise."""

MOST_CHUNKS = 100
"""Of one prompt: each is read by the text encoder, and by every step of the UNet."""


def encode_prompts(
    texts: Sequence[str], weights: Weights, encoder: Any, clip_skip: int = 0
) -> list[Tensor]:
    """Encode every text, equal ones once.

    Args:
        encoder: The loaded CLIPTextModel that ``weights`` refers to.
        clip_skip: Last layers that are left out; the final norm is not.

    Returns:
        One (77 n, D) tensor a text, on the encoder's device: n chunks, each with its begin and end.

    Raises:
        UserError: A text is too long, or a weight too large.
    """
    import torch

    layers = encoder.config.num_hidden_layers
    if clip_skip > layers:
        raise UserError(f"clip_skip: {clip_skip}, but the text encoder has only {layers} layers")
    tokens = tokenizer(weights.tokenizer)
    length = min(tokens.model_max_length, encoder.config.max_position_embeddings)
    words = _ids_of_words(weights, encoder.config.vocab_size)
    for problem in filter(None, map(too_long, texts)):
        raise UserError(f"prompt: {problem}")
    chunks = {text: chunks_of(text, tokens, words, length - 2) for text in texts}
    for problem in filter(None, (excess(parts, length - 2) for parts in chunks.values())):
        raise UserError(f"prompt: {problem}")
    rows = [_padded(chunk, tokens, length) for parts in chunks.values() for chunk in parts]
    ids = torch.tensor(rows, device=encoder.device)  # [chunks of all texts, 77]
    with torch.no_grad():
        hidden = iter(without_last(encoder, clip_skip)(ids)[0])  # [77, D] each
    embedded = {
        text: torch.cat([_weighted(next(hidden), chunk.weights) for chunk in parts])
        for text, parts in chunks.items()
    }
    return [embedded[text] for text in texts]


def excess(chunks: Sequence[Chunk], room: int) -> str:
    """What is wrong with a prompt of too many chunks of ``room`` tokens; empty where nothing is."""
    if len(chunks) <= MOST_CHUNKS:
        return ""
    return f"fills {len(chunks)} chunks of {room} tokens; {MOST_CHUNKS} are the most"


def chunks_of(text: str, tokens: Any, words: dict[str, tuple[int, ...]], room: int) -> list[Chunk]:
    """Cut a prompt into chunks, which a text encoder reads one by one.

    Args:
        words: Words that were added to the vocabulary, in lower case, with their token ids.
        room: Tokens a chunk, its begin and end left out.

    Raises:
        UserError: A weight is too large for a picture to come out.
    """
    sections = parse(text)
    for piece in (piece for section in sections for piece in section):
        if not abs(piece.weight) <= HEAVIEST:
            raise UserError(
                f"prompt: {piece.text!r} counts {piece.weight:g} times;"
                f" weights lie between {-HEAVIEST:g} and {HEAVIEST:g}"
            )
    return fill([list(_units(section, tokens, words)) for section in sections], room)


def _units(
    section: Sequence[Piece], tokens: Any, words: dict[str, tuple[int, ...]]
) -> Iterator[Unit]:
    for piece in section:
        for index, part in enumerate(split(piece.text, words)):
            if index % 2:
                yield Unit(words[part.lower()], piece.weight)
            elif part:
                ids = tokens(part, add_special_tokens=False, verbose=False).input_ids
                yield from (Unit((token,), piece.weight) for token in ids)


def _ids_of_words(weights: Weights, first: int) -> dict[str, tuple[int, ...]]:
    """The ids of the words that were added to a text encoder: they follow its vocabulary's."""
    ids: dict[str, tuple[int, ...]] = {}
    for word, count in weights.words:
        ids[word.lower()] = tuple(range(first, first + count))
        first += count
    return ids


def _padded(chunk: Chunk, tokens: Any, length: int) -> list[int]:
    row = [tokens.bos_token_id, *chunk.ids, tokens.eos_token_id]
    return row + [tokens.pad_token_id] * (length - len(row))


def _weighted(hidden: Tensor, weights: Sequence[float]) -> Tensor:
    """Let tokens count more or less: e'_i = w_i e_i · m / m', with the means m of e, m' of w e.

    The mean goes over the numbers of all tokens of a chunk; begin, end and padding have w_i = 1.
    An encoder whose numbers are centred has no mean to restore, only rounding errors: then
    e'_i = w_i e_i.

    Args:
        hidden: (L, D) of one chunk.
        weights: Of the tokens between its begin and its end.
    """
    import torch

    if all(weight == 1 for weight in weights):
        return hidden
    padding = len(hidden) - 1 - len(weights)
    column = torch.tensor([1.0, *weights, *[1.0] * padding], device=hidden.device)[:, None]
    before = hidden.float()
    after = before * column
    mean, now, smallest = before.mean(), after.mean(), before.abs().mean() / 1000
    if min(abs(mean), abs(now)) > smallest and mean * now > 0:
        after *= mean / now
    return after.to(hidden.dtype)
