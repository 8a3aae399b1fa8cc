"""Optimizations as a client drives them: runs that are held by a lease, objectives, and optimizers of one's own."""
