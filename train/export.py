"""Stub replaced below."""
def export(*a): raise SystemExit
