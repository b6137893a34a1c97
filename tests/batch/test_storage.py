"""Sources and results on a local S3 server, and on fsspec's own memory."""

import pytest

import lgtsm
from lgtsm.batch.storage import deliver, fetch, url_key
from lgtsm.batch.tasks import State, Task, perform
from lgtsm.engine.hooks import Hooks
from lgtsm.errors import VideoError
from tests.batch.conftest import FAST, OPTIONS, InProcess, assert_same_film, write_film, write_mask

fsspec = pytest.importorskip("fsspec")


@pytest.fixture
def memory():
    """Return fsspec's storage in memory, empty."""
    system = fsspec.filesystem("memory")
    system.store.clear()
    yield system
    system.store.clear()


def test_a_file_is_fetched_once_until_it_changes(memory, tmp_path):
    memory.pipe("/films/a.mp4", b"one")
    first = fetch("memory://films/a.mp4", tmp_path)
    first.write_bytes(b"kept")
    assert fetch("memory://films/a.mp4", tmp_path).read_bytes() == b"kept"
    memory.pipe("/films/a.mp4", b"another")
    assert fetch("memory://films/a.mp4", tmp_path).read_bytes() == b"another"


def test_a_folder_of_images_goes_there_and_back(memory, tmp_path):
    images = tmp_path / "images"
    images.mkdir()
    for name in ("1.png", "2.png"):
        (images / name).write_bytes(name.encode())
    deliver(images, "memory://out/images")
    back = fetch("memory://out/images", tmp_path / "copies")
    assert {p.name: p.read_bytes() for p in back.iterdir()} == {
        "1.png": b"1.png",
        "2.png": b"2.png",
    }
    before = url_key("memory://out/images")
    memory.pipe("/out/images/3.png", b"3")
    assert url_key("memory://out/images") != before


def test_what_is_not_there_is_told_in_a_sentence(memory, one_sentence):
    with pytest.raises(VideoError) as error:
        url_key("memory://lost.mp4")
    one_sentence(error.value)
    with pytest.raises(VideoError) as error:
        url_key("nosuch://lost.mp4")
    one_sentence(error.value)


def test_a_place_that_no_package_knows_is_told_before_anything_runs(tmp_path, one_sentence):
    film = write_film(tmp_path / "a.mp4", 4)
    job = lgtsm.BatchJob(source=str(film), boxes=("40,32,36,28",), output="a.mp4")
    options = lgtsm.BatchOptions(deliver="nosuch://x")
    with pytest.raises(VideoError) as error:
        lgtsm.run_batch([job], tmp_path / "out", options=options, make=InProcess)
    one_sentence(error.value)


def test_a_place_of_delivery_that_goes_away_is_waited_for(memory, tmp_path, monkeypatch):
    monkeypatch.setattr("lgtsm.batch.tasks.answers", lambda url: False)
    film = write_film(tmp_path / "a.mp4", 4)
    state = tmp_path / "out" / ".lgtsm-batch"
    state.mkdir(parents=True)
    job = lgtsm.BatchJob(source=str(film), boxes=("40,32,36,28",), output="a.mp4", options=OPTIONS)
    task = Task(job=job, folder=str(tmp_path / "out"), deliver="s3://lost/x", patience=0.1)
    result = perform(task, Hooks())
    assert result.state is State.FAILED
    assert "s3://lost/x to come back" in result.error


@pytest.fixture
def bucket(monkeypatch):
    """Return a bucket of an S3 server on this machine."""
    s3fs = pytest.importorskip("s3fs", reason="needs s3fs")
    moto = pytest.importorskip("moto.server", reason="needs moto")
    server = moto.ThreadedMotoServer("127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    s3fs.S3FileSystem.clear_instance_cache()  # which knows another server
    system = fsspec.filesystem("s3")
    system.mkdir("show")
    yield system
    server.stop()
    s3fs.S3FileSystem.clear_instance_cache()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*")
def test_films_on_s3_are_repaired_and_delivered_and_not_done_twice(bucket, tmp_path):
    film = write_film(tmp_path / "a.mp4", 40, shot=20, sound=True)
    mask = write_mask(tmp_path / "m.png")
    for path in (film, mask):
        bucket.put_file(str(path), f"show/in/{path.name}")
    table = tmp_path / "jobs.csv"
    table.write_text("source,mask,output\ns3://show/in/a.mp4,s3://show/in/m.png,b.mp4\n")

    def run(**options):
        found = lgtsm.run_batch(
            table,
            tmp_path / "out",
            defaults=FAST,
            options=lgtsm.BatchOptions(split=16, **options),
            make=InProcess,
        )
        return [(entry.state, entry.error) for entry in found.entries]

    assert run(deliver="s3://show/clean") == [("done", "")]
    lgtsm.inpaint_video(film, mask, tmp_path / "single.mp4", options=OPTIONS)
    bucket.invalidate_cache()
    bucket.get_file("show/clean/b.mp4", str(tmp_path / "back.mp4"))
    assert_same_film(tmp_path / "back.mp4", tmp_path / "single.mp4")
    assert not (tmp_path / "out" / ".lgtsm-batch" / "fetched" / "b.mp4").exists()
    assert run(deliver="s3://show/clean") == [("skipped", "")]
    assert run(deliver="s3://show/again") == [("done", "")]
    bucket.invalidate_cache()
    assert bucket.info("show/again/b.mp4")["size"] == (tmp_path / "back.mp4").stat().st_size
    bucket.put_file(str(write_film(tmp_path / "c.mp4", 20, seed=3)), "show/in/a.mp4")
    assert run() == [("done", "")]
