"""Worker processes: one for each device, so that a crash costs a job and not the server."""
