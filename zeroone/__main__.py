"""``python -m zeroone`` is ``zeroone``."""

import sys

from zeroone.cli import main

if __name__ == "__main__":
    sys.exit(main())
