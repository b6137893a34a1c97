"""`lgtsm convert` and `lgtsm inpaint` with neighbour networks, on the rendered scene."""

from __future__ import annotations

from dataclasses import replace

import av
import pytest
import torch

from lgtsm.models.neighbour_spec import DfpnSpec, GuidedSpec
from lgtsm.models.spec import PAINTERS, ChnSpec
from tests.models.neighbours.published_state import published_state

GUIDED = GuidedSpec(num_blocks=1, num_cross=1, side=2, fourier=False)
CHN = replace(PAINTERS["chn"], trunk=ChnSpec(num_blocks=1))
DFPN = DfpnSpec(width=4, side=64)
CASES = {
    "dfpn": (DFPN, "DFPN, for --aligner-model", ("--motion", "dfpn", "--aligner-model")),
    "chn": (CHN, "CHN, 1 blocks, one aligned reference", ("--motion", "planar", "--model")),
    "guided": (
        GUIDED,
        "guided inpainting, for --carrier-model, or the carrier input of the nodes, num blocks 1",
        ("--carry", "guided", "--carrier-model"),
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_a_published_file_fills_the_rendered_scene(name, lgtsm, tmp_path):
    from lgtsm.scene.camera import SceneOptions
    from lgtsm.scene.render import render_scene

    spec, said, flags = CASES[name]
    torch.save({"state_dict": published_state(spec), "epoch": 3}, tmp_path / "old.ckpt")
    new, film, mask = (tmp_path / f for f in ("new.safetensors", "film.mkv", "mask.mkv"))
    code, stdout, stderr = lgtsm("convert", tmp_path / "old.ckpt", new)
    assert (code, stderr) == (0, "")
    assert said in stdout
    assert "epoch 3, zip file, no other networks; licence MIT" in stdout

    scene = render_scene(SceneOptions(num_frames=3, height=54, width=96))
    for path, pictures in ((film, scene.frames), (mask, scene.mask.expand(-1, 3, -1, -1))):
        with av.open(str(path), "w") as out:
            stream = out.add_stream("ffv1", rate=24)
            stream.height, stream.width, stream.pix_fmt = 54, 96, "bgr0"
            for picture in (pictures * 255).round().byte().permute(0, 2, 3, 1).numpy():
                out.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
            out.mux(stream.encode())
    mode = () if name == "chn" else ("--mode", "copy")
    result = tmp_path / "result.mkv"
    command = ("inpaint", film, "--mask", mask, "-o", result, "--lossless", "--device", "cpu")
    command += ("--source-frames", 1)
    code, _, stderr = lgtsm(*command, *mode, *flags, new)
    assert code == 0, stderr
    with av.open(str(result)) as file:
        found = [torch.from_numpy(f.to_ndarray(format="rgb24")) for f in file.decode(video=0)]
    given = (scene.frames * 255).round().byte().permute(0, 2, 3, 1)
    hole = scene.mask.permute(0, 2, 3, 1) > 0
    assert len(found) == 3
    assert not torch.equal(torch.stack(found), given)
    grown = torch.nn.functional.max_pool2d(hole.permute(0, 3, 1, 2).float(), 11, 1, 5)
    outside = grown.permute(0, 2, 3, 1) == 0
    assert torch.equal(torch.stack(found) * outside, given * outside)


@pytest.mark.slow
def test_a_card_says_where_a_network_is_given(lgtsm, tmp_path):
    torch.save({"state_dict": published_state(GUIDED)}, tmp_path / "old.ckpt")
    assert lgtsm("convert", tmp_path / "old.ckpt", tmp_path / "new.safetensors")[0] == 0
    code, stdout, _ = lgtsm("models", tmp_path / "new.safetensors")
    assert code == 0
    assert "carrier" in stdout
    assert "--carrier-model" in stdout
