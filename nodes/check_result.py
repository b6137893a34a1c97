"""LGTSMCheckResult: what `lgtsm check` says, inside a graph."""

from __future__ import annotations

import json

from comfy_api.latest import io
from torch import Tensor

from ..lgtsm.demo import hole_psnr
from ..lgtsm.errors import LgtsmError
from ..lgtsm.masks.overlay import mark_changes
from ..lgtsm.metrics.check import Checker, CheckLimits
from .convert import to_frames, to_images, to_masks
from .loaded import Reporter
from .schema import schema


class LGTSMCheckResult(io.ComfyNode):
    """Check that nothing outside the mask changed, and measure the fill."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Return ids, inputs and outputs."""
        return schema(
            node_id="LGTSMCheckResult",
            display_name="LGTSM Check Result",
            description=(
                "Checks a repaired clip against its source: nothing may have changed outside the "
                "mask. Measures the seam at the mask's border, flicker, and what is left of the "
                "removed object; with the truth connected also the error in dB."
            ),
            search_aliases=["verify inpainting", "compare before after", "quality check"],
            inputs=[
                io.Image.Input("before", tooltip="The clip before the repair."),
                io.Image.Input("after", tooltip="The clip after the repair."),
                io.Mask.Input(
                    "mask",
                    tooltip="What was allowed to change: mask_used of LGTSM Inpaint.",
                ),
                io.Float.Input(
                    "tolerance",
                    default=0.0,
                    min=0.0,
                    max=255.0,
                    step=0.5,
                    tooltip="Largest change allowed outside the mask, in levels of 255; 0 is bit "
                    "for bit.",
                ),
                io.Float.Input(
                    "max_seam",
                    default=0.0,
                    min=0.0,
                    max=100.0,
                    step=0.1,
                    tooltip="Largest contrast across the border of the mask over that beside it "
                    "(1 is no seam); 0 sets no limit.",
                ),
                io.Float.Input(
                    "max_flicker",
                    default=0.0,
                    min=0.0,
                    max=100.0,
                    step=0.1,
                    tooltip="Largest change in time inside the mask over that around it (1 is as "
                    "steady as the surroundings); 0 sets no limit.",
                ),
                io.Float.Input(
                    "max_residual",
                    default=0.0,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    tooltip="Largest share of the removed object's contrast that may be left; 0 "
                    "sets no limit.",
                ),
                io.Boolean.Input(
                    "stop_on_failure",
                    default=False,
                    tooltip="Stop the graph with an error when the check fails.",
                ),
                io.Image.Input(
                    "truth",
                    optional=True,
                    tooltip="What should be in the mask, where that is known: adds PSNR to the "
                    "report.",
                ),
            ],
            outputs=[
                io.Image.Output("images", tooltip="The repaired clip, passed on unchanged."),
                io.Boolean.Output("passed", tooltip="Whether everything was kept."),
                io.String.Output("report", tooltip="Verdict and figures, as JSON."),
                io.Image.Output(
                    "changes",
                    tooltip="The clip in dim grey; changes inside the mask green, outside red.",
                ),
            ],
        )

    @classmethod
    def execute(  # noqa: D102
        cls,
        before: Tensor,
        after: Tensor,
        mask: Tensor,
        tolerance: float,
        max_seam: float,
        max_flicker: float,
        max_residual: float,
        stop_on_failure: bool,
        truth: Tensor | None = None,
    ) -> io.NodeOutput:
        limits = CheckLimits(
            tolerance=tolerance,
            max_seam=max_seam or None,
            max_flicker=max_flicker or None,
            max_residual=max_residual or None,
        )
        original, result = to_frames(before), to_frames(after)
        holes = to_masks(mask, tuple(original.shape[2:]), num_frames=len(original)).expand(
            len(original), -1, -1, -1
        )
        checker, reporter = Checker(limits), Reporter()
        for number, clip in enumerate(zip(original, result, holes, strict=True)):
            reporter.cancel()
            checker.add(*clip)
            reporter.progress(number + 1, len(original), "checking")
        report = checker.report()
        if stop_on_failure and not report.passed:
            raise LgtsmError(
                f"Expected a clean result, got: {report.summary.rstrip('.')}; connect mask_used, "
                "or repair the node before this one."
            )
        figures = json.loads(report.to_json())
        if truth is not None:
            figures["psnr_to_truth"] = round(hole_psnr(result, to_frames(truth), holes), 2)
        return io.NodeOutput(
            after,
            report.passed,
            json.dumps(figures, indent=2),
            to_images(mark_changes(original, result, holes)),
        )
