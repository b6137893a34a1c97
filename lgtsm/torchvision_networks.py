"""Networks of torchvision with their published weights, loaded without running a pickle.

torchvision reads weights through `torch.hub`, which checks the hash of a download but not of the
file that it finds in its cache, and lets pickles run code.
"""

# torchvision is optional, and untyped where it is not installed
# pyright: reportMissingImports=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from urllib.parse import urlparse

import torch
from torch import Tensor, nn

from .errors import DeviceError, WeightsError

_UNFIT = (ImportError, RuntimeError, AttributeError, OSError)
"""What `import torchvision` raises where it is missing, or was built for another torch."""


def load_torchvision(name: str) -> nn.Module:
    """Return a network with its default weights, in eval mode, without gradients.

    Args:
        name: as `torchvision.models.get_model` takes it.

    Raises:
        DeviceError: torchvision is missing or does not fit torch.
        WeightsError: the weights are missing and cannot be fetched, or are not those published.
    """
    try:
        from torchvision.models import get_model, get_model_weights
    except _UNFIT as error:
        raise DeviceError(
            f"Expected a torchvision that fits torch {torch.__version__}, got "
            f"{type(error).__name__} ({_first_line(error)}); install the torchvision of this torch."
        ) from error
    with torch.random.fork_rng(devices=[]):  # leave the global generator untouched
        network: nn.Module = get_model(name, weights=None)
    network.load_state_dict(_published_state(get_model_weights(name).DEFAULT.url))
    return network.eval().requires_grad_(False)


def _published_state(url: str) -> dict[str, Tensor]:
    """Return the tensors of a file in torch's cache, fetched if needed.

    Args:
        url: where it is published; its name ends in the first digits of the file's SHA-256.
    """
    file = Path(urlparse(url).path)
    expected = file.stem.rpartition("-")[2]
    path = Path(torch.hub.get_dir(), "checkpoints", file.name)
    try:
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            torch.hub.download_url_to_file(url, str(path), expected, progress=False)
        data = path.read_bytes()  # once, so that what is checked is what is loaded
    except (OSError, RuntimeError) as error:  # no network; bytes of another hash
        raise WeightsError(
            f"Expected {file.name} in {path.parent}, got {_first_line(error)}; fetch {url} and put "
            "it there."
        ) from error
    found = hashlib.sha256(data).hexdigest()
    try:
        if found.startswith(expected) and len(expected) >= 8:
            return torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:  # torch has no class of its own for what is no file of tensors
        raise WeightsError(
            f"Expected a file of tensors, got {path}, which holds something else; nothing in it "
            f"was run, delete it and fetch {url} again."
        ) from error
    raise WeightsError(
        f"Expected {path} with a SHA-256 that begins with {expected}, got {found[:12]}; it was "
        f"not opened, delete it and fetch {url} again."
    )


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(" .")
