"""A network under ComfyUI's model management, and a node's progress and cancellation."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import comfy.model_management
import comfy.model_patcher
import comfy.utils
import torch
from torch import Tensor

from ..lgtsm.box import Box, hole_box
from ..lgtsm.engine.estimate import estimate
from ..lgtsm.errors import WeightsError
from ..lgtsm.models.neighbour_spec import NeighbourSpec, Role
from ..lgtsm.models.network import Network
from ..lgtsm.neighbour_options import Carry, NeighbourOptions
from ..lgtsm.options import DType, InpaintOptions, Mode
from ..lgtsm.weights.load import load_model


@dataclass(frozen=True)
class LoadedModel:
    """The value of an LGTSM_MODEL socket.

    patcher: owns the network; the model management only holds weak references to it. None for a network
        that helps to fill: every job that it is connected to reads it from its file.
    dtype: arithmetic that the user chose.
    path: of the weight file; None for the built-in default.
    spec: of a network that helps to fill, else None.
    """

    patcher: comfy.model_patcher.ModelPatcher | None
    dtype: DType
    path: Path | None = None
    spec: NeighbourSpec | None = None


def wrap(network: Network, *, dtype: DType = DType.AUTO, on_cpu: bool = False) -> LoadedModel:
    """Register a network with the model management, on its offload device.

    Args:
        network: on the CPU.
        dtype: arithmetic for the jobs that use it.
        on_cpu: compute on the CPU even if there is a graphics card.
    """
    # looked up on use: with some cards the server replaces the class while it starts
    kind = getattr(comfy.model_patcher, "CoreModelPatcher", comfy.model_patcher.ModelPatcher)
    load = offload = torch.device("cpu")
    if not on_cpu:
        load, offload = _compute_device(), comfy.model_management.unet_offload_device()
    return LoadedModel(kind(network, load_device=load, offload_device=offload), dtype)


def neighbours_of(aligner: LoadedModel | None, carrier: LoadedModel | None) -> NeighbourOptions:
    """Return the networks that help a job.

    Raises:
        WeightsError: a network of another role.
    """
    found = [
        None if model is None else _path_for(role, model)
        for role, model in ((Role.ALIGNER, aligner), (Role.CARRIER, carrier))
    ]
    carry = Carry.MOTION if carrier is None else Carry.GUIDED
    return NeighbourOptions(aligner_model=found[0], carry=carry, carrier_model=found[1])


def _path_for(role: Role, model: LoadedModel) -> Path | None:
    if model.spec is None or model.spec.role is not role:
        got = "a network that fills" if model.spec is None else f"the {model.spec.role.value}"
        raise WeightsError(
            f"Expected a network for the role of {role.value} at {role.value}, got {got}; connect it to "
            f"{'model' if model.spec is None else model.spec.role.value}."
        )
    return model.path


def _compute_device() -> torch.device:
    """Return ComfyUI's device if the engine is known to run on its type, else the CPU."""
    device = comfy.model_management.get_torch_device()
    return device if device.type == "cuda" else torch.device("cpu")


def make_ready(
    model: LoadedModel | None,
    options: InpaintOptions,
    clip: tuple[int, int, int],
    hole_ratio: float = 1.0,
) -> tuple[Network | None, InpaintOptions, object]:
    """Move a network to its device and free memory for the job.

    Args:
        model: from the socket; None is the built-in one.
        options: of the job; device and dtype are replaced.
        clip: number of frames, height and width, for an estimate of the memory beside the weights.
        hole_ratio: share of the picture in which the network works.

    Returns:
        The network (None in copy mode), the options, and an object to keep alive meanwhile.
    """
    if options.mode is Mode.COPY:
        device = _compute_device()
        options = replace(options, run=replace(options.run, device=str(device), dtype=DType.AUTO))
        needed = estimate(*clip, options, None, hole_ratio=hole_ratio)
        comfy.model_management.free_memory(needed, device)
        return None, options, None
    model = model or wrap(load_model())
    if model.patcher is None:
        role, family = (model.spec.role.value, model.spec.family) if model.spec else ("", "")
        raise WeightsError(
            f"Expected a network that fills at model, got the {role} {family}; connect it to "
            f"{role}."
        )
    network = model.patcher.model
    run = replace(options.run, device=str(model.patcher.load_device), dtype=model.dtype)
    options = replace(options, run=run)
    needed = estimate(*clip, options, network.spec, hole_ratio=hole_ratio)
    comfy.model_management.load_models_gpu([model.patcher], memory_required=needed)
    return network, options, model


def hole_ratio(masks: Tensor, options: InpaintOptions) -> float:
    """Return the share of the picture in which the holes of masks (T,1,H,W) lie, once grown; 0 without any."""
    box = hole_box(masks > options.mask.threshold)
    if box is None:
        return 0.0
    height, width = masks.shape[-2:]
    grown = box.grow(options.mask.grow_px(height)) & Box(0, 0, height, width)
    return grown.area / (height * width)


class Reporter:
    """Show progress on the node's bar, and raise ComfyUI's interruption, which nothing catches."""

    def __init__(self) -> None:
        self._bar: comfy.utils.ProgressBar | None = None

    def progress(self, done: int, total: int, note: str) -> None:
        """Move the bar; the first call sets its length."""
        total = max(total, done, 1)
        bar = self._bar = self._bar or comfy.utils.ProgressBar(total)
        bar.update_absolute(done, total)

    def cancel(self) -> bool:
        """Raise ComfyUI's interruption if the user asked for it, otherwise return False."""
        comfy.model_management.throw_exception_if_processing_interrupted()
        return False
