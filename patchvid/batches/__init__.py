"""Many jobs, on the processes of this machine or on those of a cluster."""
