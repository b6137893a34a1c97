from dataclasses import replace

import pytest
import torch

from lgtsm.evaluate.bench.published import PublishedForm
from lgtsm.models.build import build
from lgtsm.models.spec import FAMILIES, ShiftKind, ShiftSpec


def noisy_trunk(family, rng, **changes):
    spec = FAMILIES[family]
    trunk = build(replace(spec, trunk=replace(spec.trunk, width=8, **changes))).trunk.eval()
    with torch.no_grad():
        for parameter in trunk.parameters():
            parameter.normal_(0, 0.1 if parameter.dim() > 1 else 0.3, generator=rng)
    return trunk


def check(trunk, rng):
    x = torch.randn(2, 5, trunk.spec.inputs, 24, 32, generator=rng)
    with torch.inference_mode():
        expected = trunk(x)
        torch.testing.assert_close(
            PublishedForm(trunk)(x) / expected.abs().max(),
            expected / expected.abs().max(),
            rtol=0,
            atol=1e-5,
        )


@pytest.mark.parametrize("family", list(FAMILIES))
def test_published_form_agrees_with_the_trunk(family, rng):
    check(noisy_trunk(family, rng), rng)


@pytest.mark.parametrize(
    "shift",
    [ShiftSpec(width=5, groups=4, first_layer=False), ShiftSpec(kind=ShiftKind.NONE)],
)
def test_published_form_agrees_for_other_shifts(shift, rng):
    check(noisy_trunk("lgtsm", rng, shift=shift), rng)
