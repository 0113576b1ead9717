"""Outputs of calls and weights of models, within byte budgets on devices, host and disk.

``cache`` asks the tiers in turn: ``memory`` has a tier (``tiers``) for each device and one for the
host, and sends what has to go down; ``store`` is the disk. ``pool`` lends weights that lie in
``memory``. ``notes`` keep the records of this process, ``reservations`` who computes what.
"""

from .budget import Budgets, parse_budget
from .cache import Cache, Size
from .folder import default_folder
from .pool import Pool
from .record import Record

__all__ = ["Budgets", "Cache", "Pool", "Record", "Size", "default_folder", "parse_budget"]
