"""The version of this package; it travels to the runtime in a worker's `Hello`."""

__version__ = "0.1.0"
