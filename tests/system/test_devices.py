"""Number formats that a processor computes in, and those it only imitates."""

from __future__ import annotations

from pathlib import Path

import pytest

from nodegraph.system.devices import slow

SAID = "--dtype bfloat16: this CPU has no instructions for it; float32 will be much faster"


def machine(root: Path, line: str) -> Path:
    (root / "proc").mkdir()
    (root / "proc/cpuinfo").write_text(f"processor\t: 0\n{line}\nbugs\t\t:\n\nprocessor\t: 1\n")
    return root


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("flags\t\t: fpu avx2 avx512f", SAID),
        ("flags\t\t: fpu avx512f avx512_bf16 amx_tile", ""),
        ("flags\t\t: fpu amx_bf16", ""),
        ("Features\t: fp asimd", SAID),
        ("Features\t: fp asimd bf16", ""),
        ("model name\t: unheard of", ""),
    ],
    ids=["AVX2", "AVX-512", "AMX", "ARM without", "ARM", "no flags"],
)
def test_a_processor_that_only_imitates_bfloat16_is_warned_of(
    tmp_path: Path, line: str, said: str
) -> None:
    assert slow("bfloat16", ("cpu",), machine(tmp_path, line)) == said


@pytest.mark.parametrize(
    ("dtype", "devices"), [("float32", ("cpu",)), ("bfloat16", ("cuda:0",))], ids=str
)
def test_nothing_is_said_of_what_no_processor_computes_in(
    tmp_path: Path, dtype: str, devices: tuple[str, ...]
) -> None:
    assert slow(dtype, devices, machine(tmp_path, "flags\t\t: fpu")) == ""


def test_nothing_is_said_where_nobody_knows(tmp_path: Path) -> None:
    assert slow("bfloat16", ("cpu",), tmp_path) == ""
