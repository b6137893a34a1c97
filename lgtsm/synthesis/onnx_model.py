"""A still-image inpainting model from an ONNX file, run by onnxruntime, an option for those who have it.

Only what it puts into the hole is used. Which numbers it returns, 0..1, -1..1 or 0..255, is told from
the known pixels, on which it should agree with the picture.
"""

# onnxruntime is optional, and untyped where it is not installed
# pyright: reportMissingImports=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import os
from typing import Any

import torch
from torch import Tensor

from ..box import Box, hole_box
from ..errors import DeviceError, WeightsError, shown
from ..fills.averaging import size_of
from ..fills.smooth import smooth_fill
from ..options import MaskSense, PixelRange
from .complete import Completion
from .model_frame import ModelFrame
from .onnx_ports import LIMITS, read_ports
from .seam import beside, membrane

_CUDA = "CUDAExecutionProvider"
_NO_TELEMETRY = "ORT_DISABLE_TELEMETRY"
_QUIET = 4
"""Only fatal errors reach stderr; others are raised here."""
_TRIAL_SIDE = 64
_MAX_CHANGE = 0.1
"""Mean change of known pixels that encoding and decoding explains; set by hand."""
_MAX_VALUE = 2.0
"""Values beyond are bytes: nothing in 0..1 or -1..1 overshoots that far."""


