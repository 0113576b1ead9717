"""The durable queue: jobs, results, events and assets that outlive every process."""

from .assets import Assets as Assets
from .keeper import Keeper as Keeper
from .store import Store as Store
