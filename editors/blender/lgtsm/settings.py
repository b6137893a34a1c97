"""What the user sets for a scene: where the mask comes from, options, and the folder of results."""

import bpy


class PaintedFrame(bpy.types.PropertyGroup):
    """A picture of one frame in which the object is painted.

    strip: name of the strip that the frame belongs to.
    frame: of its film, counted from 0.
    """

    image: bpy.props.PointerProperty(name="Picture", type=bpy.types.Image)
    strip: bpy.props.StringProperty()
    frame: bpy.props.IntProperty(name="Frame of the film", min=0)


class Settings(bpy.types.PropertyGroup):
    """Settings of a scene."""

    hole: bpy.props.EnumProperty(
        name="Mask",
        items=(
            ("STRIP", "Mask strip", "White is removed: a film, a picture, or a mask of Blender"),
            (
                "PAINTED",
                "Painted frames",
                "The object is painted in a frame and tracked from there",
            ),
        ),
    )
    mask: bpy.props.StringProperty(
        name="Mask strip", description="Strip that is white on the object"
    )
    painted: bpy.props.CollectionProperty(type=PaintedFrame)
    grow: bpy.props.IntProperty(
        name="Grow", description="Pixels that the mask is enlarged by", default=4, min=0, max=256
    )
    preset: bpy.props.EnumProperty(
        name="Preset",
        items=(
            ("fast", "Fast", "Least time"),
            ("normal", "Normal", "As lgtsm does by itself"),
            ("best", "Best", "Most time"),
        ),
        default="normal",
    )
    lossless: bpy.props.BoolProperty(
        name="Lossless", description="Write FFV1: exact outside the mask, in large files"
    )
    folder: bpy.props.StringProperty(
        name="Folder",
        description="Folder of the clean films, which must not hold the sources",
        default="//lgtsm",
        subtype="DIR_PATH",
        options={"PATH_SUPPORTS_BLEND_RELATIVE"},
    )


CLASSES = (PaintedFrame, Settings)


def attach():
    """Give every scene its settings."""
    bpy.types.Scene.lgtsm = bpy.props.PointerProperty(type=Settings)


def detach():
    """Remove the settings."""
    del bpy.types.Scene.lgtsm
