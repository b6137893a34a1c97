"""The panel in the sidebar of the Video Sequencer."""

import textwrap

import bpy

from .clean import State
from .film import active_strip, sequencer_scene

_WIDTH = 44
"""Characters of a line of the sidebar, about."""


class Panel(bpy.types.Panel):
    """Chooses the mask, starts the job, shows how far it is."""

    bl_idname = "LGTSM_PT_clean"
    bl_label = "Remove an Object"
    bl_category = "LGTSM"
    bl_space_type = "SEQUENCE_EDITOR"
    bl_region_type = "UI"

    def draw(self, context):
        """Draw the panel."""
        layout, scene, strip = self.layout, sequencer_scene(context), active_strip(context)
        if strip is None or strip.type != "MOVIE":
            layout.label(text="Select a movie strip")
        else:
            layout.label(text=strip.name, icon="SEQUENCE")
            _draw_mask(layout, scene, strip)
            for name in ("grow", "preset", "lossless", "folder"):
                layout.prop(scene.lgtsm, name)
        _draw_job(layout)


def _draw_mask(layout, scene, strip):
    settings = scene.lgtsm
    layout.row().prop(settings, "hole", expand=True)
    if settings.hole == "STRIP":
        layout.prop_search(settings, "mask", scene.sequence_editor, "strips_all", text="")
        return
    for index, one in enumerate(settings.painted):
        if one.strip == strip.name:
            row = layout.row(align=True)
            row.label(text=f"Frame {one.frame}")
            row.prop(one, "image", text="")
            row.operator("lgtsm.forget_frame", text="", icon="X").index = index
    layout.operator("lgtsm.paint_frame", icon="BRUSH_DATA")
    layout.label(text="Erase the object: brush with Blend Erase Alpha")


def _draw_job(layout):
    if State.job is None:
        layout.operator("lgtsm.clean_strip", icon="PLAY")
        for line in textwrap.wrap(State.message, _WIDTH):
            layout.label(text=line)
        return
    process = State.job.process
    share = process.done / process.total if process.total else 0.0
    layout.progress(factor=share, text=process.note)
    layout.operator("lgtsm.cancel", icon="CANCEL")


CLASSES = (Panel,)
