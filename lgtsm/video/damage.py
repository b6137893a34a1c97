"""Evidence that a video file is damaged or cut off, gathered while it is read."""

from __future__ import annotations

import re
from collections import Counter
from fractions import Fraction

import av
from av.container import InputContainer
from av.format import Flags
from av.video.stream import VideoStream

from .clock import is_jump
from .media import is_hidden, promised_packets, stream_rate

_REGULAR = 0.9
"""Fraction of equal steps in time from which on a film has a constant rate."""
_DROPPED = 3
"""Frames of a constant rate that may be missing in a row; cameras drop a few, broadcasts none."""


class Evidence:
    """What packets and frames tell about the state of their file."""

    def __init__(self, container: InputContainer, stream: VideoStream) -> None:
        """Read what the headers promise, before anything else is read."""
        self._codec = stream.codec_context.codec.canonical_name
        self._promised = promised_packets(stream)
        self._frame = 1 / stream_rate(stream)
        # where recordings are joined, the packet's counter jumps, which is no damage
        self._may_be_joined = bool(container.format.flags & Flags.ts_discont.value)
        self._promised_end, slack = _promised_end(container, stream)
        self._slack = slack * self._frame
        self.error: str | None = None
        """The first sure sign, in the words of ffmpeg or as a short phrase."""
        self.num_frames = 0
        self._num_packets = self._shown = 0
        self._interlaced = False
        self._key: int | None = None
        self._decoded: Fraction | None = None
        self._end: Fraction | None = None
        self._jumps = False
        self._last: Fraction | None = None
        self._steps: Counter[int] = Counter()
        self._pause = (Fraction(0), Fraction(0))

    def add_error(self, text: str) -> None:
        """Note that something could not be read or decoded; the first such text counts."""
        self.error = self.error or text

    def add_packet(self, packet: av.Packet) -> None:
        """Count a packet with data."""
        self._num_packets += 1
        if self._key is None and packet.is_keyframe:
            self._key = packet.pts
        # recordings may begin between key frames; what needs earlier ones is not decoded
        led = self._key is None or (packet.pts is not None and packet.pts < self._key)
        self._shown += not (led or packet.is_discard or is_hidden(packet, self._codec))
        if packet.is_corrupt and not self._may_be_joined:
            self.add_error("a damaged packet")
        if packet.dts is not None:
            time = packet.dts * packet.time_base
            self._jumps |= is_jump(self._decoded, time)
            self._decoded = time
        if packet.pts is not None:
            duration = packet.duration * packet.time_base if packet.duration else self._frame
            end = packet.pts * packet.time_base + duration
            self._end = end if self._end is None else max(self._end, end)

    def add_frame(self, frame: av.VideoFrame) -> None:
        """Count a decoded frame."""
        self.num_frames += 1
        self._interlaced |= frame.interlaced_frame
        if frame.is_corrupt:
            self.add_error(f"an error in frame {self.num_frames - 1}")
        if frame.pts is None or not frame.time_base:
            return
        time = frame.pts * frame.time_base
        if self._last is not None and time > self._last:
            step = time - self._last
            self._steps[round(step * 1000)] += 1
            if step > self._pause[1] - self._pause[0]:
                self._pause = (self._last, time)
        self._last = time

    def reason(self, *, whole: bool) -> str | None:
        """Return what is wrong, None without evidence.

        Args:
            whole: all packets of the file were read and decoded.
        """
        if self.error is not None or not whole or self._jumps:
            return self.error
        if self._num_packets < self._promised:
            return f"{self._num_packets} of {self._promised} packets"
        # a frame may come in two packets, one for each field
        packets = (self._shown + 1) // 2 if self._interlaced else self._shown
        if self.num_frames < packets:
            return f"{packets - self.num_frames} packets without a frame"
        end = self._end or Fraction(0)
        if end + self._slack < self._promised_end:
            return f"it ends at {float(end):.2f} instead of {float(self._promised_end):.2f} seconds"
        return self._gap()

    def _gap(self) -> str | None:
        """Tell where a film of constant rate has no frames for a while."""
        if not self._steps or not self._steps.most_common(1)[0][0]:
            return None
        (usual, _), total = self._steps.most_common(1)[0], self._steps.total()
        regular = sum(self._steps[usual + d] for d in (-1, 0, 1))
        start, end = self._pause
        most = 0 if self._may_be_joined else _DROPPED
        is_gap = (end - start) * 1000 / usual - 1 > most + Fraction(1, 2)
        if regular < _REGULAR * total or not is_gap:
            return None
        return f"no frames from {float(start):.2f} to {float(end):.2f} seconds"


def _promised_end(container: InputContainer, stream: VideoStream) -> tuple[Fraction, Fraction]:
    """Return where a header without frame count says the stream ends, 0 if it does not, and its slack.

    The slack is in frames.
    """
    if stream.frames:
        return Fraction(0), Fraction(0)
    tag = stream.metadata.get("DURATION", "")
    if match := re.fullmatch(r"(\d+):(\d+):(\d+(?:\.\d+)?)", tag):
        # Matroska: the end by ffmpeg, the length by others, which is less
        return int(match[1]) * 3600 + int(match[2]) * 60 + Fraction(match[3]), Fraction(3, 4)
    # The duration of a file with sound may be that of the sound.
    if len(container.streams) == 1 and container.duration:
        start = (stream.start_time or 0) * (stream.time_base or Fraction(0))
        return start + Fraction(container.duration, av.time_base), Fraction(6)
    return Fraction(0), Fraction(0)
