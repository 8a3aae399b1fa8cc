"""`python -m coilyard.worker`: runs declared Python code for a runtime that it dials. See `coilyard._worker`."""

from coilyard._worker.main import main

__all__ = ("main",)

if __name__ == "__main__":
    main()
