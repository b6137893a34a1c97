"""ComfyUI nodes: each converts tensors, calls `lgtsm` and converts back; no arithmetic here."""
