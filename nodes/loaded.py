"""A network in the hands of ComfyUI's model management, and what a node hears and says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import comfy.model_management
import comfy.model_patcher
import comfy.utils
import torch

from ..lgtsm.models.network import Network
from ..lgtsm.options import DType, InpaintOptions, Mode
from ..lgtsm.weights.load import load_model


@dataclass(frozen=True)
class LoadedModel:
    """What travels on an LGTSM_MODEL wire.

    patcher: holds the network; the model management keeps it only weakly, so it lives here.
    dtype: arithmetic the user asked for.
    """

    patcher: object
    dtype: DType


def wrap(network: Network, *, dtype: DType = DType.AUTO, on_cpu: bool = False) -> LoadedModel:
    """Hand a network to the model management, on its offload device.

    Args:
        network: on the CPU.
        dtype: arithmetic for the jobs that use it.
        on_cpu: compute on the CPU whatever else there is.
    """
    management = comfy.model_management
    cpu = torch.device("cpu")
    # looked up now: on some cards the server replaces the class while it starts
    kind = getattr(comfy.model_patcher, "CoreModelPatcher", comfy.model_patcher.ModelPatcher)
    patcher = kind(
        network,
        load_device=cpu if on_cpu else _compute_device(),
        offload_device=cpu if on_cpu else management.unet_offload_device(),
    )
    return LoadedModel(patcher, dtype)


def _compute_device() -> torch.device:
    """Return ComfyUI's device where the engine is known to run on its kind, else the CPU."""
    device = comfy.model_management.get_torch_device()
    return device if device.type == "cuda" else torch.device("cpu")


def make_ready(
    model: LoadedModel | None,
    options: InpaintOptions,
    memory: Callable[[Network | None, InpaintOptions], int],
) -> tuple[Network | None, InpaintOptions, object]:
    """Bring a network to its device and make room for its work.

    Args:
        model: from the wire; None takes the built-in one.
        options: device and dtype are filled in.
        memory: estimates the bytes that the job will take beside the weights.

    Returns:
        The network (None in copy mode), the options, and what must be kept while it is used.
    """
    if options.mode is Mode.COPY:
        device = _compute_device()
        run = replace(options.run, device=str(device), dtype=DType.AUTO)
        options = replace(options, run=run)
        comfy.model_management.free_memory(memory(None, options), device)
        return None, options, None
    model = model or wrap(load_model())
    network = model.patcher.model
    run = replace(options.run, device=str(model.patcher.load_device), dtype=model.dtype)
    options = replace(options, run=run)
    needed = memory(network, options)
    comfy.model_management.load_models_gpu([model.patcher], memory_required=needed)
    return network, options, model


class Reporter:
    """Progress to the node's bar, and ComfyUI's wish to stop; its exception passes through."""

    def __init__(self) -> None:
        self._bar: comfy.utils.ProgressBar | None = None

    def progress(self, done: int, total: int, note: str) -> None:
        """Move the bar; the first call says how long it is."""
        total = max(total, done, 1)
        if self._bar is None:
            self._bar = comfy.utils.ProgressBar(total)
        self._bar.update_absolute(done, total)

    def cancel(self) -> bool:
        """Raise ComfyUI's interruption where the user asked for it, otherwise return False."""
        comfy.model_management.throw_exception_if_processing_interrupted()
        return False
