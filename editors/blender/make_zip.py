"""Makes the zip file of the Blender add-on: python editors/blender/make_zip.py [-o FILE]."""

import argparse
import re
import zipfile
from pathlib import Path

ADD_ON = Path(__file__).parent / "lgtsm"
SUFFIXES = (".py", ".toml")


def version() -> str:
    """Return the version of the add-on."""
    text = (ADD_ON / "blender_manifest.toml").read_text(encoding="utf-8")
    match = re.search(r'^version = "(.+)"$', text, re.MULTILINE)
    assert match is not None
    return match[1]


def make_zip(target: Path) -> None:
    """Write the add-on as Blender installs it; the same sources give the same bytes.

    Args:
        target: file to write.
    """
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(ADD_ON.iterdir()):
            if path.suffix in SUFFIXES:
                entry = zipfile.ZipInfo(path.name)  # without the time of the file
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = 0o644 << 16
                archive.writestr(entry, path.read_bytes())


def main() -> None:
    """Read the arguments, write the file and name it."""
    name = Path(f"lgtsm-blender-{version()}.zip")
    parser = argparse.ArgumentParser(description="Make the zip file of the Blender add-on.")
    parser.add_argument("-o", "--output", type=Path, default=name, metavar="FILE", help=f"[{name}]")
    target = parser.parse_args().output
    make_zip(target)
    print(target)


if __name__ == "__main__":
    main()
