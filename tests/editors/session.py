"""A session in Blender, run by a Python that has `bpy`: session.py FOLDER ACTION.

FOLDER holds `add_on.zip`, `film.mp4` and what the action needs; what came of it is printed as JSON.
"""

import json
import os
import sys
import time
import types
from pathlib import Path

FOLDER, ACTION = Path(sys.argv[1]).resolve(), sys.argv[2]
os.environ["BLENDER_USER_RESOURCES"] = str(FOLDER / "user")  # nothing outside the folder is touched

import bpy  # noqa: E402  it reads where its resources are

FIRST, TRIM, LENGTH = 10, 3, 9
"""Frame of the scene at which the film begins; frames cut off its beginning; frames shown."""


def install():
    """Install the zip file as a user does; return the add-on's module of jobs."""
    bpy.ops.extensions.package_install_files(
        filepath=str(FOLDER / "add_on.zip"), repo="user_default", enable_on_install=True
    )
    preferences = bpy.context.preferences.addons["bl_ext.user_default.lgtsm"].preferences
    preferences.command = os.environ.get("LGTSM_COMMAND", "lgtsm")
    return sys.modules["bl_ext.user_default.lgtsm.clean"]


def project(film="film.mp4"):
    """Return a saved project's scene with the film in channel 1, cut at both ends, and made active."""
    scene = bpy.context.scene
    bpy.ops.wm.save_as_mainfile(filepath=str(FOLDER / "project.blend"))
    scene.render.fps = 24
    strip = scene.sequence_editor_create().strips.new_movie("film", str(FOLDER / film), 1, FIRST)
    strip.frame_offset_start = TRIM
    strip.frame_final_duration = LENGTH
    strip.transform.scale_x = 0.5
    scene.sequence_editor.active_strip = strip
    scene.lgtsm.lossless, scene.lgtsm.preset, scene.lgtsm.grow = True, "fast", 0
    return scene, strip


def run(clean, *, cancel_at=None):
    """Start the job and look at it as Blender's timer does; return what was shown."""
    shown = []
    bpy.ops.lgtsm.clean_strip()
    late = time.monotonic() + 300
    while clean.look() is not None:
        assert time.monotonic() < late
        process = clean.State.job.process
        if [process.done, process.total] not in shown:
            shown.append([process.done, process.total])
        if cancel_at is not None and process.done >= cancel_at:
            assert any(text.startswith("at ") for text in panel())
            assert not bpy.ops.lgtsm.clean_strip.poll()
            bpy.ops.lgtsm.cancel()
        time.sleep(0.02)
    return shown


def strips(scene):
    """Return what lies in the sequencer."""
    return {
        one.name: {
            "channel": one.channel,
            "start": one.frame_final_start,
            "length": one.frame_final_duration,
            "file": bpy.path.abspath(one.filepath) if one.type == "MOVIE" else "",
            "scale": one.transform.scale_x,
        }
        for one in scene.sequence_editor.strips
    }


def done(clean, scene, **more):
    """Print what came of a session."""
    print("RESULT " + json.dumps({"message": clean.State.message, "strips": strips(scene), **more}))


class Layout:
    """Stands for the layout of a panel: notes the texts, and that what is shown exists."""

    def __init__(self):
        self.texts = []

    def row(self, align=False):
        return self

    def label(self, text, icon="NONE"):
        self.texts.append(text)

    def prop(self, data, name, **shown):
        assert hasattr(data, name)

    def prop_search(self, data, name, searched, names, **shown):
        assert hasattr(data, name)
        assert hasattr(searched, names)

    def operator(self, name, **shown):
        assert hasattr(bpy.ops.lgtsm, name.removeprefix("lgtsm."))
        return types.SimpleNamespace()

    def progress(self, factor, text):
        assert 0 <= factor <= 1
        self.texts.append(f"at {text}")


def panel():
    """Return the texts of the panel; a Python with Blender inside draws nothing."""
    layout = Layout()
    kind = sys.modules["bl_ext.user_default.lgtsm.panel"].Panel
    kind.draw(types.SimpleNamespace(layout=layout), bpy.context)
    return layout.texts


def error_of(call):
    """Return the sentence that an operator reports instead of working."""
    try:
        call()
    except RuntimeError as error:
        return str(error).removeprefix("Error: ").strip()
    return ""


