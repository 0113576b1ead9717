"""From a prompt and control images to a picture."""

from __future__ import annotations

from collections.abc import Generator, Hashable, Iterable, Mapping, Sequence
from contextlib import ExitStack, closing
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from pydantic import Field

from nodegraph.errors import Fix, UserError
from nodegraph.node import (
    Composite,
    Context,
    Doubts,
    Facts,
    Finding,
    LinkedFacts,
    ModelRef,
    Node,
    Output,
    Progress,
    Reads,
    Steps,
    Work,
)

from . import _checks
from . import types as wires
from ._fields import (
    Denoising,
    Fraction,
    Guess,
    Guidance,
    NegativePrompt,
    Picked,
    Prompt,
    Redrawn,
    Seed,
    Side,
    Skip,
    Start,
    StepCount,
)
from ._packages import MODELS
from .prompts.foreign import find_foreign
from .prompts.syntax import too_long
from .types import Conditioning, ControlNetModel, DiffusionModel, Image, Latents, Mask

if TYPE_CHECKING:
    from nodegraph.graph.drawing import Drawing

    from .weights.reference import Weights


class Encoded(Output):
    """A prompt, encoded."""

    conditioning: Conditioning


class EncodePrompt(Node):
    """Turn a prompt into what a model's text encoder makes of it."""

    aliases = ("CLIP text encode", "text encoder", "conditioning")

    model: Annotated[DiffusionModel, Reads(("encoding",))]
    prompt: Annotated[
        str,
        Field(
            description="What the picture shows, or should not show: (more), [less], (word:1.3)."
        ),
        Doubts(find_foreign),
    ] = ""
    clip_skip: Skip = 0

    lane = "device"
    version = 2
    packages = MODELS

    def run(self, context: Context) -> Encoded:
        return self.run_batch([self], context)[0]

    @classmethod
    def run_batch(cls, items: Sequence[EncodePrompt], context: Context) -> list[Encoded]:
        from .prompts.encode import encode_prompts

        weights = items[0].model.text_encoder
        with context.lease(weights) as encoder:
            texts = [item.prompt for item in items]
            rows = encode_prompts(texts, weights, encoder, items[0].clip_skip)
        return [Encoded(conditioning=Conditioning(row, weights.key)) for row in rows]

    def group(self) -> Hashable:
        return self.model.text_encoder, self.clip_skip

    @classmethod
    def check_facts(cls, values: Mapping[str, Any], linked: LinkedFacts) -> Iterable[Finding]:  # noqa: ARG003
        if problem := too_long(values.get("prompt", "")):
            yield "prompt", problem, "error"

    @classmethod
    def leases(cls, inputs: Mapping[str, Any]) -> Iterable[ModelRef[Any]]:
        if model := inputs.get("model"):
            yield model.text_encoder


class Controlled(Output):
    """A control image with the ControlNet that reads it."""

    control: wires.Control


class Control(Node):
    """Steer the picture by a control image: edges, a pose, …"""

    aliases = ("apply ControlNet",)

    image: Annotated[
        Image, Field(description="What the ControlNet reads, as a preprocessor draws it.")
    ]
    controlnet: ControlNetModel
    strength: Annotated[float, Field(ge=0, le=2, description="0 is no control at all.")] = 1.0
    start: Annotated[Fraction, Field(description="Fraction of the steps before it begins.")] = 0.0
    end: Annotated[Fraction, Field(description="Fraction of the steps after which it stops.")] = 1.0
    mask: Annotated[
        Mask | None,
        Field(
            description="What an inpainting ControlNet is to fill in: at least half white. Others"
            " take none. One of another size is stretched."
        ),
    ] = None

    def run(self) -> Controlled:
        if self.start > self.end:
            raise UserError(f"start: {self.start:g} lies after the end, {self.end:g}")
        control = wires.Control(
            self.image, self.controlnet, self.strength, self.start, self.end, self.mask
        )
        return Controlled(control=control)

    @classmethod
    def facts(cls, values: Mapping[str, Any], linked: LinkedFacts) -> Mapping[str, Facts]:  # noqa: ARG003
        size = _checks.sized(_checks.size_of(linked.get("image", ())))
        return {"control": {**_checks.shared(linked.get("controlnet", ())), **size}}

    @classmethod
    def leases(cls, inputs: Mapping[str, Any]) -> Iterable[ModelRef[Any]]:
        net, strength = inputs.get("controlnet"), inputs.get("strength", 1.0)
        # Of a narrow window only the number of steps tells whether it is open at any.
        if net and strength and inputs.get("end", 1.0) - inputs.get("start", 0.0) >= 0.5:
            yield net.net

    @classmethod
    def check_facts(cls, values: Mapping[str, Any], linked: LinkedFacts) -> Iterable[Finding]:  # noqa: ARG003
        nets = linked.get("controlnet", ())
        yield from _checks.conditioning(linked.get("image", ()), nets)
        yield from _checks.masked(nets, mask="mask" in linked)


