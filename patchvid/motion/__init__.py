"""How pixels move from frame to frame."""
