"""Panel of the Video Sequencer that removes an object from a strip, by an installed `lgtsm`."""

import bpy

from . import clean, painted, panel, preferences, settings

_MODULES = (preferences, settings, painted, clean, panel)


def register():
    """Add the panel, its operators and settings to Blender."""
    for module in _MODULES:
        for kind in module.CLASSES:
            bpy.utils.register_class(kind)
    settings.attach()


def unregister():
    """Stop what runs, and remove everything again."""
    clean.stop()
    settings.detach()
    for module in reversed(_MODULES):
        for kind in reversed(module.CLASSES):
            bpy.utils.unregister_class(kind)
