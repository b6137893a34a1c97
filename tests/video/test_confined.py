"""A file that names other files or addresses makes nothing be opened."""

from __future__ import annotations

import http.server
import threading

import pytest

from lgtsm.errors import VideoError
from lgtsm.video.probe import probe
from lgtsm.video.read import read_frames


@pytest.fixture
def address():
    """Return the address of a server on loopback, and the list of paths that were asked for."""
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()


HLS = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{}\n#EXT-X-ENDLIST\n"
CONCAT = "ffconcat version 1.0\nfile '{}'\n"


@pytest.mark.parametrize("name", ["film.m3u8", "film.mp4", "film.txt"])
@pytest.mark.parametrize("text", [HLS, CONCAT], ids=["hls", "concat"])
def test_lists_of_addresses_and_files_are_refused(
    text, name, address, make_video, tmp_path, one_sentence
):
    url, asked = address
    other = make_video(tmp_path / "other.ts", num=3)
    for target in (f"{url}/secret.ts", str(other), other.name):
        path = tmp_path / name
        path.write_text(text.format(target), encoding="utf-8")
        for read in (probe, lambda p: list(read_frames(p))):
            with pytest.raises(VideoError) as error:
                read(path)
            one_sentence(error.value)
    assert asked == []
