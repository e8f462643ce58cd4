"""All claims, in reading order."""

from zeroone.claims import (
    bcd_blocks,
    bcd_descent,
    bcd_network,
    gaussian_population,
    gaussian_rvscgd,
    targetprop_exact,
    targetprop_feasible,
    targetprop_fits,
    targetprop_layer_loss,
    targetprop_losses,
    targetprop_output,
    targetprop_received,
    targetprop_search,
    targetprop_separability,
    targetprop_updates,
)

CLAIMS = (
    *bcd_blocks.CLAIMS,
    *bcd_descent.CLAIMS,
    *bcd_network.CLAIMS,
    *gaussian_population.CLAIMS,
    *gaussian_rvscgd.CLAIMS,
    *targetprop_losses.CLAIMS,
    *targetprop_output.CLAIMS,
    *targetprop_layer_loss.CLAIMS,
    *targetprop_received.CLAIMS,
    *targetprop_updates.CLAIMS,
    *targetprop_separability.CLAIMS,
    *targetprop_feasible.CLAIMS,
    *targetprop_fits.CLAIMS,
    *targetprop_search.CLAIMS,
    *targetprop_exact.CLAIMS,
)
