"""Silence for diffusers and transformers while they load models that we have checked ourselves."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock

from nodegraph.base.imports import LARGE, import_large

_TALKATIVE = ("diffusers", "transformers", "huggingface_hub")
# Levels and filters are the whole process's. Without the lock, a thread that leaves would restore
# them under another that is still inside, or keep the other's silence for good.
_lock = RLock()


@contextmanager
def quiet() -> Iterator[None]:
    """Silence their log lines, warnings and progress bars inside the block; errors still come.

    Whoever imports from them does so in here, where weights may be loaded beside other work: two
    threads that import their lazy modules at once can get half of one.
    """
    with _lock:
        # Before the levels are noted: the libraries set their own when they are first asked.
        _without_bars()
        loggers = [logging.getLogger(name) for name in _TALKATIVE]
        levels = [logger.level for logger in loggers]
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


def _without_bars() -> None:
    import_large(LARGE)
    from diffusers.utils import logging as diffusers_logging
    from transformers.utils import logging as transformers_logging

    diffusers_logging.get_verbosity()
    transformers_logging.get_verbosity()
    diffusers_logging.disable_progress_bar()
    transformers_logging.disable_progress_bar()
