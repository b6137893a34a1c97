"""Write locales/en from the schemas: python -m tests.nodes.write_locale."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from tests.nodes.host import ROOT, listed_nodes


def texts(node: type) -> dict:
    """Return the English texts of a node in the form of nodeDefs.json."""
    schema = node.define_schema()
    return {
        "display_name": schema.display_name,
        "description": schema.description,
        "inputs": {i.id: {"name": i.id, "tooltip": i.tooltip} for i in schema.inputs},
        "outputs": {
            str(number): {"name": output.display_name or output.id, "tooltip": output.tooltip}
            for number, output in enumerate(schema.outputs)
        },
    }


def main() -> None:
    """Write the file."""
    with tempfile.TemporaryDirectory() as models, listed_nodes(Path(models)) as nodes:
        found = {node.define_schema().node_id: texts(node) for node in nodes}
    path = ROOT / "locales" / "en" / "nodeDefs.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
