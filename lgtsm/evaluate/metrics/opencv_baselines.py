"""Baselines from OpenCV, for comparison only; imported on use, since OpenCV is optional."""

from __future__ import annotations

from importlib.util import find_spec
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

_RADIUS_PX = 3
"""Neighbourhood of OpenCV's inpainting, the value of its documentation."""
_FEATURES = 1500
"""SIFT keypoints per frame at most; set by hand, not swept."""
_RANSAC_PX = 2.0
"""Reprojection error up to which a match is an inlier; set by hand, not swept."""
_RATIO = 0.8
"""Lowe 2004, section 7.1: largest ratio of the best match's distance to the second best's."""
_FEWEST = 12
"""Least number of inliers of a homography; set by hand, not swept."""


def has_opencv() -> bool:
    """Whether OpenCV is installed."""
    return find_spec("cv2") is not None


def use_one_thread() -> None:
    """Keep OpenCV from starting its own threads in this process."""
    import cv2  # noqa: TID251  an optional baseline, see the module

    cv2.setNumThreads(1)


def telea(frames: Tensor, holes: Tensor) -> Tensor:
    """Fill holes by Telea 2004, frame by frame.

    Args:
        frames: (T,3,H,W) in [0,1].
        holes: (T,1,H,W), 1 = hole.

    Returns:
        (T,3,H,W) in [0,1], rounded to bytes, on which OpenCV works.
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
    """Estimate the homographies between neighbouring frames from keypoints on known pixels.

    SIFT (Lowe 2004) and RANSAC (Fischler and Bolles 1981).

    Args:
        frames: (T,3,H,W) in [0,1].
        holes: (T,1,H,W), 1 = hole.

    Returns:
        T - 1 matrices (3,3) in double precision that map pixel coordinates of frame t to frame
        t + 1; None where there are too few inliers.
    """
    import cv2  # noqa: TID251

    finder, matcher = cv2.SIFT.create(_FEATURES), cv2.BFMatcher(cv2.NORM_L2)
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
                a = np.array([keys_a[m.queryIdx].pt for m in good], np.float32)
                b = np.array([keys_b[m.trainIdx].pt for m in good], np.float32)
                matrix, support = cv2.findHomography(a, b, cv2.RANSAC, _RANSAC_PX)
                if support is not None and int(support.sum()) < _FEWEST:
                    matrix = None
        result.append(None if matrix is None else torch.from_numpy(matrix))
    return result
