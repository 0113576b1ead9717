"""The ladder on a real device, of whose memory this process may have only so much."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from nodegraph import Cache, Settings

from .test_ladder import decode, degraded, pixels

ON_GPU = Settings(devices=("cuda:0",))


@pytest.fixture
def most() -> Iterator[int]:
    """Bytes that decoding four pictures takes of the device; what is free is given back after."""
    import torch

    if not torch.cuda.is_available():
        pytest.skip("there is no CUDA device")
    torch.cuda.reset_peak_memory_stats()
    decode(range(4), Cache.in_memory(), ON_GPU)
    yield torch.cuda.max_memory_reserved()
    torch.cuda.set_per_process_memory_fraction(1.0)
    torch.cuda.empty_cache()


@pytest.mark.gpu
def test_a_batch_finishes_on_a_device_too_small_for_it_and_says_so(most: int) -> None:
    import torch

    _, whole = decode(range(4), Cache.in_memory(), ON_GPU)
    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction(most * 3 / 4 / total)
    cache = Cache.in_memory()

    events, outcome = decode(range(4), cache, ON_GPU)

    assert all(degraded(events))
    for ours, theirs in zip(pixels(outcome), pixels(whole), strict=True):
        assert np.abs(ours.astype(int) - theirs).mean() < 12
    cache.clear()
    assert torch.cuda.memory_allocated() <= 256 * 2**20
