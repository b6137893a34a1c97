"""Where the installed `lgtsm` is; nothing is installed into Blender."""

import shutil

import bpy

from .problem import Problem


class Preferences(bpy.types.AddonPreferences):
    """Preferences of the add-on."""

    bl_idname = __package__

    command: bpy.props.StringProperty(
        name="lgtsm",
        description="The installed program, as `pip install lgtsm` made it; a name alone is looked for on PATH",
        default="lgtsm",
        subtype="FILE_PATH",
        options={"PATH_SUPPORTS_BLEND_RELATIVE"},
    )

    def draw(self, context):
        """Draw the path of the program."""
        self.layout.prop(self, "command")


def program(context):
    """Return the path of the installed program.

    Raises:
        Problem: there is none.
    """
    given = context.preferences.addons[__package__].preferences.command
    found = shutil.which(bpy.path.abspath(given)) or shutil.which(given)
    if found is None:
        raise Problem(
            f"Expected the installed program lgtsm, found none as {given}; set its path in the preferences "
            "of the add-on."
        )
    return found


CLASSES = (Preferences,)
