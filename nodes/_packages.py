"""Packages whose version may change a node's results; saved pictures name them."""

from __future__ import annotations

PILLOW = ("pillow",)
OPENCV = ("opencv-python-headless",)
MODELS = ("diffusers", "torch", "transformers")
DETECTORS = ("controlnet-aux", "torch", *OPENCV)
