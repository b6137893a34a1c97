"""Frames in which the object is painted: a picture of the current frame, with the object erased."""

from pathlib import Path

import bpy

from .film import active_strip, film_of, sequencer_scene
from .pictures import frame_picture
from .problem import Problem


class PaintFrame(bpy.types.Operator):
    """Make a picture of the current frame; erase the object in it with a brush that erases alpha."""

    bl_idname = "lgtsm.paint_frame"
    bl_label = "Paint Current Frame"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context):
        """Render the frame, open the picture and note its number."""
        scene, strip = sequencer_scene(context), active_strip(context)
        try:
            film = film_of(strip)
            frame = scene.frame_current - film.origin
            if not film.start <= frame < film.end:
                raise Problem(
                    "Expected the current frame within the strip, got another; go to one."
                )
            if any(one.frame == frame for one in painted_frames(scene, strip)):
                raise Problem(
                    f"Expected a frame without a picture, got frame {frame}; paint in its own."
                )
            target = folder_of(scene) / f"{bpy.path.clean_name(strip.name)}_{frame:06}.png"
            frame_picture(film, frame, target)
        except Problem as problem:
            self.report({"ERROR"}, str(problem))
            return {"CANCELLED"}
        entry = scene.lgtsm.painted.add()
        entry.image = bpy.data.images.load(str(target))
        entry.strip, entry.frame = strip.name, frame
        scene.lgtsm.hole = "PAINTED"
        _show(context, entry.image)
        return {"FINISHED"}


class ForgetFrame(bpy.types.Operator):
    """Use a painted frame no longer."""

    bl_idname = "lgtsm.forget_frame"
    bl_label = "Forget Painted Frame"
    bl_options = {"REGISTER", "UNDO"}

    index: bpy.props.IntProperty()

    def execute(self, context):
        """Remove the entry; its picture stays."""
        sequencer_scene(context).lgtsm.painted.remove(self.index)
        return {"FINISHED"}


def painted_frames(scene, strip):
    """Return the painted frames of a strip."""
    return [one for one in scene.lgtsm.painted if one.strip == strip.name]


def folder_of(scene):
    """Return the folder of results, which is made where needed.

    Raises:
        Problem: it is relative to a project that was never saved, or cannot be made.
    """
    given = scene.lgtsm.folder
    if given.startswith("//") and not bpy.data.filepath:
        raise Problem(
            "Expected a saved project, whose folder gets the results, got none; save it first."
        )
    folder = Path(bpy.path.abspath(given)).resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Problem(
            f"Expected a folder for results, got {folder} ({error.strerror}); choose another one."
        ) from error
    return folder


def written(scene, strip, folder):
    """Write the painted frames of a strip; return them as FILE@FRAME.

    Raises:
        Problem: there is none, or one without a picture.
    """
    found = painted_frames(scene, strip)
    if not found:
        raise Problem(f"Expected a painted frame of {strip.name}, got none; paint one.")
    texts = []
    for one in found:
        if one.image is None:
            raise Problem(f"Expected a picture for frame {one.frame}, got none; choose one.")
        target = folder / f"painted_{one.frame:06}.png"
        before = one.image.file_format
        one.image.file_format = "PNG"
        try:
            one.image.save(filepath=str(target), save_copy=True)
        finally:
            one.image.file_format = before
        texts.append(f"{target}@{one.frame}")
    return texts


def _show(context, image):
    """Open a picture in an image editor, where there is one on the screen."""
    for area in context.screen.areas if context.screen else ():
        if area.type == "IMAGE_EDITOR":
            area.spaces.active.image = image
            return


CLASSES = (PaintFrame, ForgetFrame)
