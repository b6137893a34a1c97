"""The engine on a device that is only pretended: no operation may mix its tensors with a CPU's.

A tensor on the pretended device is a CPU tensor in a wrapper that says "meta", the one device name
that every build of torch knows; operations unwrap, compute and wrap again, and refuse operands from
both sides as a real device would.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

from lgtsm.engine import run as run_module
from lgtsm.fills.averaging import local_mean
from lgtsm.models.spec import FAMILIES
from lgtsm.options import Mode, RunOptions
from lgtsm.report import Report

DEVICE = torch.device("meta")

_ATEN = torch.ops.aten
_ACROSS = {_ATEN.copy_.default, _ATEN._to_copy.default}


class _Elsewhere(torch.Tensor):
    """A tensor on the pretended device; `held` is its CPU counterpart."""

    @staticmethod
    def __new__(cls, held):
        return torch.Tensor._make_wrapper_subclass(
            cls,
            held.shape,
            strides=held.stride(),
            storage_offset=held.storage_offset(),
            dtype=held.dtype,
            device=DEVICE,
        )

    def __init__(self, held):
        self.held = held

    def __getitem__(self, key):
        # torch would make the index itself, on the device and past the mode
        return super().__getitem__(torch.tensor(key).to(DEVICE) if isinstance(key, list) else key)

    @classmethod
    def __torch_dispatch__(cls, function, types, args=(), kwargs=None):
        return _compute(function, args, kwargs or {})


def _compute(function, args, kwargs):
    given = [x for x in tree_flatten((args, kwargs))[0] if isinstance(x, torch.Tensor)]
    assert not any(x.is_meta for x in given if not isinstance(x, _Elsewhere)), function
    there = [isinstance(x, _Elsewhere) for x in given]
    if function is _ATEN._has_compatible_shallow_copy_type.default:
        return False  # a module that is moved makes new parameters
    devices = [x for x in tree_flatten((args, kwargs))[0] if isinstance(x, torch.device)]
    if function not in _ACROSS and not devices and function is not _ATEN.to.other:
        # as on a real device, a scalar from the CPU may be an operand
        sizes = [x.dim() for x, t in zip(given, there, strict=True) if not t]
        indexed = function in (
            _ATEN.index.Tensor,
            _ATEN.index_put_.default,
            _ATEN._index_put_impl_.default,
        )
        if any(there) and not indexed and any(sizes):
            raise RuntimeError(f"{function} got tensors of both devices")
    if devices:
        away = devices[0] == DEVICE
    elif function is _ATEN.to.other:
        away = there[1]
    elif function is _ATEN.copy_.default:
        away = isinstance(args[0], _Elsewhere)
    else:
        away = any(there)

    def unwrap(x):
        if isinstance(x, torch.device):
            return torch.device("cpu")
        return x.held if isinstance(x, _Elsewhere) else x

    result = function(*tree_map(unwrap, args), **tree_map(unwrap, kwargs))
    held = {id(x.held): x for x in given if isinstance(x, _Elsewhere)}

    def wrap(x):
        if not isinstance(x, torch.Tensor) or not away:
            return x
        assert x.dtype is not torch.float64, f"{function}: not every device knows float64"
        return held[id(x)] if id(x) in held else _Elsewhere(x)  # in place: the very tensor

    return tree_map(wrap, result)


class _Pretend(TorchDispatchMode):
    """Have tensors made for the device pretended too."""

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        return _compute(function, args, kwargs or {})


@pytest.fixture
def pretend(monkeypatch):
    """Return the mode; tensors made of numbers do not pass by it, so they are made here and moved."""
    tensor = torch.tensor

    def make(data, *, dtype=None, device="cpu"):
        return tensor(data, dtype=dtype).to(device)

    def make_like(like, data):
        return tensor(data, dtype=like.dtype).to(like.device)

    monkeypatch.setattr(torch, "tensor", make)
    monkeypatch.setattr(torch.Tensor, "new_tensor", make_like)
    return _Pretend


@pytest.fixture
def on_device(pretend, run_job, monkeypatch):
    """Run a job as `run_job` does, on the pretended device."""
    choose = run_module.choose_policy

    def job(*args, **kwargs):
        monkeypatch.setattr(
            run_module, "choose_policy", lambda *a: replace(choose(*a), device=DEVICE)
        )
        with pretend():
            result = run_job(*args, **kwargs)
        monkeypatch.setattr(run_module, "choose_policy", choose)
        return result

    return job


def test_the_pretended_device_refuses_mixed_operands(pretend):
    with pretend():
        there, here = torch.ones(3, device=DEVICE), torch.ones(3)
        assert there.device == DEVICE
        assert (there + there).cpu().tolist() == [2, 2, 2]
        assert float((there * 2).sum()) == 6
        with pytest.raises(RuntimeError, match="both devices"):
            there + here


@pytest.mark.slow
@pytest.mark.parametrize("family", ["refine", "lgtsm", "gated3d", "combcn", "copies", "reduced"])
def test_no_operation_of_a_job_mixes_devices(
    family, strong_network, whole_options, run_job, on_device, noise_clip
):
    network = strong_network(family if family in FAMILIES else "refine")
    frames, holes = noise_clip(6, (72, 96) if family == "reduced" else (32, 48))
    # the alignment of plain noise amplifies rounding; it is finer where the clip is reduced
    frames = local_mean(frames, 4 if family == "reduced" else 2)
    mode = Mode.COPY if family == "copies" else Mode.COPY_FILL
    run = RunOptions(device="cpu", chunk=4, max_side=64)
    changes = {"mode": mode, "run": run, "source_frames": 2, "reach": 2}
    options = whole_options(network, **changes)
    wanted = run_job(network, frames, holes, options)
    report = Report()
    found = on_device(network, frames, holes, options, report=report)
    assert report.device == str(DEVICE)
    assert report.working_size[0] <= 64
    assert (found - wanted).abs().max() < 1e-4
