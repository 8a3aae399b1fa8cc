"""`python -m coilyard.zygote`: imports what workers need once, and forks workers. See `coilyard._zygote`."""

from coilyard._zygote.main import main

__all__ = ("main",)

if __name__ == "__main__":
    main()
