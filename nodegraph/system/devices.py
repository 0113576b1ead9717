"""Devices and number formats of this machine, judged without importing torch."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

from ..errors import UserError

DTYPES = ("float32", "float16", "bfloat16")
_FLAGS = {
    "bfloat16": {"amx_bf16", "avx512_bf16", "bf16"},
    "float16": {"amx_fp16", "avx512_fp16", "asimdhp"},
}
"""What processors call the instructions for a number format, x86 and ARM."""
_DEVICE = re.compile(r"cpu|cuda(:\d+)?")


def devices(text: str) -> tuple[str, ...]:
    """The devices that ``--device`` names; ``auto`` is the first GPU where there is one.

    Raises:
        UserError: it is not a device, or this machine has none like it.
    """
    if text == "auto":
        return ("cuda:0",) if gpus() else ("cpu",)
    names = parse_devices(text)
    for name in names:
        if name != "cpu" and int(name.partition(":")[2] or 0) >= gpus():
            raise UserError(f"--device {name}: torch can use {gpus() or 'no'} CUDA device(s) here")
    return tuple(dict.fromkeys("cuda:0" if name == "cuda" else name for name in names))


def parse_devices(text: str) -> tuple[str, ...]:
    """The names in ``--device``, whether or not this machine has such devices.

    Raises:
        UserError: one is no name of a device.
    """
    names = tuple(name.strip() for name in text.split(","))
    if text != "auto" and not all(map(_DEVICE.fullmatch, names)):
        raise UserError(f"--device {text!r}: write cpu, cuda, cuda:1, or several with commas")
    return names


def dtype(text: str, devices: tuple[str, ...]) -> str:
    """The dtype that ``--dtype`` names; ``auto`` is half precision on a GPU alone."""
    if text == "auto":
        return "float32" if devices[0] == "cpu" else "float16"
    if text not in DTYPES:
        raise UserError(f"--dtype {text!r}: it should be auto, {', '.join(DTYPES)}")
    return text


def slow(dtype: str, devices: tuple[str, ...], root: Path = Path("/")) -> str:
    """Why a CPU will be slow in a number format; empty where it is not, or nobody knows.

    Args:
        root: Where ``proc`` lies.
    """
    flags = _FLAGS.get(dtype)
    if "cpu" not in devices or flags is None:
        return ""
    try:
        text = (root / "proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return ""
    match = re.search(r"^(?:flags|Features)\s*: (.*)$", text, re.MULTILINE)
    if match is None or flags & set(match[1].split()):
        return ""
    return f"--dtype {dtype}: this CPU has no instructions for it; float32 will be much faster"


def gpus() -> int:
    """How many GPUs torch can use: none if it was built without CUDA, or the driver is missing."""
    if not _built_with_cuda():
        return 0
    import ctypes  # `import nodegraph` goes without it

    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return 0
    count = ctypes.c_int(0)
    if driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count)):
        return 0
    return count.value


def _built_with_cuda() -> bool:
    spec = find_spec("torch")
    if spec is None or spec.origin is None:
        return False
    try:
        text = (Path(spec.origin).parent / "version.py").read_text(encoding="utf-8")
    except OSError:
        return False
    return bool(re.search(r"^cuda\b.*= *['\"]", text, re.MULTILINE))
