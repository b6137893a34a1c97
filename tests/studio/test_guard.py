"""Who may ask, for what, and how much."""

from __future__ import annotations

import http.client
import io
import json
import os

import pytest
from PIL import Image

from lgtsm.errors import OptionError
from lgtsm.studio.call import StudioOptions
from lgtsm.studio.places import NotAllowedError, Places
from tests.studio.serving import TOKEN, serve

SECRET = b"nobody may read this"


@pytest.fixture
def outside(film):
    """Return a film and a text beside the folder that is allowed."""
    secret = film.parent.parent / "secret.txt"
    secret.write_bytes(SECRET)
    (film.parent.parent / "other.mp4").write_bytes(film.read_bytes())
    return secret


def test_without_the_token_nothing_is_answered(studio):
    for token in (None, "", "wrong", TOKEN + "x"):
        for method, path in (("GET", "/"), ("GET", "/api/start"), ("POST", "/api/open")):
            status, answer = studio.ask(method, path, {}, token=token)
            assert status == 401
            assert b"token" in answer


def test_the_token_of_the_address_becomes_a_cookie_that_scripts_cannot_read(studio):
    connection = http.client.HTTPConnection("127.0.0.1", studio.port)
    connection.request("GET", studio.address.removeprefix(studio.url))
    answer = connection.getresponse()
    cookie = answer.headers["Set-Cookie"].lower()
    connection.close()
    assert answer.status == 303
    assert answer.headers["Location"] == "/"
    assert "httponly" in cookie
    assert "samesite=lax" in cookie


def test_requests_of_other_pages_are_refused(studio, film):
    asked = {"path": str(film)}
    other = {"Origin": "http://evil.example"}
    assert studio.ask("POST", "/api/open", asked, headers=other)[0] == 403
    own = {"Origin": studio.url}
    assert studio.ask("POST", "/api/open", asked, headers=own)[0] == 200


@pytest.mark.parametrize(
    "given",
    [
        "../other.mp4",
        "../secret.txt",
        "/etc/passwd",
        "..",
        "link.mp4",
        "folder/../../other.mp4",
        "shot.mp4\0.mp4",
        "no_such.mp4",
        "http://example.com/film.mp4",
    ],
)
def test_no_path_leads_out_of_the_folders(studio, film, outside, given):
    (film.parent / "folder").mkdir()
    (film.parent / "link.mp4").symlink_to(outside.with_name("other.mp4"))
    status, answer = studio.ask("POST", "/api/open", {"path": given})
    assert status == 403
    assert json.loads(answer)["error"].startswith("Expected a file in ")
    quoted = given.replace("\0", "%00").replace("/", "%2F")
    assert studio.ask("GET", f"/api/list?folder={quoted}")[0] == 403


def test_no_address_leads_to_a_file_of_the_server(studio, film, outside):
    opened = studio.open(film)
    escapes = [
        "../secret.txt",
        "..%2F..%2Fsecret.txt",
        "....//secret.txt",
        "%2e%2e/%2e%2e/secret.txt",
    ]
    escapes += ["/etc/passwd", "%2Fetc%2Fpasswd", "app.py", "__init__.py"]
    for before in ("/page/", f"{opened}/result/", f"{opened}/picture/before/", "/"):
        for escape in escapes:
            status, answer = studio.ask("GET", before + escape)
            assert status >= 400, before + escape
            assert SECRET not in answer
            assert b"root:" not in answer


def test_a_project_cannot_name_files_elsewhere(studio, film, outside):
    for values in (
        {"source": "../other.mp4", "mask": "shot.mp4"},
        {"source": "shot.mp4", "mask": "../other.mp4"},
        {"source": "shot.mp4", "track": ["../secret.txt@0"]},
        {"source": "shot.mp4", "mask": "shot.mp4", "plate": [".."]},
    ):
        project = film.parent / "evil.lgtsm.json"
        project.write_text(json.dumps(values), encoding="utf-8")
        status, answer = studio.ask("POST", "/api/open", {"path": str(project)})
        assert status == 403, answer
        assert not (film.parent / "evil.lgtsm-studio").exists()


def test_a_film_that_is_sent_replaces_nothing_and_stays_in_the_folder(studio, film):
    before = film.read_bytes()
    studio.json("PUT", "/api/film?name=..%2F..%2Fshot.mp4", before)
    assert film.read_bytes() == before
    assert (film.parent / "shot (2).mp4").read_bytes() == before
    for name in ("x.txt", "..", ".mp4", "a%00.mp4", ""):
        status, answer = studio.ask("PUT", f"/api/film?name={name}", before)
        assert status == 400, answer
    status, answer = studio.ask("PUT", "/api/film?name=broken.mp4", b"no film")
    assert status == 400
    assert not (film.parent / "broken.mp4").exists()


def test_what_is_too_large_is_refused_and_leaves_nothing(film):
    with serve(film.parent, limit=2**20) as studio:
        large = b"x" * (2**20 + 1)
        status, answer = studio.ask("PUT", "/api/film?name=large.mp4", large)
        assert status == 413
        assert "--upload-limit" in json.loads(answer)["error"]
        # a request that does not say how long it is
        assert _chunked(studio, large) == 413
        assert not list(film.parent.glob("*large*"))


def _chunked(studio, data):
    """Send data in pieces, without a length; return the status."""
    connection = http.client.HTTPConnection("127.0.0.1", studio.port, timeout=30)
    connection.putrequest("PUT", "/api/film?name=large.mp4")
    connection.putheader("Cookie", f'studio="{TOKEN}"')
    connection.putheader("Transfer-Encoding", "chunked")
    connection.endheaders()
    try:
        for at in range(0, len(data), 65536):
            part = data[at : at + 65536]
            connection.send(b"%x\r\n%s\r\n" % (len(part), part))
        connection.send(b"0\r\n\r\n")
    except OSError:  # refused on the way
        pass
    status = connection.getresponse().status
    connection.close()
    return status


def test_a_picture_of_another_size_is_not_decoded(studio, film, one_sentence):
    buffer = io.BytesIO()
    Image.new("L", (4000, 4000)).save(buffer, "PNG")
    opened = studio.open(film)
    for data in (buffer.getvalue(), b"no picture", buffer.getvalue()[:50]):
        status, answer = studio.ask("PUT", f"{opened}/painted/0", data)
        assert status == 400
        one_sentence(OptionError(json.loads(answer)["error"]))


def test_pages_may_load_nothing_from_elsewhere(studio):
    connection = http.client.HTTPConnection("127.0.0.1", studio.port)
    connection.request("GET", "/", headers={"Cookie": f'studio="{TOKEN}"'})
    headers = connection.getresponse().headers
    connection.close()
    assert "default-src 'self'" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_it_listens_on_loopback_unless_told_and_always_with_a_token(one_sentence):
    assert StudioOptions().listen == "127.0.0.1"
    with pytest.raises(OptionError, match="token") as error:
        StudioOptions(listen="0.0.0.0", token="short")
    one_sentence(error.value)


def test_a_root_that_is_a_link_is_followed_once(tmp_path):
    real = tmp_path / "real"
    real.mkdir()
    (tmp_path / "link").symlink_to(real)
    places = Places.of(None, [tmp_path / "link"], None)
    (real / "a.txt").write_text("x")
    assert places.readable("a.txt") == real / "a.txt"
    with pytest.raises(NotAllowedError):
        places.readable(os.fspath(tmp_path))
