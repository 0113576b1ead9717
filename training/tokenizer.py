"""CLIP's tokenizer on a tiny vocabulary: words of the captions are one token, the rest bytes."""

from __future__ import annotations

import json
from pathlib import Path

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import CLIPTokenizer

from training.scenes import make_scene
from training.scenes.colours import NAMES
from training.scenes.geometry import SHAPES

END_OF_WORD = "</w>"
SPECIAL = ("<|startoftext|>", "<|endoftext|>")
WORDS = (  # noqa: SIM905
    "left right above below next to of the big small large tiny photo picture drawing painting"
    " image simple shape shapes person people man woman boy girl wearing with hair blond brown dark"
    " gray grey pants trousers shirt background plain gradient striped stripes scene in on and a an"
    " best quality high detailed blurry low bad worst ugly sun flower car cat dog sky grass"
).split()
SPLIT = (
    r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
)


def merges(captions: int = 4000) -> list[tuple[str, str]]:
    """Learn byte pairs on captions and a list of words."""
    tokenizer = Tokenizer(models.BPE(end_of_word_suffix=END_OF_WORD))
    spaces = normalizers.Replace(Regex(r"\s+"), " ")
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFC(), spaces, normalizers.Lowercase()]
    )
    words = pre_tokenizers.Split(Regex(SPLIT), behavior="removed", invert=True)
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([words, byte_level])
    trainer = trainers.BpeTrainer(
        vocab_size=1400,
        min_frequency=2,
        end_of_word_suffix=END_OF_WORD,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    known = [*NAMES, *SHAPES, *(f"{shape}s" for shape in SHAPES), *WORDS]
    texts = [make_scene(seed).caption for seed in range(captions)] + [" ".join(known)] * 20
    tokenizer.train_from_iterator(texts, trainer)
    pairs = json.loads(tokenizer.to_str())["model"]["merges"]
    return [(a, b) for a, b in (p.split(" ") if isinstance(p, str) else p for p in pairs)]


def write_tokenizer(folder: Path) -> None:
    """Write vocabulary and merges, as old and new versions of transformers read them."""
    pairs = merges()
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = [*letters, *(letter + END_OF_WORD for letter in letters), *(a + b for a, b in pairs)]
    vocabulary = [*dict.fromkeys(words), *SPECIAL]
    folder.mkdir(parents=True, exist_ok=True)
    ids = {word: number for number, word in enumerate(vocabulary)}
    (folder / "vocab.json").write_text(json.dumps(ids, ensure_ascii=False))
    lines = ["#version: 0.2", *(f"{a} {b}" for a, b in pairs)]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n")
    start, end = SPECIAL
    CLIPTokenizer(
        str(folder / "vocab.json"),
        str(folder / "merges.txt"),
        bos_token=start,
        eos_token=end,
        unk_token=end,
        pad_token=end,
        model_max_length=77,
    ).save_pretrained(folder)
