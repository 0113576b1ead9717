"""Worker processes: one for each device, so that a crash costs a job and not the server.

On the server's side ``supervisor`` has a ``device`` thread for each, with its ``process`` and the
claimed ``job``; in the process ``main`` has its ``setup`` and does a ``run`` for each job, of which
``messages`` tell. Between the two are ``frames`` on pipes.
"""
