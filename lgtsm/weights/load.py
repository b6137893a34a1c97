"""From a weight file to a network: strictly, and never through a pickle."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from ..errors import WeightsError
from ..models.build import build
from ..models.network import Network
from .catalogue import CATALOGUE, DEFAULT
from .header import read_card


def find_weights(name_or_path: str | Path | None = None) -> tuple[str, Path]:
    """Return the name and the path of a weight file.

    Args:
        name_or_path: a built-in name, a path, or None for the default.

    Raises:
        WeightsError: neither a built-in name nor a file.
    """
    wanted = DEFAULT if name_or_path is None else name_or_path
    if isinstance(wanted, str) and wanted in CATALOGUE:
        return wanted, CATALOGUE[wanted].path
    path = Path(wanted)
    if not path.is_file():
        raise WeightsError(
            f"Expected a built-in model ({', '.join(CATALOGUE)}) or a file, got {wanted}; "
            "check the name or the path."
        )
    return path.name, path


def load_model(name_or_path: str | Path | None = None) -> Network:
    """Load a network.

    Args:
        name_or_path: a built-in name, the path of a .safetensors file of this package, or None for
            the default.

    Returns:
        The network on the CPU, float32, in eval mode, without gradients.

    Raises:
        WeightsError: no such file, damaged, a pickle, or tensors that do not fit its own header.
    """
    name, path = find_weights(name_or_path)
    card = read_card(path)
    try:
        tensors = load_file(path)
    except SafetensorError as error:
        raise WeightsError(
            f"Expected a whole safetensors file, got {path.name} with {error}; get it again."
        ) from error
    with torch.device("meta"):  # a header may claim any size; nothing is allocated before it fits
        state = build(card.spec).state_dict()
    expected = {key: tuple(value.shape) for key, value in state.items()}
    found = {key: tuple(value.shape) for key, value in tensors.items()}
    if expected != found:
        wrong = sorted(expected.items() ^ found.items())[0][0]
        raise WeightsError(
            f"Expected the {len(expected)} tensors of a {card.spec.family} network, got "
            f"{len(found)} of which {wrong} does not fit; use a file whose header is its own."
        )
    for key, value in tensors.items():
        if not value.is_floating_point() or not torch.isfinite(value).all():
            raise WeightsError(
                f"Expected finite floating-point weights, got something else in {key}; get "
                f"{path.name} again."
            )
    network = build(card.spec)
    network.load_state_dict({key: value.float() for key, value in tensors.items()})
    network.name, network.passed_dtypes = name, card.dtypes
    return network.eval().requires_grad_(False)
