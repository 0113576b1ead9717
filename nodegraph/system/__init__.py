"""Facts of this machine: devices, number formats, threads."""
