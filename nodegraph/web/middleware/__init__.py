"""Layers around every request: access, limits, headers, figures.

A request passes ``headers``, ``metrics``, ``guard`` (which asks ``access``) and ``bodies``, in the
order of ``web.app``; ``head_timeout`` is part of the server's HTTP protocol, below them all.
"""
