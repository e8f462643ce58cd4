"""The claims on the Gaussian network's expectations, Lemmas 1 to 4, and the proximal maps.

In reading order (theory, A1 to A5): the closed forms against angles, finite differences and
integrals, then against samples; the lemmas with their constants, and where they break; the proximal
maps that the splitting method uses.
"""

from zeroone.claims import (
    gaussian_descent,
    gaussian_forms,
    gaussian_lemmas,
    gaussian_sampling,
    prox_maps,
)
from zeroone.claims.claim import Claim

CLAIMS: tuple[Claim, ...] = (
    *gaussian_forms.CLAIMS,
    *gaussian_sampling.CLAIMS,
    *gaussian_lemmas.CLAIMS,
    *gaussian_descent.CLAIMS,
    *prox_maps.CLAIMS,
)