class Denoised(Output):
    """A picture's latents, free of noise."""

    latents: Latents


Batches: TypeAlias = Generator[Progress, None, list[Denoised]]


class Denoise(Node):
    """Draw a picture out of noise, or redraw one, under a prompt and any number of controls."""

    aliases = ("ksampler advanced", "sampler of latents")

    model: Annotated[DiffusionModel, Reads(("content",))]
    prompt: Conditioning
    negative_prompt: Conditioning
    controls: Annotated[list[wires.Control], Reads(("content",))] = []
    latents: Start = None
    mask: Redrawn = None
    denoise: Denoising = 1.0
    seed: Seed = 0
    steps: StepCount = 20
    guidance_scale: Guidance = 7.5
    scheduler: Picked = "UniPC"
    width: Side = None
    height: Side = None
    guess_mode: Guess = False

    lane = "device"
    version = 3
    packages = MODELS
    savings = ("models", "layers")

    def run(self, context: Context) -> Steps[Denoised]:
        return (yield from self.run_batch([self], context))[0]

    @classmethod
    def run_batch(cls, items: Sequence[Denoise], context: Context) -> Batches:
        from .diffusion.loop import check_finite
        from .diffusion.prepare import prepare
        from .diffusion.preview import look_of, pictures

        vae = items[0].model.vae.key
        for item in items:
            _checks.fits(item.model, [item.prompt, item.negative_prompt], item.controls, item.size)
            _checks.starts(item)
        # Nothing is left to do: the latents as they came, not even noised and denoised.
        if items[0].skipped == items[0].steps:
            return [Denoised(latents=item.latents) for item in items if item.latents is not None]
        with ExitStack() as leases:
            run = prepare(items, context, leases)
            latents, look = run.latents, look_of(vae, context)
            for done, latents, resumed in leases.enter_context(closing(run.steps())):
                preview = partial(pictures, look, latents)
                yield Progress(done, run.solver.count, preview, resumed)
            check_finite(latents, "the latents", run.dtype)
        return [Denoised(latents=Latents(values.clone(), vae)) for values in latents]

    def work(self) -> Work:
        from .diffusion.estimate import peak_bytes

        unet, nets = self.model.unet, list(self._nets(self.model, self.controls, self.steps))
        width, height = self.size
        guided = 1 + (self.guidance_scale > 1)
        latents = guided * width * height // self.model.factor**2
        keys = " ".join(net.key for net in (unet, *nets))
        return Work(keys, latents, (unet, *nets), partial(peak_bytes, unet, latents, nets=nets))

    def group(self) -> Hashable:
        # One batch has one schedule and tensors of one shape. Seeds, guidance scales, prompts and
        # the pixels of control images may differ: those are rows of a batch. Prompts of other
        # lengths would be repeated to a common one, and so round otherwise than on their own.
        used = tuple(
            (c.model.net, c.strength, c.start, c.end, c.mask is None) for c in self.controls
        )
        started = self.skipped, self.latents is None, self.mask is None
        long = len(self.prompt.embeddings), len(self.negative_prompt.embeddings)
        prompted = self.guidance_scale > 1, self.guess_mode, long
        return self.model, used, self.steps, self.scheduler, self.size, started, prompted

    @classmethod
    def leases(cls, inputs: Mapping[str, Any]) -> Iterable[ModelRef[Any]]:
        if model := inputs.get("model"):
            yield model.unet
            yield from cls._nets(model, inputs.get("controls", ()), inputs.get("steps", 1))

    @staticmethod
    def _nets(
        model: DiffusionModel, controls: Iterable[wires.Control], steps: int
    ) -> Iterable[Weights]:
        """The ControlNets that count at any step; no other one is loaded."""
        from .diffusion.predict import window

        for control in controls:
            if control.strength and any(window(steps, control.start, control.end)):
                yield control.model.weights(model)

    @property
    def skipped(self) -> int:
        """How many of the first steps are not run, because the picture is there already."""
        return self.steps - int(self.steps * self.denoise)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height: the start's, as asked for, the control image's or the model's own."""
        factor, own = self.model.factor, self.model.size
        if self.latents is not None:
            return self.latents.size(factor)
        size = self.controls[0].image.size if self.controls else (own, own)
        width, height = (max(side - side % factor, factor) for side in size)
        return self.width or width, self.height or height

    @classmethod
    def check_facts(cls, values: Mapping[str, Any], linked: LinkedFacts) -> Iterable[Finding]:
        yield from _checks.families(linked.get("model", ()), linked.get("controls", ()))
        sides = {name: values.get(name) for name in ("width", "height")}
        for name, problem in _checks.uneven(sides):
            yield name, problem, "error"
        if "latents" not in linked:
            for name, problem in _checks.startless(values.get("denoise"), masked="mask" in linked):
                yield name, problem, "error"
            # A side that was asked for is as it was meant.
            if sides == {"width": None, "height": None} and not sides.keys() & linked.keys():
                yield from cls._check_size(linked)
        else:
            yield from _checks.stepless(values.get("denoise"), values.get("steps"))

    @classmethod
    def _check_size(cls, linked: LinkedFacts) -> Iterable[Finding]:
        """Find a control image whose size nobody wants drawn: a photograph's."""
        size = _checks.size_of(linked.get("controls", ())[:1])
        if judged := _checks.oversized(size, linked.get("model", ())):
            words, (width, height) = judged
            fix = Fix(f"Use {width} x {height} pixels", {"width": width, "height": height})
            message = f"is the control image's where it is empty, {words}; set width and height"
            yield "width", f"{message}, to {width} x {height} say", "warning", fix

    @classmethod
    def facts(cls, values: Mapping[str, Any], linked: LinkedFacts) -> Mapping[str, Facts]:
        own = int(_checks.shared(linked.get("model", ())).get("side", 0))
        model = (own, own) if own else None
        source = linked["latents"] if "latents" in linked else linked.get("controls", ())[:1]
        size = _checks.size_of(source) or (model if not source else None)
        if "latents" not in linked:
            # 0: it differs from item to item, or is linked in.
            width, height = (values.get(side, 0) for side in ("width", "height"))
            if size is None and width and height:
                size = width, height
            size = size and (width or size[0], height or size[1])
            size = None if 0 in (width, height) else size
        return {"latents": _checks.sized(size)}


