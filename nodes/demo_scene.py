"""LGTSMDemoScene: a clip to try the nodes on, without any file."""

from __future__ import annotations

from comfy_api.latest import io

from ..lgtsm.scene.camera import Camera, SceneOptions
from ..lgtsm.scene.render import render_scene
from .clip_limit import check_clip
from .convert import from_holes, to_images
from .loaded import Reporter
from .schema import choice, number, schema


class LGTSMDemoScene(io.ComfyNode):
    """Render the demonstration scene of the project."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Return ids, inputs and outputs."""
        return schema(
            node_id="LGTSMDemoScene",
            display_name="LGTSM Demo Scene",
            description=(
                "Renders a short clip of a passing vehicle, with the mask of the vehicle and the "
                "ground truth behind it, so that a result can be measured. No file is needed."
            ),
            search_aliases=["test clip", "example video", "demo video"],
            inputs=[
                choice("camera", Camera, Camera.LOCKED, "How the camera moves."),
                number(io.Int, "frames", 48, (1, 1000), "Number of frames."),
                number(io.Int, "width", 480, (16, 3840), "Width in pixels.", step=2),
                number(io.Int, "height", 270, (16, 2160), "Height in pixels.", step=2),
                io.Int.Input(
                    "seed",
                    default=7,
                    min=0,
                    max=2**32 - 1,
                    control_after_generate=True,
                    tooltip="Chooses scenery, light, vehicle and direction.",
                ),
            ],
            outputs=[
                io.Image.Output("images", tooltip="The clip with the vehicle."),
                io.Mask.Output("mask", tooltip="The vehicle and its shadow, 1 = vehicle."),
                io.Image.Output("truth", tooltip="The same clip without the vehicle."),
                io.Float.Output("fps", tooltip="Frames per second, for Create Video."),
            ],
        )

    @classmethod
    def execute(  # noqa: D102
        cls, camera: str, frames: int, width: int, height: int, seed: int
    ) -> io.NodeOutput:
        check_clip(frames, height, width, channels=7)  # two clips and a mask
        options = SceneOptions(
            camera=Camera(camera), num_frames=frames, width=width, height=height, seed=seed
        )
        reporter = Reporter()

        def each(number: int) -> None:
            reporter.cancel()
            reporter.progress(number, frames, "rendering")

        scene = render_scene(options, each)
        return io.NodeOutput(
            to_images(scene.frames),
            from_holes(scene.mask, frames),
            to_images(scene.truth),
            float(scene.rate),
        )
