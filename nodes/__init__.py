"""The nodes that come with nodegraph; ``NODES`` is what the entry point names."""

from __future__ import annotations

from nodegraph.node import Composite, Node

from .images import LoadImage, Resize, SaveImage
from .layout import Grid
from .models import LoadBaseModel, LoadControlNet
from .preprocessors import Canny, OpenPose, Scribble, SoftEdge, StraightLines
from .sampling import Control, Decode, Denoise, EncodePrompt, Sample
from .surfaces import Depth, NormalMap, Segment
from .sweeps import PromptsBySeeds

NODES: tuple[type[Node] | type[Composite], ...] = (
    LoadImage,
    Resize,
    SaveImage,
    Grid,
    Canny,
    SoftEdge,
    Scribble,
    StraightLines,
    OpenPose,
    Depth,
    NormalMap,
    Segment,
    LoadBaseModel,
    LoadControlNet,
    Control,
    EncodePrompt,
    Denoise,
    Decode,
    Sample,
    PromptsBySeeds,
)
