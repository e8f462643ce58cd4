"""All claims, in reading order."""

from zeroone.claims.bcd import blocks as bcd_blocks
from zeroone.claims.bcd import descent as bcd_descent
from zeroone.claims.bcd import network as bcd_network
from zeroone.claims.exact import optimum as targetprop_exact
from zeroone.claims.exact import separability as targetprop_separability
from zeroone.claims.gaussian import descent as gaussian_descent
from zeroone.claims.gaussian import expectations as gaussian_expectations
from zeroone.claims.gaussian import lemmas as gaussian_lemmas
from zeroone.claims.gaussian import limits as gaussian_limits
from zeroone.claims.gaussian import prox as gaussian_prox
from zeroone.claims.gaussian import steps as gaussian_steps
from zeroone.claims.targetprop import fits as targetprop_fits
from zeroone.claims.targetprop import losses as targetprop_losses
from zeroone.claims.targetprop import normalisation as targetprop_normalisation
from zeroone.claims.targetprop import received as targetprop_received
from zeroone.claims.targetprop import search as targetprop_search
from zeroone.claims.targetprop import updates as targetprop_updates

CLAIMS = (
    *bcd_blocks.CLAIMS,
    *bcd_descent.CLAIMS,
    *bcd_network.CLAIMS,
    *gaussian_expectations.CLAIMS,
    *gaussian_lemmas.CLAIMS,
    *gaussian_prox.CLAIMS,
    *gaussian_steps.CLAIMS,
    *gaussian_descent.CLAIMS,
    *gaussian_limits.CLAIMS,
    *targetprop_losses.CLAIMS,
    *targetprop_normalisation.CLAIMS,
    *targetprop_received.CLAIMS,
    *targetprop_updates.CLAIMS,
    *targetprop_separability.CLAIMS,
    *targetprop_fits.CLAIMS,
    *targetprop_search.CLAIMS,
    *targetprop_exact.CLAIMS,
)
