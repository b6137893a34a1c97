"""A host that stops a job in its midst."""


class HostStopError(RuntimeError):
    """What a host raises to stop a job."""


def stop_at(number):
    """Return a progress callback that raises when a frame is filled for the `number`th time."""
    filled = []

    def progress(done, total, note):
        if note == "filling":
            filled.append(done)
        if len(filled) == number:
            raise HostStopError

    return progress
