"""Keep diffusers and transformers from talking while they load what we have checked ourselves."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock

_TALKATIVE = ("diffusers", "transformers", "huggingface_hub")
_ONE = RLock()  # levels and filters are the whole process's: who leaves must not wake another's up


@contextmanager
def quiet() -> Iterator[None]:
    """Silence their log lines, warnings and progress bars inside the block; errors still come.

    Whoever imports from them does so in here, where weights may be loaded beside other work: two
    threads that import their lazy modules at once can get half of one.
    """
    with _ONE:
        # First: the libraries set their own levels when they are first asked for anything.
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
    from diffusers.utils import logging as diffusers_logging
    from transformers.utils import logging as transformers_logging

    diffusers_logging.get_verbosity()
    transformers_logging.get_verbosity()
    diffusers_logging.disable_progress_bar()
    transformers_logging.disable_progress_bar()
