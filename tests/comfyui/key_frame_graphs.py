"""The workflows of key frames: an image graph fills the few frames in which something is invented."""

from __future__ import annotations

from tests.comfyui.graph import Graph, Node, fill, film, node, note, report, scene

_SIZE = {"upscale_method": "lanczos", "width": 512, "height": 288, "crop": "disabled"}
_CHECKPOINT = "512-inpainting-ema.safetensors"
_NOTE_AT = (40, 760)


def _hidden() -> tuple[Node, ...]:
    """Return a scene, and a mask that stands still before a camera that does, too: nothing shows behind it."""
    size = {"width": 320, "height": 180, "frames": 12}
    drawn = {**size, "kind": "box", "coverage": 0.06, "speed": 0, "seed": 2}
    return (
        scene(12),
        node("draw", "GenerateFreeFormMasks", (40, 340), (280, 340), drawn, "What to remove"),
        node(
            "keys",
            "LGTSMKeyFrames",
            (400, 600),
            (300, 380),
            images="scene.truth",
            mask="draw.mask",
        ),
    )


def _carried(x: int, filled: str) -> tuple[Node, ...]:
    """Return the repair that carries filled key frames, and its film."""
    return (
        fill(
            (x, 40),
            (300, 420),
            images="scene.truth",
            mask="draw.mask",
            plate=filled,
            plate_masks="keys.masks",
            plate_frames="keys.numbers",
        ),
        *film((x + 340, 40), (x + 640, 40)),
        report((x + 340, 540), (280, 240)),
    )


BUILT_IN = Graph(
    "lgtsm_08_key_frames_built_in",
    (
        note(
            "## Key frames: invent once, carry through the shot\n\n"
            "Nothing shows what is behind a box that stands still before a camera that does, too. *LGTSM "
            "Key Frames* puts out the one frame to fill, `masks` marks where. *Fill the key frames* stands "
            "for any image inpainting graph: here it is this pack's own synthesis, on that frame alone, so "
            "that the workflow runs without a model. *LGTSM Inpaint* takes the result as `plate` and "
            "carries it through the shot; everywhere else real pixels are copied.\n\n"
            "Put your own image model in its place: see *key frames by an image model*.",
            _NOTE_AT,
        ),
        *_hidden(),
        node(
            "invent",
            "LGTSMInpaint",
            (760, 760),
            (300, 380),
            {"mode": "copy", "grow": 0, "source_frames": 0, "unseen": "synthesise"},
            "Fill the key frames",
            images="keys.frames",
            mask="keys.masks",
        ),
        node("place", "MaskPreview", (1140, 680), (300, 260), title="To fill", mask="keys.masks"),
        *_carried(1140, "invent.images"),
    ),
)

BY_A_MODEL = Graph(
    "lgtsm_09_key_frames_by_an_image_model",
    (
        note(
            "## Key frames by an image model\n\n"
            "A heavy model runs on the one to five frames in which something has to be invented, not on "
            "all, and what it paints is carried along: no flicker.\n\n"
            f"Needs an inpainting checkpoint in `models/checkpoints`; this graph names `{_CHECKPOINT}` "
            "(Stable Diffusion 2 inpainting), choose yours, and check its licence. This graph was "
            "validated, but not run with a checkpoint by the makers of this pack.\n\n"
            "Describe the **background** in the prompt, not the object. *Upscale Image* brings the key "
            "frames to a size of the same shape in steps of 8 pixels, which the model does not crop; the "
            "plate may have another size than the clip. Only what `masks` marks is taken from it.",
            _NOTE_AT,
        ),
        *_hidden(),
        node(
            "checkpoint",
            "CheckpointLoaderSimple",
            (400, 400),
            (300, 120),
            {"ckpt_name": _CHECKPOINT},
        ),
        node("size", "ImageScale", (760, 1100), (300, 180), _SIZE, image="keys.frames"),
        node(
            "wanted",
            "CLIPTextEncode",
            (1120, 640),
            (300, 120),
            {"text": "empty background, photograph"},
            "The background",
            clip="checkpoint.CLIP",
        ),
        node(
            "unwanted",
            "CLIPTextEncode",
            (1120, 800),
            (300, 120),
            {"text": "person, object, text, watermark"},
            "Not wanted",
            clip="checkpoint.CLIP",
        ),
        node(
            "encode",
            "VAEEncodeForInpaint",
            (1120, 980),
            (300, 140),
            {"grow_mask_by": 6},
            pixels="size.IMAGE",
            vae="checkpoint.VAE",
            mask="keys.masks",
        ),
        node(
            "sampler",
            "KSampler",
            (1500, 560),
            (300, 300),
            {"seed": 1, "control_after_generate": "fixed", "steps": 30, "cfg": 7.0},
            model="checkpoint.MODEL",
            positive="wanted.CONDITIONING",
            negative="unwanted.CONDITIONING",
            latent_image="encode.LATENT",
        ),
        node(
            "decode",
            "VAEDecode",
            (1860, 290),
            (220, 80),
            samples="sampler.LATENT",
            vae="checkpoint.VAE",
        ),
        *_carried(2120, "decode.IMAGE"),
    ),
    needs=_CHECKPOINT,
)
