"""LGTSMCheckResult: the verdict of `lgtsm check` inside a graph."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from comfy_api.latest import io
from torch import Tensor

from ..lgtsm.errors import LgtsmError
from ..lgtsm.masks.overlay import mark_changes
from ..lgtsm.metrics.check import Checker
from ..lgtsm.metrics.fidelity import hole_psnr
from ..lgtsm.metrics.limits import CheckLimits
from .convert import frame_size, to_frames, to_images, to_masks
from .loaded import Reporter
from .schema import option, schema

_NO_LIMIT = "0 sets no limit."


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
                "mask. Measures the seam at the border of the mask, flicker, and how much of the "
                "removed object is left; with the ground truth connected also the error in dB."
            ),
            search_aliases=["verify inpainting", "compare before after", "quality check"],
            inputs=[
                io.Image.Input("before", tooltip="The clip before the repair."),
                io.Image.Input("after", tooltip="The clip after the repair."),
                io.Mask.Input(
                    "mask",
                    tooltip="Where changes were allowed: mask_used of LGTSM Inpaint.",
                ),
                option(CheckLimits, "tolerance"),
                option(CheckLimits, "max_seam", default=0.0, more=_NO_LIMIT),
                option(CheckLimits, "max_flicker", default=0.0, more=_NO_LIMIT),
                option(CheckLimits, "max_residual", default=0.0, limits=(0.0, 1.0), more=_NO_LIMIT),
                io.Boolean.Input(
                    "stop_on_failure",
                    default=False,
                    tooltip="Stop the graph with an error when the check fails.",
                ),
                io.Image.Input(
                    "truth",
                    optional=True,
                    tooltip="The ground truth, where it is known: adds PSNR inside the mask to the "
                    "report.",
                ),
            ],
            outputs=[
                io.Image.Output("images", tooltip="The repaired clip, unchanged."),
                io.Boolean.Output("passed", tooltip="Whether the result passed."),
                io.String.Output(
                    "report", tooltip="The verdict in the first line, the figures below."
                ),
                io.Image.Output(
                    "changes",
                    tooltip="The clip in dim grey, with changes inside the mask in green, outside in red.",
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
        stop_on_failure: bool,
        truth: Tensor | None = None,
        **limits: Any,
    ) -> io.NodeOutput:
        set_limits: dict[str, Any] = {name: limit or None for name, limit in limits.items()}
        checker = Checker(CheckLimits(tolerance=tolerance, **set_limits))
        reporter = Reporter()
        original, result = to_frames(before), to_frames(after)
        holes = to_masks(mask, frame_size(original), num_frames=len(original))
        holes = holes.expand(len(original), -1, -1, -1)
        for number, clip in enumerate(zip(original, result, holes, strict=True)):
            reporter.cancel()
            checker.add(*clip)
            reporter.progress(number + 1, len(original), "checking")
        report = checker.report()
        if stop_on_failure and not report.passed:
            raise LgtsmError(
                f"Expected a clean result, got: {'; '.join(report.failures)}; connect mask_used, or "
                "correct the node before this one."
            )
        figures = {}
        if truth is not None:
            psnr = hole_psnr(result, to_frames(truth), holes)
            figures["truth"] = f"{psnr:.2f} dB inside the mask"
            report = replace(report, summary=f"{report.summary} {psnr:.1f} dB to the truth.")
        return io.NodeOutput(
            after,
            report.passed,
            report.to_text(**figures),
            to_images(mark_changes(original, result, holes)),
        )
