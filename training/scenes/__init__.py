"""Procedural scenes: layout, colours, picture, caption and exact conditionings."""

from training.scenes.caption import caption
from training.scenes.colours import Colours, sample_colours
from training.scenes.conditionings import canny, control_image, skeleton
from training.scenes.layout import Kind, Layout, Person, Shape, sample_layout
from training.scenes.render import Picture, render
from training.scenes.scene import Scene, make_scene

__all__ = [
    "Colours",
    "Kind",
    "Layout",
    "Person",
    "Picture",
    "Scene",
    "Shape",
    "canny",
    "caption",
    "control_image",
    "make_scene",
    "render",
    "sample_colours",
    "sample_layout",
    "skeleton",
]
