"""The program `lgtsm` as a process beside Blender: its progress, its messages, its end. No bpy."""

import re
import subprocess
import sys
import threading

_PROGRESS = re.compile(r"progress (\d+)/(\d+) ?(.*)")


class Process:
    """A running `lgtsm batch --progress lines`.

    done, total: frames; total is 0 as long as it is unknown.
    note: what is being done.
    messages: everything else that it said.
    """

    def __init__(self, words):
        """Start a command; raises OSError where it cannot be started."""
        self.done, self.total, self.note = 0, 0, "starting"
        self.messages = []
        self.is_cancelled = False
        # without this, Windows opens a console
        flags = subprocess.CREATE_NO_WINDOW if sys.platform == "win32" else 0
        self._process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            creationflags=flags,
        )
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    @property
    def code(self):
        """Return the exit code; None while it runs."""
        code = self._process.poll()
        if code is not None:
            self._listener.join()  # so that its last words count
        return code

    def cancel(self):
        """Ask it to end; what it computed is kept for the next run."""
        self.is_cancelled, self.note = True, "stopping"
        self._process.terminate()

    def wait(self):
        """Wait until it has ended."""
        self._process.wait()

    def _listen(self):
        for line in self._process.stderr:
            match = _PROGRESS.fullmatch(line.strip())
            if match is None:
                self.messages.append(line.strip())
            elif not self.is_cancelled:
                self.done, self.total, self.note = int(match[1]), int(match[2]), match[3]
