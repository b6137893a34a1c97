"""The film behind a strip: which of its frames lie where in the sequencer."""

from dataclasses import dataclass
from pathlib import Path

import bpy

from .problem import Problem


@dataclass(frozen=True)
class Film:
    """A film as a strip shows it.

    path: its file.
    size: width and height in pixels.
    num_frames: of the whole film.
    origin: frame of the scene at which the film's frame 0 lies, cut off or not.
    start, end: frames of the film that are shown, end not included.
    """

    path: Path
    size: tuple[int, int]
    num_frames: int
    origin: int
    start: int
    end: int


def sequencer_scene(context):
    """Return the scene that the sequencer shows."""
    return context.sequencer_scene or context.scene


def active_strip(context):
    """Return the active strip of the sequencer; None where there is none."""
    editor = sequencer_scene(context).sequence_editor
    return editor and editor.active_strip


def film_of(strip):
    """Describe the film of a movie strip.

    Raises:
        Problem: another kind of strip, a file that is missing, or frames that are not those of the film.
    """
    if strip is None or strip.type != "MOVIE":
        got = "none" if strip is None else f"{strip.name}, which is none"
        raise Problem(f"Expected a movie strip to be active, got {got}; select one.")
    path = Path(bpy.path.abspath(strip.filepath)).resolve()
    if not path.is_file():
        raise Problem(f"Expected the film of {strip.name}, found no file {path}; relink the strip.")
    num_frames, size = _measured(path)
    shown = strip.frame_duration + strip.animation_offset_start + strip.animation_offset_end
    if len(strip.retiming_keys) or strip.use_reverse_frames or shown != num_frames:
        raise Problem(
            f"Expected {strip.name} to show its film frame by frame, got another speed or direction; set "
            "them back, and the rate of the scene to that of the film."
        )
    origin = round(strip.frame_start) - strip.animation_offset_start
    start = max(0, strip.frame_final_start - origin)
    end = min(num_frames, strip.frame_final_end - origin)
    if start >= end:
        raise Problem(f"Expected {strip.name} to show frames of its film, got none; move its ends.")
    return Film(path, size, num_frames, origin, start, end)


def _measured(path):
    """Return the number of frames of a film, and its width and height, as Blender counts them."""
    clip = bpy.data.movieclips.load(str(path))
    try:
        return clip.frame_duration, tuple(clip.size)
    finally:
        bpy.data.movieclips.remove(clip)
