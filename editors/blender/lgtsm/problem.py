"""What stops a job: a sentence for the user."""


class Problem(Exception):  # noqa: N818  it is told to the user, under no other name
    """One sentence: what was expected, what came, what to do."""
