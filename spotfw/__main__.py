"""``python -m spotfw``: the same as the command ``spotfw``."""

from spotfw.cli import main

if __name__ == "__main__":
    main()
