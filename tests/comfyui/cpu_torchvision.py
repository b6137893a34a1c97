"""Declare two operators of torchvision before it is imported beside a torch without CUDA.

Its wheels are linked against CUDA, so that their extension does not load there; all else works.
`setup.sh` puts this file into the servers' environment.
"""

import importlib.abc
import sys


class _Finder(importlib.abc.MetaPathFinder):
    library = None

    def find_spec(self, name, path=None, target=None):
        if name == "torchvision" and _Finder.library is None:
            import torch

            _Finder.library = torch.library.Library("torchvision", "FRAGMENT")
            for op in ("nms", "qnms"):
                _Finder.library.define(
                    op + "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
                )


sys.meta_path.insert(0, _Finder())
