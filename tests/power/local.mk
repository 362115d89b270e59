# Power cuts: what the store writes and syncs is recorded, and played again up to a cut.
