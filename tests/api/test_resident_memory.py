"""The peak of a process is its own."""

import subprocess
import sys

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
