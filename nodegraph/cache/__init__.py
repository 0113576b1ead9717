"""Outputs of calls and weights of models, within byte budgets on devices, host and disk."""

from .budget import Budgets, parse_budget
from .cache import Cache, Size
from .folder import default_folder
from .pool import Pool
from .record import Record

__all__ = ["Budgets", "Cache", "Pool", "Record", "Size", "default_folder", "parse_budget"]
