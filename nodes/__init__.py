"""The nodes that come with nodegraph; ``NODES`` is what the entry point names."""

from __future__ import annotations

from nodegraph.node import Composite, Node

from .images import LoadImage, Resize, SaveImage
from .layout import Grid
from .models import LoadBaseModel, LoadControlNet, LoadEmbedding, LoadLoRA
from .preprocessors import Canny, OpenPose
from .sampling import Control, Decode, Denoise, EncodePrompt, Sample
from .sweeps import PromptsBySeeds
from .text import JoinText, LoadPrompts, PickText, Wildcard

NODES: tuple[type[Node] | type[Composite], ...] = (
    LoadImage,
    Resize,
    SaveImage,
    Grid,
    Canny,
    OpenPose,
    LoadBaseModel,
    LoadControlNet,
    LoadLoRA,
    LoadEmbedding,
    Control,
    EncodePrompt,
    Denoise,
    Decode,
    Sample,
    PromptsBySeeds,
    LoadPrompts,
    Wildcard,
    PickText,
    JoinText,
)
