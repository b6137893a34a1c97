"""What OpenCV offers, measured beside ours and never needed to run.

OpenCV is imported only when it is used.
"""

from __future__ import annotations

from importlib.util import find_spec
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

_RADIUS_PX = 3
_FEATURES = 1500
_RANSAC_PX = 2.0
"""Reprojection error up to which a match supports the motion."""
_RATIO = 0.8
"""Lowe 2004, section 7.1: the best match must be this much nearer than the second."""
_FEWEST = 12
"""Fewer supporting matches than this prove no motion."""


def has_opencv() -> bool:
    """Tell whether OpenCV is installed."""
    return find_spec("cv2") is not None


def use_one_thread() -> None:
    """Keep OpenCV from starting threads of its own in this process."""
    import cv2  # noqa: TID251  see the module's first line

    cv2.setNumThreads(1)


def telea(frames: Tensor, holes: Tensor) -> Tensor:
    """Fill holes by Telea 2004, frame by frame.

    Args:
        frames: (T,3,H,W) in [0,1].
        holes: (T,1,H,W), 1 = hole.

    Returns:
        (T,3,H,W) in [0,1], rounded to bytes as OpenCV works.
    """
    import cv2  # noqa: TID251

    return _inpaint(frames, holes, cv2.INPAINT_TELEA)


def navier_stokes(frames: Tensor, holes: Tensor) -> Tensor:
    """Fill holes by Bertalmio et al. 2001, frame by frame; arguments and result as `telea`."""
    import cv2  # noqa: TID251

    return _inpaint(frames, holes, cv2.INPAINT_NS)


def _inpaint(frames: Tensor, holes: Tensor, method: int) -> Tensor:
    import cv2  # noqa: TID251

    rows = []
    for frame, hole in zip(frames, holes, strict=True):
        picture = (frame.permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)
        mask = (hole[0].numpy() * 255).astype(np.uint8)
        rows.append(torch.from_numpy(cv2.inpaint(picture, mask, _RADIUS_PX, method)))
    return torch.stack(rows).permute(0, 3, 1, 2).float() / 255


def _grey(frames: Tensor) -> list[np.ndarray]:
    """Return bytes (H,W), BT.601."""
    weights = frames.new_tensor([0.299, 0.587, 0.114])[:, None, None]
    return list((255 * (frames * weights).sum(1)).round().byte().numpy())


def neighbour_homographies(frames: Tensor, holes: Tensor) -> list[Tensor | None]:
    """Estimate the plane motion of neighbouring frames from features of known pixels.

    SIFT (Lowe 2004) and RANSAC (Fischler and Bolles 1981).

    Args:
        frames: (T,3,H,W) in [0,1].
        holes: (T,1,H,W), 1 = hole.

    Returns:
        T - 1 matrices (3,3) in double precision that take pixel coordinates of frame t to frame
        t + 1; None where too few features agree.
    """
    import cv2  # noqa: TID251

    finder, matcher = cv2.SIFT_create(_FEATURES), cv2.BFMatcher(cv2.NORM_L2)
    found = []
    for grey, hole in zip(_grey(frames), holes, strict=True):
        found.append(finder.detectAndCompute(grey, (255 * (1 - hole[0])).byte().numpy()))
    result: list[Tensor | None] = []
    for (keys_a, words_a), (keys_b, words_b) in pairwise(found):
        matrix = None
        if words_a is not None and words_b is not None and min(len(keys_a), len(keys_b)) > _FEWEST:
            matches = matcher.knnMatch(words_a, words_b, 2)
            good = [m[0] for m in matches if len(m) == 2 and m[0].distance < _RATIO * m[1].distance]
            if len(good) >= _FEWEST:
                a = np.float32([keys_a[m.queryIdx].pt for m in good])
                b = np.float32([keys_b[m.trainIdx].pt for m in good])
                matrix, support = cv2.findHomography(a, b, cv2.RANSAC, _RANSAC_PX)
                if support is not None and int(support.sum()) < _FEWEST:
                    matrix = None
        result.append(None if matrix is None else torch.from_numpy(matrix))
    return result
