"""The job: a strip's film is cleaned beside Blender, and the clean one laid above it."""

import json
from dataclasses import dataclass
from pathlib import Path

import bpy

from .background import Process
from .film import Film, active_strip, film_of, sequencer_scene
from .painted import folder_of, written
from .pictures import mask_file
from .preferences import program
from .problem import Problem

_POLL_SECONDS = 0.3
_CONTAINERS = (".mp4", ".mov", ".mkv", ".webm")
_COPIED = (
    "mute",
    "use_flip_x",
    "use_flip_y",
    "color_multiply",
    "color_saturation",
    "strobe",
    "blend_type",
    "blend_alpha",
)
_TRANSFORM = ("scale_x", "scale_y", "offset_x", "offset_y", "rotation", "origin", "filter")
_CROP = ("min_x", "max_x", "min_y", "max_y")
_CHANNELS = 128


@dataclass
class Job:
    """A running job; scene and strip by name, because either may be gone when it ends."""

    process: Process
    scene: str
    strip: str
    film: Film
    result: Path


class State:
    """What runs and what came of the last job: one at a time, in the whole of Blender."""

    job = None
    message = ""


class CleanStrip(bpy.types.Operator):
    """Remove what the mask marks from the active strip, and lay the clean film above it."""

    bl_idname = "lgtsm.clean_strip"
    bl_label = "Remove"

    @classmethod
    def poll(cls, context):
        """Tell whether a job may be started."""
        strip = active_strip(context)
        return State.job is None and strip is not None and strip.type == "MOVIE"

    def execute(self, context):
        """Start the job."""
        try:
            State.job = _started(context)
        except (Problem, OSError) as problem:
            self.report({"ERROR"}, str(problem))
            return {"CANCELLED"}
        State.message = ""
        # persistent: it goes on where another project is opened meanwhile
        bpy.app.timers.register(look, first_interval=_POLL_SECONDS, persistent=True)
        return {"FINISHED"}


class CancelClean(bpy.types.Operator):
    """Stop; what was computed is kept, and the next run goes on from there."""

    bl_idname = "lgtsm.cancel"
    bl_label = "Cancel"

    @classmethod
    def poll(cls, context):
        """Tell whether something runs."""
        return State.job is not None

    def execute(self, context):
        """Ask the program to end."""
        State.job.process.cancel()
        return {"FINISHED"}


def _started(context):
    """Start the program for the active strip; raises Problem or OSError."""
    scene, strip = sequencer_scene(context), active_strip(context)
    command, settings = program(context), scene.lgtsm
    film, folder = film_of(strip), folder_of(scene)
    name = f"{bpy.path.clean_name(strip.name)}_{film.start:06}-{film.end:06}"
    inputs = folder / "inputs" / name
    inputs.mkdir(parents=True, exist_ok=True)
    suffix = film.path.suffix.lower()
    suffix = ".mkv" if settings.lossless else suffix if suffix in _CONTAINERS else ".mp4"
    row = {
        "source": str(film.path),
        "start": film.start,
        "end": film.end,
        "output": name + suffix,
        "grow": settings.grow,
        "preset": settings.preset,
        "lossless": settings.lossless,
    }
    if settings.hole == "PAINTED":
        row["track"] = written(scene, strip, inputs)
    else:
        mask = scene.sequence_editor.strips_all.get(settings.mask)
        if mask is None or mask == strip:
            raise Problem("Expected another strip as the mask, got none; choose one.")
        row["mask"] = str(mask_file(mask, film, inputs / "mask"))
    jobs = inputs / "job.jsonl"
    jobs.write_text(json.dumps(row) + "\n", encoding="utf-8")
    words = [command, "batch", str(jobs), "-o", str(folder), "--quiet", "--progress", "lines"]
    return Job(Process(words), scene.name, strip.name, film, folder / row["output"])


def look():
    """See how far the job is, and lay its film above the strip when it is whole.

    Returns:
        Seconds until the next look; None where nothing runs, which ends the timer.
    """
    job = State.job
    if job is None:
        return None
    _redraw()
    code = job.process.code
    if code is None:
        return _POLL_SECONDS
    State.job = None
    if code == 0:
        State.message = _laid_above(job)
        if bpy.ops.ed.undo_push.poll():  # so that undoing removes the strip and nothing else
            bpy.ops.ed.undo_push(message=CleanStrip.bl_label)
    elif job.process.is_cancelled:
        State.message = "Cancelled; run it again to go on."
    else:
        said = [line.removeprefix("lgtsm: ") for line in job.process.messages if line]
        State.message = said[0] if said else f"lgtsm ended with exit code {code}."
    _redraw()
    return None


def stop():
    """End what runs, because the add-on is removed."""
    if State.job is not None:
        State.job.process.cancel()
        State.job.process.wait()
        State.job = None
    if bpy.app.timers.is_registered(look):
        bpy.app.timers.unregister(look)


def _laid_above(job):
    """Lay the clean film above its strip; return what to tell the user."""
    scene = bpy.data.scenes.get(job.scene)
    editor = scene and scene.sequence_editor
    strip = editor and editor.strips_all.get(job.strip)
    if strip is None:
        return f"The strip is gone; the clean film is {job.result}."
    start = round(strip.frame_start) - strip.animation_offset_start + job.film.start
    end = start + job.film.end - job.film.start
    parent = next(
        (one for one in editor.strips_all if one.type == "META" and strip in one.strips[:]), None
    )
    strips = editor.strips if parent is None else parent.strips
    for old in [one for one in strips if one.get("lgtsm") == str(job.result)]:
        strips.remove(old)
    channel = _free_channel(strips, strip.channel, start, end)
    if channel is None:
        return f"There is no free channel above the strip; the clean film is {job.result}."
    clean = strips.new_movie(f"{strip.name} clean", str(job.result), channel, start)
    clean.channel = channel
    clean["lgtsm"] = str(job.result)
    for names, source, target in (
        (_COPIED, strip, clean),
        (_TRANSFORM, strip.transform, clean.transform),
        (_CROP, strip.crop, clean.crop),
    ):
        for name in names:
            setattr(target, name, getattr(source, name))
    clean.colorspace_settings.name = strip.colorspace_settings.name
    if len(strip.modifiers):
        return "Done; the modifiers of the strip are not copied."
    return "Done."


def _free_channel(strips, above, start, end):
    """Return the lowest channel above another that is free from start to end; None where none is."""
    taken = {
        one.channel for one in strips if one.frame_final_start < end and start < one.frame_final_end
    }
    return next((n for n in range(above + 1, _CHANNELS + 1) if n not in taken), None)


def _redraw():
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "SEQUENCE_EDITOR":
                area.tag_redraw()


CLASSES = (CleanStrip, CancelClean)
