"""VGG-16 with torchvision's ImageNet weights; the only file that imports torchvision."""

from __future__ import annotations

from torch import Tensor

from lgtsm.errors import WeightsError


def torchvision_vgg16() -> dict[str, Tensor]:
    """Return the tensors features.N.weight|bias; torchvision fetches them once into its cache.

    Raises:
        WeightsError: torchvision is missing, or its weights cannot be had.
    """
    try:
        from torchvision.models import VGG16_Weights, vgg16  # noqa: TID251  this adapter alone
    except ImportError as error:
        raise WeightsError(
            "Expected torchvision for its VGG-16, got none; install it or give a safetensors file "
            "with SqueezeNet or VGG-16."
        ) from error
    try:
        network = vgg16(weights=VGG16_Weights.IMAGENET1K_V1)
    except OSError as error:
        raise WeightsError(
            f"Expected torchvision's VGG-16 weights, got {str(error).splitlines()[0]}; fetch them "
            "by hand into its cache or give a safetensors file."
        ) from error
    return {f"features.{key}": value for key, value in network.features.state_dict().items()}
