"""`python -m wgrad` is the command `wgrad`."""

import sys

from ._tool import main

sys.exit(main())
