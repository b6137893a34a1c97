"""Texts of the page: both languages say the same things, and options what nodes and commands say."""

from __future__ import annotations

import json
import re
from pathlib import Path

import lgtsm.studio
from lgtsm.studio.form import form
from tests.studio.write_texts import option_texts

PAGE = Path(lgtsm.studio.__file__).with_name("page")


def _texts(language):
    return json.loads((PAGE / f"texts.{language}.json").read_text(encoding="utf-8"))


def test_both_languages_have_the_same_texts_with_the_same_places():
    en, zh = _texts("en"), _texts("zh")
    assert en.keys() == zh.keys() - {"stages"}
    for name, text in en.items():
        if name == "options":
            continue
        places = [sorted(re.findall(r"\{\w+\}", one)) for one in (text, zh[name])]
        assert places[0] == places[1], name


def test_every_text_that_the_page_asks_for_is_there():
    en, asked = _texts("en"), set()
    for path in PAGE.iterdir():
        if path.suffix in (".html", ".js"):
            source = path.read_text(encoding="utf-8")
            asked |= set(re.findall(r"data-(?:text|title|hint)=\"(\w+)\"", source))
            asked |= set(re.findall(r"\bt\(\"(\w+)\"", source))
            asked |= {
                one
                for pair in re.findall(r"\bt\([^\"`]+\? \"(\w+)\" : \"(\w+)\"", source)
                for one in pair
            }
    assert len(asked) > 60
    assert asked <= en.keys()


def test_every_option_is_told_in_chinese_as_in_the_nodes():
    options = _texts("zh")["options"]
    assert options.keys() == {one["name"] for one in form()}
    for name, texts in option_texts().items():
        assert options[name] == texts, f"{name}: run python -m tests.studio.write_texts"
    english = _texts("en")["options"]  # where the name alone says little
    for name, label in [*english.items(), *((name, one[0]) for name, one in options.items())]:
        assert name in options
        assert label.endswith(f"({name})")


def test_options_come_from_their_declarations():
    found = {one["name"]: one for one in form()}
    assert found["preset"]["choices"] == ["fast", "normal", "best"]
    assert found["grow"]["limits"] == [0.0, 256.0]
    assert found["lossless"]["kind"] == "switch"
    assert [one["name"] for one in form() if one["first"]] == ["preset", "grow"]