class OnnxModel:
    """A `Synthesiser`.

    Args:
        data: the file, whole: files beside it are never read.
        name: of the file, for messages.
        device: CUDA is used where onnxruntime is built for it, else the CPU.
        threads: of the CPU; one number gives the same bits every time.
        pixel_range: of the picture, where the file's metadata do not tell.
        mask_sense: of the mask, where the file's metadata do not tell.

    Raises:
        DeviceError: onnxruntime is missing.
        WeightsError: not an ONNX file, or a model that takes or returns something else.
    """

    def __init__(
        self,
        data: bytes,
        name: str,
        *,
        device: torch.device,
        threads: int = 0,
        pixel_range: PixelRange = PixelRange.AUTO,
        mask_sense: MaskSense = MaskSense.AUTO,
    ) -> None:
        self.name = name
        self._session = _open(data, name, device, threads)
        self.ports = read_ports(
            self._session.get_inputs(),
            self._session.get_modelmeta().custom_metadata_map,
            name,
            pixel_range=pixel_range,
            mask_sense=mask_sense,
        )
        self._try_out()

    def __call__(
        self, picture: Tensor, hole: Tensor, trusted: Tensor, *, seed: int = 0
    ) -> Completion:
        """Complete the hole of one picture; see `Synthesiser`. Takes neither `trusted` nor `seed`."""
        sources = torch.full_like(hole, -1, dtype=torch.long)
        around = hole_box(hole)
        if around is None:
            return Completion(picture, sources)
        frame = ModelFrame.around(around, size_of(picture), self.ports.picture.size)
        shown_hole = frame.shown_hole(hole).float()
        # what is in the hole must not bleed into its surroundings where they are reduced
        seen = frame.shown(smooth_fill(picture, hole)).float()
        made = self._to_unit(self._run(seen, shown_hole), seen, shown_hole)
        guess = frame.paste(picture, made.to(picture))
        known = beside(hole) & (_inside(frame.box, hole) > 0)
        step = torch.where(known, picture - guess, 0)
        guess = (guess + membrane(step, known.to(picture.dtype))).clamp(0, 1)
        return Completion(torch.where(hole > 0, guess, picture), sources)

    def _try_out(self) -> None:
        """Run once on a grey picture, so that a model that cannot serve is refused before any work."""
        height, width = self.ports.picture.size or (_TRIAL_SIDE, _TRIAL_SIDE)
        picture, hole = torch.full((1, 3, height, width), 0.5), torch.zeros(1, 1, height, width)
        hole[..., height // 4 : height // 2, width // 4 : width // 2] = 1
        self._run(picture, hole)

    def _run(self, picture: Tensor, hole: Tensor) -> Tensor:
        """Return what the model returns, (1,3,h,w) float32 on the picture's device.

        Args:
            picture: (1,3,h,w) float32 in [0,1].
            hole: (1,1,h,w) float32, 0 or 1.
        """
        feed = {name: x.numpy() for name, x in self.ports.feed(picture, hole).items()}
        try:
            outputs = self._session.run(None, feed)
        except Exception as error:  # onnxruntime's errors have no base of their own
            raise WeightsError(
                f"Expected {self.name} to run on a picture of {picture.shape[3]}x{picture.shape[2]}, "
                f"got {_first_line(error)}; export it for this size or for any."
            ) from error
        found = [tuple(getattr(x, "shape", ())) for x in outputs]
        wanted = (1, 3, *size_of(picture)), (1, *size_of(picture), 3)
        at = next((i for i, shape in enumerate(found) if shape in wanted), None)
        if at is None:
            raise WeightsError(
                f"Expected a picture {wanted[0]} from {self.name}, got {shown(found)}; export the "
                "model so that it returns one of the size it is given."
            )
        result = torch.from_numpy(outputs[at]).float()
        result = result if found[at] == wanted[0] else result.permute(0, 3, 1, 2)
        if not torch.isfinite(result).all():
            raise WeightsError(
                f"Expected finite numbers from {self.name}, got NaN or infinity; use another file, or "
                "another synthesiser_range."
            )
        return result.to(picture.device)

    def _to_unit(self, made: Tensor, picture: Tensor, hole: Tensor) -> Tensor:
        """Return what the model made in [0,1], read in the range that agrees best with the picture.

        Raises:
            WeightsError: the known part is another in every range.
        """
        ranges = [self.ports.range, *(r for r in LIMITS if r is not self.ports.range)]
        if float(made.abs().max()) > _MAX_VALUE:
            ranges = [PixelRange.BYTES]
        known = (hole == 0).expand_as(picture)
        best, least = made, float("inf")
        for one in ranges:
            low, high = LIMITS[one]
            unit = (made - low) / (high - low)
            change = float((unit - picture)[known].abs().mean()) if known.any() else 0.0
            if change < least:
                best, least = unit, change
        if least > max(_MAX_CHANGE, _contrast(picture, known)):
            raise WeightsError(
                f"Expected {self.name} to leave known pixels about as they are, got a mean change of "
                f"{least:.2f} of 1; give synthesiser_range or synthesiser_mask, or use another file."
            )
        return best.clamp(0, 1)


def _inside(box: Box, like: Tensor) -> Tensor:
    """Return (1,1,h,w) with 1 in a box."""
    result = torch.zeros_like(like)
    result[..., box.rows, box.columns] = 1
    return result


def _contrast(picture: Tensor, known: Tensor) -> float:
    """Return the mean change of the known pixels if each colour were flat: what no model exceeds."""
    if not known.any():
        return float("inf")
    colours = [picture[:, c][known[:, c]] for c in range(3)]
    return float(torch.stack([(c - c.median()).abs().mean() for c in colours]).mean())


def _open(data: bytes, name: str, device: torch.device, threads: int) -> Any:
    """Open a file; returns onnxruntime's session."""
    onnxruntime = _import_quietly(name)
    options: Any = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.use_deterministic_compute = True
    options.log_severity_level = _QUIET
    providers: list[Any] = ["CPUExecutionProvider"]
    if device.type == "cuda" and _CUDA in onnxruntime.get_available_providers():
        providers.insert(0, (_CUDA, {"device_id": device.index or 0}))
    try:
        return onnxruntime.InferenceSession(data, options, providers=providers)
    except Exception as error:  # onnxruntime's errors have no base of their own
        raise WeightsError(
            f"Expected a whole ONNX file, got {name}: {_first_line(error)}; export it again, in one "
            "file, for this onnxruntime."
        ) from error


def _import_quietly(name: str) -> Any:
    """Import onnxruntime without its telemetry, which from its import on records what is run.

    Raises:
        DeviceError: it is missing.
    """
    before = os.environ.get(_NO_TELEMETRY)
    os.environ[_NO_TELEMETRY] = "1"  # read at the import alone
    try:
        import onnxruntime
    except ImportError as error:
        raise DeviceError(
            f"Expected onnxruntime for the synthesiser {name}, found none; install it with pip install "
            "onnxruntime, or leave the synthesiser out."
        ) from error
    finally:
        if before is None:
            del os.environ[_NO_TELEMETRY]
        else:
            os.environ[_NO_TELEMETRY] = before
    onnxruntime.disable_telemetry_events()  # where another program imported it first
    return onnxruntime


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return f"{lines[0]:.200}".rstrip(" .")
