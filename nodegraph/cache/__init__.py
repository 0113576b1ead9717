"""What every call gave, kept within byte budgets on devices, on the host and on disk."""

from .budget import Budgets, parse_budget
from .cache import Cache, Size
from .folder import default_folder
from .pool import Pool
from .record import Record

__all__ = ["Budgets", "Cache", "Pool", "Record", "Size", "default_folder", "parse_budget"]
