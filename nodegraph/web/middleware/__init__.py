"""Layers around every request: access, limits, headers, figures."""
