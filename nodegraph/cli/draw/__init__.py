"""Graphs drawn as text and as SVG."""
