"""Pictures of strips as files, rendered in a scene of their own: masks, and a frame to paint on."""

import shutil
from contextlib import contextmanager
from pathlib import Path

import bpy

from .problem import Problem


def mask_file(strip, film, folder):
    """Return the file or folder with the mask that a strip shows.

    A picture, and a film that runs in step with the other one, are taken as they are. Everything else is
    rendered to pictures with the numbers of the film's frames.

    Args:
        strip: movie, image or mask strip.
        film: of the strip to clean.
        folder: for the pictures.

    Raises:
        Problem: another kind of strip, or one that does not cover the film.
    """
    start = round(strip.frame_start) - film.origin
    if strip.type == "IMAGE" and len(strip.elements) == 1:
        return _picture(strip)
    if strip.type == "MOVIE":
        path = Path(bpy.path.abspath(strip.filepath)).resolve()
        whole = strip.animation_offset_start == strip.animation_offset_end == 0
        if whole and start == 0 and strip.frame_duration == film.num_frames:
            return path
    first = max(film.start, strip.frame_final_start - film.origin)
    end = min(film.end, strip.frame_final_end - film.origin)
    if first >= end:
        raise Problem(
            f"Expected {strip.name} to lie over the strip to clean, got none of it there; move it."
        )
    shutil.rmtree(folder, ignore_errors=True)  # pictures of an earlier mask
    with _scene(film.size, "BW") as scene:
        _copy_into(scene, strip, start)
        _render(scene, first, end, folder / "mask_######")
    return folder


def frame_picture(film, frame, target):
    """Write one frame of a film as a picture with transparency.

    Args:
        film: the film.
        frame: its number.
        target: file to write (.png).
    """
    with _scene(film.size, "RGBA") as scene:
        scene.sequence_editor.strips.new_movie("film", str(film.path), 1, 0)
        scene.frame_set(frame)
        scene.render.filepath = str(target)
        bpy.ops.render.render(write_still=True, scene=scene.name)


def _picture(strip):
    """Return the file of a strip with one picture."""
    return Path(bpy.path.abspath(strip.directory), strip.elements[0].filename).resolve()


def _copy_into(scene, strip, start):
    """Lay what a strip shows into another scene, its content from a frame on."""
    strips = scene.sequence_editor.strips
    if strip.type == "MASK":
        copy = strips.new_mask("mask", strip.mask, 1, start)
    elif strip.type == "MOVIE":
        copy = strips.new_movie(
            "mask", bpy.path.abspath(strip.filepath), 1, start, fit_method="STRETCH"
        )
    elif strip.type == "IMAGE":
        names = [element.filename for element in strip.elements]
        first = str(Path(bpy.path.abspath(strip.directory), names[0]))
        copy = strips.new_image("mask", first, 1, start, fit_method="STRETCH")
        for name in names[1:]:
            copy.elements.append(name)
    else:
        raise Problem(
            f"Expected a movie, image or mask strip as the mask, got {strip.name}; choose another one."
        )
    if strip.type != "MASK":
        copy.animation_offset_start = strip.animation_offset_start
        copy.animation_offset_end = strip.animation_offset_end
    copy.frame_start = start
    copy.frame_offset_start = strip.frame_offset_start
    copy.frame_offset_end = strip.frame_offset_end


@contextmanager
def _scene(size, colours):
    """Yield a scene whose sequencer is rendered to PNG pictures of a size (width, height)."""
    scene = bpy.data.scenes.new("lgtsm")
    try:
        scene.sequence_editor_create()
        render = scene.render
        render.resolution_x, render.resolution_y = size
        render.resolution_percentage = 100
        render.use_sequencer, render.use_compositing = True, False
        render.image_settings.file_format = "PNG"
        render.image_settings.color_mode = colours
        scene.view_settings.view_transform = "Standard"  # values as they are in the file
        yield scene
    finally:
        bpy.data.scenes.remove(scene)


def _render(scene, first, end, target):
    scene.frame_start, scene.frame_end = first, end - 1
    scene.render.filepath = str(target)
    bpy.ops.render.render(animation=True, scene=scene.name)
