"""Write the Chinese texts of options into those of the studio: python -m tests.studio.write_texts."""

from __future__ import annotations

import json
from pathlib import Path

from lgtsm.studio.form import form

ROOT = Path(__file__).resolve().parents[2]
ZH = ROOT / "lgtsm" / "studio" / "page" / "texts.zh.json"
_NODES = ("LGTSMInpaintVideo", "LGTSMInpaint", "MaskVideo", "LoadLGTSM")
_OWN = ("lossless", "device", "motion")
"""Options of which the nodes say what holds in ComfyUI alone."""


def option_texts() -> dict[str, list[str]]:
    """Return label and help of the options that the nodes have, too, by name."""
    path = ROOT / "locales" / "zh" / "nodeDefs.json"
    nodes = json.loads(path.read_text(encoding="utf-8"))
    found: dict[str, list[str]] = {}
    for node in _NODES:
        for name, texts in nodes[node]["inputs"].items():
            found.setdefault(name, [texts["name"], texts["tooltip"]])
    return {one["name"]: found[one["name"]] for one in form() if one["name"] in found.keys() - _OWN}


def main() -> None:
    """Write the file."""
    texts = json.loads(ZH.read_text(encoding="utf-8"))
    texts["options"] |= option_texts()
    ZH.write_text(json.dumps(texts, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
