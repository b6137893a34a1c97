"""Draw the pack's icon and the workflows' thumbnails: python docs/make_thumbnails.py.

Everything in them is the rendered demo scene and what this package makes of it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor
from torch.nn.functional import interpolate

import lgtsm
from lgtsm.mask_options import MaskOptions
from lgtsm.masks.draw.free_form import free_form_masks
from lgtsm.masks.overlay import Paint, overlay
from lgtsm.masks.prepare import prepare
from lgtsm.options import InpaintOptions
from lgtsm.scene.camera import Camera, SceneOptions
from lgtsm.scene.render import render_scene

ROOT = Path(__file__).resolve().parents[1]
SIZE = (270, 480)
FRAMES = 24
EARLIER, SHOWN, LATER = 4, 11, 18
ICON_PX = 256


def main() -> None:
    """Write workflows/*.jpg and docs/icon.png."""
    scene = render_scene(SceneOptions(num_frames=FRAMES, height=SIZE[0], width=SIZE[1]))
    holes = _grown(scene.mask)
    after = _fill(scene.frames, holes)
    veil = overlay(scene.frames, scene.mask)
    logo = torch.zeros(1, 1, *SIZE)
    logo[..., 20:50, 30:90] = 1
    logo[..., 20:50, 300:360] = 1
    marked = overlay(scene.truth, logo, Paint.WHITE)
    strokes = free_form_masks(FRAMES, *SIZE, preset="object_like_small", seed=0, num_strokes=5)
    box = torch.zeros(1, 1, *SIZE)
    box[..., 140:230, 190:290] = 1
    plate = lgtsm.clean_plate(zip(scene.frames, holes, strict=True), frame=SHOWN)
    panned = render_scene(
        SceneOptions(camera=Camera.PLANAR, num_frames=FRAMES, height=SIZE[0], width=SIZE[1])
    )
    painted = lgtsm.inpaint(
        panned.frames,
        _grown(panned.mask),
        options=InpaintOptions(cuts=()),
        plates=[lgtsm.Plate(panned.truth[SHOWN], SHOWN)],
    )
    square = torch.zeros(1, 1, *SIZE)
    square[..., 90:180, 190:290] = 1
    keys = lgtsm.key_frames(scene.truth, square, InpaintOptions(cuts=()))
    invented = _fill(scene.truth, square)
    track = lgtsm.track_mask(
        scene.frames, [lgtsm.Prompt(frame=SHOWN, mask=scene.mask[SHOWN])], cuts=()
    )
    tracked = overlay(scene.frames, track.masks)
    checked = overlay(keys.frames, keys.masks, Paint.CHECKER)
    unsure = scene.mask * box
    pictures = {
        "lgtsm_01_first_run_no_file_needed": _split(scene.frames[SHOWN], after[SHOWN]),
        "lgtsm_02_paint_one_frame_track_remove": _panels(veil[SHOWN], tracked[LATER], after[LATER]),
        "lgtsm_03_remove_object_with_mask_video": _split(veil[SHOWN], after[SHOWN]),
        "lgtsm_04_remove_logo_or_watermark": _split(
            marked[SHOWN], _fill(marked, _grown(logo))[SHOWN]
        ),
        "lgtsm_05_long_clip_streamed": _strip(scene.frames, after),
        "lgtsm_06_painted_frame_moving_camera": _panels(
            panned.truth[SHOWN], panned.frames[EARLIER], painted[EARLIER]
        ),
        "lgtsm_07_locked_off_clean_plate": _panels(
            plate.picture, scene.frames[EARLIER], scene.frames[LATER]
        ),
        "lgtsm_08_key_frames_built_in": _split(
            overlay(keys.frames, keys.masks)[0], invented[SHOWN]
        ),
        "lgtsm_09_key_frames_by_an_image_model": _panels(
            checked[0], keys.frames[0], keys.masks[0].expand(3, -1, -1)
        ),
        "lgtsm_10_name_the_object_sam3": _named(_split(veil[SHOWN], after[SHOWN]), "white bus"),
        "lgtsm_11_hand_over_to_another_model": _panels(
            overlay(after, unsure, Paint.CHECKER)[SHOWN],
            scene.frames[SHOWN],
            unsure[SHOWN].expand(3, -1, -1),
        ),
        "lgtsm_12_self_test_drawn_masks": _split(
            overlay(scene.truth, strokes, Paint.CHECKER)[SHOWN], _fill(scene.truth, strokes)[SHOWN]
        ),
    }
    for name, picture in pictures.items():
        _save(picture, ROOT / "workflows" / f"{name}.jpg")
    middle = _split(veil[SHOWN], after[SHOWN])[:, 20:260, 110:350]
    icon = interpolate(middle[None], size=(ICON_PX, ICON_PX), mode="bilinear", antialias=True)[0]
    _save(icon, ROOT / "docs" / "icon.png")


def _grown(masks: Tensor) -> Tensor:
    return torch.stack(list(prepare(masks, MaskOptions(grow=4))))


def _fill(frames: Tensor, holes: Tensor) -> Tensor:
    return lgtsm.inpaint(frames, holes, options=InpaintOptions(cuts=()))


def _split(left: Tensor, right: Tensor) -> Tensor:
    """Put the left half of one picture beside the right half of another, a white line between."""
    middle = left.shape[2] // 2
    both = torch.cat([left[:, :, :middle], right[:, :, middle:]], 2)
    both[:, :, middle - 1 : middle + 1] = 1
    return both


def _panels(large: Tensor, upper: Tensor, lower: Tensor) -> Tensor:
    """Put the middle of one picture on the left, those of two others, half as large, on the right."""
    height, width = SIZE
    third = width // 3
    left = large[:, :, third // 2 : third // 2 + 2 * third].clone()
    small = interpolate(torch.stack([upper, lower]), scale_factor=0.5, mode="area")
    small = small[..., third // 4 : third // 4 + third].clone()
    left[:, :, -2:] = 1
    small[0, :, -2:] = 1
    return torch.cat([left, small.permute(1, 0, 2, 3).reshape(3, height, third)], 2)


def _named(picture: Tensor, name: str) -> Tensor:
    """Write a name over a picture, in a box as of an input."""
    image = _image(picture)
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((16, 16, 196, 58), 8, fill="white")
    draw.text((30, 20), name, fill="black", font_size=28)
    return torch.from_numpy(np.array(image)).permute(2, 0, 1) / 255


def _strip(before: Tensor, after: Tensor) -> Tensor:
    """Put three frames of each clip into two rows."""
    shown = torch.tensor([EARLIER, SHOWN, LATER])
    small = (SIZE[0] // 2, SIZE[1] // 3)
    rows = [
        torch.cat(list(interpolate(clip[shown], size=small, mode="area")), 2)
        for clip in (before, after)
    ]
    return torch.cat(rows, 1)


def _save(picture: Tensor, path: Path) -> None:
    _image(picture).save(path, quality=85)


def _image(picture: Tensor) -> Image.Image:
    pixels = picture.clamp(0, 1).mul(255).round().byte().permute(1, 2, 0).contiguous()
    return Image.fromarray(pixels.numpy())


if __name__ == "__main__":
    main()
