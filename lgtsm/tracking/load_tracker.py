"""Networks that track, from the package transformers, an extra (`track`)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from ..engine.policy import choose_device
from ..errors import DeviceError, WeightsError, shown
from ..tensor_digest import tensor_digest
from ..track_options import TrackerKind, TrackOptions
from .built_in import BuiltIn
from .trained import Statistics, TrainedTracker
from .walker import Walker

_IMAGENET: Statistics = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_HALF: Statistics = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


class _Class(NamedTuple):
    """Classes of one kind: the beginning of their names, and the types that a configuration may name."""

    name: str
    types: tuple[str, ...]
    statistics: Statistics


_CLASSES = {
    TrackerKind.SAM2: _Class("Sam2Video", ("sam2_video",), _IMAGENET),
    TrackerKind.EDGETAM: _Class("EdgeTamVideo", ("edgetam_video",), _IMAGENET),
    # weights of SAM 3 hold a detector by words, and the tracker that painted masks need
    TrackerKind.SAM3: _Class("Sam3TrackerVideo", ("sam3_video", "sam3_tracker_video"), _HALF),
}


def load_tracker(options: TrackOptions, device: str = "auto") -> Walker:
    """Load what tracks.

    Args:
        options: which one, and where its weights are; a hub id is fetched unless it was before.
        device: of a network, as `RunOptions.device`.

    Raises:
        DeviceError: transformers, or a package that the network needs, is missing.
        WeightsError: no weights, or those of another class.
    """
    if options.tracker is TrackerKind.BUILT_IN:
        return BuiltIn()
    kind, name = _CLASSES[options.tracker], str(options.tracker_model)
    place = choose_device(device)
    try:
        import transformers

        model_class: Any = getattr(transformers, f"{kind.name}Model")
        session_class: Any = getattr(transformers, f"{kind.name}InferenceSession")
    except (ImportError, AttributeError) as error:
        raise DeviceError(
            f"Expected the package transformers with {kind.name}Model, found none ({error}); install it with "
            'pip install "transformers>=5.24".'
        ) from error
    with _told(name, options.tracker), _without_bar(transformers.utils.logging):
        found = transformers.AutoConfig.from_pretrained(name).model_type
        if found not in kind.types:
            raise WeightsError(
                f"Expected weights of {options.tracker.value}, got those of {shown(found)} in "
                f"{shown(name)}; choose its tracker, or other weights."
            )
        model, loaded = model_class.from_pretrained(
            name, use_safetensors=True, output_loading_info=True
        )
    if missing := sorted(loaded["missing_keys"]):
        raise WeightsError(
            f"Expected all weights of {options.tracker.value} in {shown(name)}, got none for "
            f"{missing[0]} and {len(missing) - 1} more; fetch them again."
        )
    digest = tensor_digest(model.state_dict())
    model = model.to(place).eval().requires_grad_(False)
    return TrainedTracker(
        model, session_class, kind.statistics, f"{options.tracker.value} {digest}"
    )


@contextmanager
def _told(name: str, kind: TrackerKind) -> Iterator[None]:
    """Say in a sentence why weights cannot be loaded."""
    try:
        yield
    except WeightsError:
        raise
    except ImportError as error:
        raise DeviceError(
            f"Expected all packages that {kind.value} needs, found one missing "
            f"({_first_line(error)}); install it."
        ) from error
    except Exception as error:  # of transformers, the hub or safetensors
        what = "a folder" if Path(name).exists() else "a folder or hub id"
        raise WeightsError(
            f"Expected {what} with the configuration and safetensors weights of {kind.value}, got "
            f"{shown(name)} ({_first_line(error)}); correct the name, or fetch it first."
        ) from error


def _first_line(error: Exception) -> str:
    text = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
    return text.strip().rstrip(".")[:200]


@contextmanager
def _without_bar(logging: Any) -> Iterator[None]:
    """Keep the bar of loading weights from the terminal, which may have one of ours."""
    shows = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shows:
            logging.enable_progress_bar()
