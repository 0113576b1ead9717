"""Packages whose version may make a difference to what a node makes; saved pictures name them."""

from __future__ import annotations

PILLOW = ("pillow",)
OPENCV = ("opencv-python-headless",)
MODELS = ("diffusers", "torch", "transformers")
DETECTORS = ("controlnet-aux", "torch", *OPENCV)
