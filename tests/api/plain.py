"""Options of a fill that takes little time."""

from lgtsm.options import Motion, Unseen

PLAIN = {"motion": Motion.NONE, "unseen": Unseen.NETWORK}
"""For what holds however a hole is filled."""
