"""``python -m zeroone`` is ``zeroone``."""

import sys


def main() -> int:
    """Run one command; Ctrl-C ends it in one line, also while Python still imports it."""
    try:
        from zeroone.cli import main as command

        return command()
    except KeyboardInterrupt:
        print("zeroone: interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
