"""Worker processes: one for each device, so that a crash costs a job and not the server."""

from .options import Options as Options
from .supervisor import Device as Device
from .supervisor import Supervisor as Supervisor
