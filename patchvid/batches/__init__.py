"""Many jobs at once, on the processes of this machine or on a cluster."""
