"""All claims, in reading order."""

from zeroone.claims import bcd_blocks, bcd_descent, bcd_network

CLAIMS = (*bcd_blocks.CLAIMS, *bcd_descent.CLAIMS, *bcd_network.CLAIMS)