def still_mask():
    """A picture as the mask."""
    clean = install()
    scene, _ = project()
    above = scene.sequence_editor.strips
    above.new_image("mask", str(FOLDER / "mask.png"), 2, FIRST + TRIM).frame_final_duration = LENGTH
    scene.lgtsm.mask = "mask"
    shown = run(clean)
    again = run(clean)
    done(clean, scene, shown=shown, again=again)


def moved_mask():
    """A film as the mask that begins where the strip begins, not where its film does."""
    clean = install()
    scene, _ = project()
    scene.sequence_editor.strips.new_movie("mask", str(FOLDER / "mask.mkv"), 2, FIRST + TRIM)
    scene.lgtsm.mask = "mask"
    run(clean)
    done(clean, scene)


def blender_mask():
    """A mask drawn in Blender: its left half."""
    clean = install()
    scene, _ = project()
    mask = bpy.data.masks.new("half")
    spline = mask.layers.new().splines.new()
    spline.points.add(3)
    corners = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))
    for point, corner in zip(spline.points, corners, strict=True):
        point.co = point.handle_left = point.handle_right = corner
        point.handle_type = "VECTOR"
    spline.use_cyclic = True
    scene.sequence_editor.strips.new_mask("mask", mask, 2, FIRST).frame_final_duration = 12
    scene.lgtsm.mask = "mask"
    run(clean)
    done(clean, scene)


def painted():
    """The object erased in a picture of the current frame."""
    clean = install()
    scene, _ = project()
    scene.frame_current = FIRST + 5
    bpy.ops.lgtsm.paint_frame()
    twice = error_of(bpy.ops.lgtsm.paint_frame)
    image = scene.lgtsm.painted[0].image
    width, height = image.size
    pixels = list(image.pixels)
    opaque = min(pixels[3::4])
    for y in range(height - 60, height - 32):  # from below, as Blender counts
        for x in range(40, 76):
            pixels[4 * (y * width + x) + 3] = 0.0
    image.pixels = pixels
    run(clean)
    assert f"Frame {scene.lgtsm.painted[0].frame}" in panel()
    done(
        clean,
        scene,
        frame=scene.lgtsm.painted[0].frame,
        opaque=opaque,
        twice=twice,
        size=[width, height],
    )


def cancelled():
    """A job that is stopped and goes on."""
    clean = install()
    scene, strip = project("long.mp4")
    strip.frame_final_duration = 150
    scene.sequence_editor.strips.new_image("mask", str(FOLDER / "mask.png"), 2, FIRST)
    scene.lgtsm.mask = "mask"
    run(clean, cancel_at=60)  # some blocks are stored, most frames are still to come
    first = clean.State.message
    names = list(strips(scene))
    run(clean)
    done(clean, scene, first=first, names=names)


def mistakes():
    """What cannot be done is told in a sentence."""
    clean = install()
    scene, strip = project()
    start = bpy.ops.lgtsm.clean_strip
    told = {"mask": error_of(start)}
    scene.sequence_editor.strips.new_image("mask", str(FOLDER / "mask.png"), 2, FIRST)
    scene.lgtsm.mask = "mask"
    preferences = bpy.context.preferences.addons["bl_ext.user_default.lgtsm"].preferences
    command, preferences.command = preferences.command, "no-such-program"
    told["program"] = error_of(start)
    preferences.command = command
    strip.use_reverse_frames = True
    told["reverse"] = error_of(start)
    strip.use_reverse_frames = False
    scene.frame_current = 1
    told["frame"] = error_of(bpy.ops.lgtsm.paint_frame)
    strip.filepath = str(FOLDER / "gone.mp4")
    told["film"] = error_of(start)
    strip.filepath = str(FOLDER / "film.mp4")
    scene.lgtsm.folder = str(FOLDER / "film.mp4")
    told["folder"] = error_of(start)
    (FOLDER / "broken.png").write_bytes(b"no picture")
    scene.sequence_editor.strips["mask"].elements[0].filename = "broken.png"
    scene.lgtsm.folder = "//lgtsm"
    run(clean)
    told["panel"] = panel()
    bpy.ops.preferences.addon_disable(module="bl_ext.user_default.lgtsm")
    told["left"] = hasattr(bpy.types.Scene, "lgtsm")
    print("RESULT " + json.dumps({"message": clean.State.message, "told": told}))


globals()[ACTION]()
