"""The nodes that come with nodegraph; ``NODES`` is what the entry point names."""

from __future__ import annotations

from nodegraph.node import Composite, Node

from .combine import Blend, Overlay, Paste
from .geometry import Crop, CropToMask, Flip, Pad, Rotate
from .images import ListImages, LoadImage, LoadImages, Resize, SaveImage
from .info import ImageInfo, ModelInfo
from .latents import EncodeImage, Enlarge, UpscaleLatents
from .layout import Compare, Grid
from .masks import DrawMask, GrowMask, ImageToMask
from .models import LoadBaseModel, LoadControlNet, LoadEmbedding, LoadLoRA
from .preprocessors import Canny, OpenPose, Scribble, SoftEdge, StraightLines
from .redraw import Hires, ImageToImage, Inpaint
from .retouch import Adjust, Blur, Grey, Invert, Sharpen, Threshold
from .sampling import Control, Decode, Denoise, EncodePrompt, Sample
from .surfaces import Depth, NormalMap, Segment
from .sweeps import PromptsBySeeds, Sweep
from .text import JoinText, LoadPrompts, PickText, Wildcard

NODES: tuple[type[Node] | type[Composite], ...] = (
    LoadImage,
    LoadImages,
    ListImages,
    Resize,
    SaveImage,
    Crop,
    CropToMask,
    Pad,
    Flip,
    Rotate,
    Adjust,
    Invert,
    Grey,
    Threshold,
    Blur,
    Sharpen,
    Blend,
    Overlay,
    Paste,
    Grid,
    Compare,
    ImageInfo,
    ModelInfo,
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
    LoadLoRA,
    LoadEmbedding,
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
    PromptsBySeeds,
    Sweep,
    LoadPrompts,
    Wildcard,
    PickText,
    JoinText,
)
