"""The nodes that come with nodegraph; ``NODES`` is what the entry point names."""

from __future__ import annotations

from nodegraph.node import Composite, Node

from .images import LoadImage, Resize, SaveImage
from .latents import EncodeImage, Enlarge, UpscaleLatents
from .layout import Grid
from .masks import Blend, DrawMask, GrowMask, ImageToMask
from .models import LoadBaseModel, LoadControlNet
from .preprocessors import Canny, OpenPose
from .redraw import Hires, ImageToImage, Inpaint
from .sampling import Control, Decode, Denoise, EncodePrompt, Sample
from .sweeps import PromptsBySeeds

NODES: tuple[type[Node] | type[Composite], ...] = (
    LoadImage,
    Resize,
    SaveImage,
    Grid,
    Canny,
    OpenPose,
    LoadBaseModel,
    LoadControlNet,
    Control,
    EncodePrompt,
    Denoise,
    Decode,
    Sample,
    EncodeImage,
    UpscaleLatents,
    Enlarge,
    ImageToImage,
    Inpaint,
    Hires,
    ImageToMask,
    GrowMask,
    DrawMask,
    Blend,
    PromptsBySeeds,
)
