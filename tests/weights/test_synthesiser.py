"""Synthesisers from a hub: a real client and a real server on loopback."""

import hashlib

import pytest

from lgtsm.errors import WeightsError

pytest.importorskip("onnxruntime", reason="needs the extra onnx")

from tests.synthesis.onnx_files import save_model
from tests.weights.conftest import COMMIT


@pytest.mark.slow
def test_a_synthesiser_comes_from_the_hub_by_its_files_name(
    hub, client, make_repo, one_sentence, tmp_path
):
    path = save_model(tmp_path / "made.onnx")
    files = {
        "x/mean.onnx": path.read_bytes(),
        "model.safetensors": bytes(64),
        "bad.onnx": b"\x80\x04",
    }
    hub.repos["a/b"] = make_repo(files)
    code = (
        "import json, sys, torch\n"
        "from lgtsm.errors import WeightsError\n"
        "from lgtsm.options import InpaintOptions\n"
        "from lgtsm.weights.synthesiser import load_synthesiser, synthesiser_digest\n"
        "for text in sys.argv[1:]:\n"
        "    options = InpaintOptions(synthesiser=text)\n"
        "    try:\n"
        "        loaded = load_synthesiser(options, torch.device('cpu'), 1)\n"
        "        assert loaded.sha256 == synthesiser_digest(options)\n"
        "        answer = loaded.name, loaded.sha256\n"
        "    except WeightsError as error: answer = '', str(error)\n"
        "    print(json.dumps(answer))\n"
    )
    named = ("a/b:x/mean.onnx", f"a/b@{COMMIT}:x/mean.onnx", "a/b:no.onnx", "a/b", "a/b:bad.onnx")
    *found, missing, alone, bad = client(*named, code=code)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert found == [["a/b:x/mean.onnx", digest], [f"a/b@{COMMIT}:x/mean.onnx", digest]]
    assert "a/b:file.onnx" in missing[1]
    assert "ONNX file" in alone[1]
    assert "whole ONNX file" in bad[1]
    for _, message in (missing, alone, bad):
        one_sentence(WeightsError(message))
    gets = [path for method, path, _ in hub.log if method == "GET" and path.endswith("mean.onnx")]
    assert gets == ["/a/b/x/mean.onnx"]
