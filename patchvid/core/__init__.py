"""The method: search, vote, both together (VPNN), and the loop from coarse to fine."""
