"""Threads beside the engine keep order, tell every failure, and never outlive their block."""

from __future__ import annotations

import gc
import threading
import time
import weakref

import pytest

from lgtsm.video.ahead import ReadAhead, WriteBehind, frames_ahead


@pytest.fixture(autouse=True)
def _no_thread_is_left():
    before = threading.active_count()
    yield
    assert threading.active_count() == before


def _until(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.001)


@pytest.fixture
def quick_collection():
    """Leave what lives already out of collections: a test's own things are few."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


class _Thing:
    """Something that can be watched."""


@pytest.mark.parametrize("most", [1, 2, 7, 1000])
def test_items_come_in_order_and_all_of_them(most):
    with ReadAhead(iter(range(300)), most) as items:
        assert list(items) == list(range(300))
        assert list(items) == []


def test_an_empty_source_gives_nothing():
    with ReadAhead([], 3) as items:
        assert list(items) == []


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt, MemoryError])
def test_an_error_of_the_source_comes_where_its_item_would_have_come(kind):
    def source():
        yield 1
        yield 2
        raise kind("torn")

    seen = []
    with pytest.raises(kind, match="torn"), ReadAhead(source(), 2) as items:
        seen.extend(iter(items.__next__, None))
    assert seen == [1, 2]


def test_an_early_end_closes_the_source_in_its_own_thread():
    closed = []

    def source():
        try:
            while True:
                yield 0
        finally:
            closed.append(threading.current_thread())

    with ReadAhead(source(), 2) as items:
        next(items)
    assert len(closed) == 1
    assert closed[0] is not threading.current_thread()
    assert list(items) == []


def test_an_error_of_the_user_ends_the_thread():
    class OwnError(Exception):
        pass

    def use():
        with ReadAhead(iter(int, 1), 4) as items:
            next(items)
            raise OwnError

    with pytest.raises(OwnError):
        use()


@pytest.mark.parametrize("most", [1, 3])
def test_at_most_so_many_items_are_read_ahead(most, quick_collection):
    living, made = weakref.WeakSet(), []

    def source():
        for number in range(20):
            thing = _Thing()
            living.add(thing)
            made.append(number)
            yield thing
            del thing

    with ReadAhead(source(), most) as items:
        _until(lambda: len(made) == most)
        for taken in range(1, 12):
            next(items)
            _until(lambda n=taken: len(made) == n + most)
            time.sleep(0.002)
            assert len(made) == taken + most
            gc.collect()
            # ready ones, and the one that a generator keeps while it is not asked for more
            assert len(living) <= most + 1


def test_the_source_waits_for_the_block():
    made = []
    ahead = ReadAhead((made.append(n) for n in range(3)), 2)
    time.sleep(0.01)
    assert made == []
    with ahead as items:
        list(items)
    assert made == [0, 1, 2]


@pytest.mark.parametrize("most", [1, 2, 50])
def test_work_is_done_in_order_and_before_the_block_ends(most):
    done = []

    def work(number):
        if number % 7 == 0:
            time.sleep(0.002)
        done.append((number, threading.current_thread() is threading.main_thread()))

    with WriteBehind(most) as behind:
        for number in range(60):
            behind.put(lambda n=number: work(n))
    assert done == [(number, False) for number in range(60)]


def test_a_failed_piece_is_the_last_one_and_its_error_comes_out():
    done = []

    def work(number):
        done.append(number)
        if number == 3:
            raise OSError("disk full")

    given = []

    def put_all():
        with WriteBehind(2) as behind:
            for number in range(100):
                given.append(number)
                behind.put(lambda n=number: work(n))

    with pytest.raises(OSError, match="disk full"):
        put_all()
    assert done == [0, 1, 2, 3]
    assert len(given) <= 4 + 2 + 1


def test_an_error_of_the_last_piece_comes_out_at_the_end():
    def fail():
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"), WriteBehind(5) as behind:
        behind.put(fail)


def test_an_error_in_the_block_drops_the_work_that_waits():
    begun, go, done = threading.Event(), threading.Event(), []

    def first():
        begun.set()
        go.wait(20)

    def release():
        _until(lambda: behind._dropped)
        go.set()

    def stop():
        with behind:
            behind.put(first)
            behind.put(lambda: done.append(1))
            begun.wait(20)
            thread.start()
            raise RuntimeError("stop")

    behind, thread = WriteBehind(5), threading.Thread(target=release)
    with pytest.raises(RuntimeError, match="stop"):
        stop()
    thread.join()
    assert done == []


@pytest.mark.parametrize("most", [1, 3])
def test_no_more_than_so_many_pieces_wait(most):
    go, given = threading.Event(), []

    def put_all():
        with WriteBehind(most) as behind:
            for number in range(10):
                behind.put(lambda: go.wait(20))
                given.append(number)

    thread = threading.Thread(target=put_all)
    thread.start()
    _until(lambda: len(given) == most)
    time.sleep(0.01)
    assert len(given) == most
    go.set()
    thread.join()
    assert len(given) == 10


def test_finished_pieces_are_not_kept():
    living = weakref.WeakSet()
    with WriteBehind(2) as behind:
        for _ in range(5):
            thing = _Thing()
            living.add(thing)
            behind.put(lambda t=thing: None)
            del thing
        _until(lambda: (gc.collect(), len(living) == 0)[1])


def test_frames_ahead_are_few_and_fewer_where_they_are_large():
    assert frames_ahead(48, 64) == 16
    assert 2 < frames_ahead(1080, 1920) < 16
    assert frames_ahead(4320, 7680) == 2