class Decoded(Output):
    """A picture."""

    image: Image


class Decode(Node):
    """Turn latents into the picture they stand for."""

    aliases = ("VAE decode", "latents to image")

    model: Annotated[DiffusionModel, Reads(("coding",))]
    latents: Latents

    lane = "device"
    version = 2
    packages = MODELS
    savings = ("tiles", "layers")

    def run(self, context: Context) -> Decoded:
        return self.run_batch([self], context)[0]

    @classmethod
    def run_batch(cls, items: Sequence[Decode], context: Context) -> list[Decoded]:
        from .diffusion.preview import learn
        from .diffusion.vae import decode_latents

        weights = items[0].model.vae
        for item in items:
            _checks.same_vae(item.model, item.latents)
        with context.lease(weights) as vae:
            latents = [item.latents.values for item in items]
            pictures = decode_latents(vae, latents, context.savings.tiles, context.proceed)
        learn(weights.key, latents, pictures, context)
        return [Decoded(image=Image(pixels)) for pixels in pictures]

    def work(self) -> Work:
        from .diffusion.estimate import peak_bytes

        vae, (_, height, width) = self.model.vae, self.latents.values.shape
        return Work(vae.key, height * width, (vae,), partial(peak_bytes, vae, height * width))

    def group(self) -> Hashable:
        return self.model.vae, tuple(self.latents.values.shape)

    @classmethod
    def leases(cls, inputs: Mapping[str, Any]) -> Iterable[ModelRef[Any]]:
        if model := inputs.get("model"):
            yield model.vae

    @classmethod
    def facts(cls, values: Mapping[str, Any], linked: LinkedFacts) -> Mapping[str, Facts]:  # noqa: ARG003
        return {"image": _checks.sized(_checks.size_of(linked.get("latents", ())))}


class Sampled(Output):
    """A picture, and its latents for whoever works on with them."""

    image: Image
    latents: Latents


class Sample(Composite):
    """Make a picture from a prompt, steered by any number of controls."""

    aliases = ("sampler", "ksampler", "txt2img", "text to image", "generate")

    model: DiffusionModel
    prompt: Prompt = ""
    negative_prompt: NegativePrompt = ""
    controls: list[wires.Control] = []
    latents: Start = None
    mask: Redrawn = None
    denoise: Denoising = 1.0
    seed: Seed = 0
    steps: StepCount = 20
    guidance_scale: Guidance = 7.5
    scheduler: Picked = "UniPC"
    width: Side = None
    height: Side = None
    guess_mode: Guess = False
    clip_skip: Skip = 0

    def draw(self, drawing: Drawing) -> Sampled:
        prompt = drawing.add(
            "prompt",
            EncodePrompt,
            model=self.model,
            prompt=self.prompt,
            clip_skip=self.clip_skip,
        )
        negative = drawing.add(
            "negative_prompt",
            EncodePrompt,
            model=self.model,
            prompt=self.negative_prompt,
            clip_skip=self.clip_skip,
        )
        denoised = drawing.add(
            "denoise",
            Denoise,
            model=self.model,
            prompt=prompt.conditioning,
            negative_prompt=negative.conditioning,
            controls=self.controls,
            latents=self.latents,
            mask=self.mask,
            denoise=self.denoise,
            seed=self.seed,
            steps=self.steps,
            guidance_scale=self.guidance_scale,
            scheduler=self.scheduler,
            width=self.width,
            height=self.height,
            guess_mode=self.guess_mode,
        )
        decoded = drawing.add("decode", Decode, model=self.model, latents=denoised.latents)
        return Sampled(image=decoded.image, latents=denoised.latents)
