"""The peak of a process is its own."""

import platform
import subprocess
import sys

import pytest

from lgtsm.resident_memory import peak_resident_bytes

_TOLD = "from lgtsm.resident_memory import peak_resident_bytes; print(peak_resident_bytes())"


def test_a_peak_is_at_least_some_megabytes_where_it_is_known():
    used = peak_resident_bytes()
    assert used > 2**24 if sys.platform != "win32" else used is None


def test_what_the_process_that_started_it_holds_does_not_count():
    held = b"1" * 300_000_000
    told = subprocess.run([sys.executable, "-c", _TOLD], capture_output=True, text=True, check=True)
    if sys.platform != "win32":
        assert int(told.stdout) < len(held) / 2


_GAPS = """
from lgtsm.resident_memory import FreedMemory, _resident_bytes
freed = FreedMemory()
freed.return_where_much()
blocks = [bytearray(2**20) for _ in range(3)]
del blocks  # from here on the C library keeps what has this size
blocks = [bytearray(b"1") * 2**20 for _ in range(400)]
del blocks[:-1]  # the last one lies behind what is free now
held = _resident_bytes()
freed.return_where_much()
print(held, _resident_bytes())
"""


@pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="other C libraries return it themselves"
)
def test_gaps_between_what_stays_are_returned():
    told = subprocess.run([sys.executable, "-c", _GAPS], capture_output=True, text=True, check=True)
    held, left = map(int, told.stdout.split())
    assert held > 400 * 2**20
    assert left < held - 300 * 2**20
