"""Entry of the repository as a ComfyUI pack; the nodes are not part of this release.

Nothing is imported here, so that tests and tools can import the repository without ComfyUI.
"""
