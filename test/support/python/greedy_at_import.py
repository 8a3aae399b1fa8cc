"""Wants more memory than there is."""

memory = bytearray(64_000_000_000)
