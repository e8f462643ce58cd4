"""All claims, in reading order."""

from zeroone.claims.bcd import blocks as bcd_blocks
from zeroone.claims.bcd import convolution as bcd_convolution
from zeroone.claims.bcd import descent as bcd_descent
from zeroone.claims.bcd import edges as bcd_edges
from zeroone.claims.bcd import network as bcd_network
from zeroone.claims.bcd import output as bcd_output
from zeroone.claims.bcd import proximal as bcd_proximal
from zeroone.claims.bcd import removal as bcd_removal
from zeroone.claims.bcd import rounding as bcd_rounding
from zeroone.claims.exact import layers as targetprop_layers
from zeroone.claims.exact import margins as targetprop_margins
from zeroone.claims.exact import optimum as targetprop_exact
from zeroone.claims.exact import separability as targetprop_separability
from zeroone.claims.gaussian import bounds as gaussian_bounds
from zeroone.claims.gaussian import descent as gaussian_descent
from zeroone.claims.gaussian import expectations as gaussian_expectations
from zeroone.claims.gaussian import fixed_points as gaussian_fixed_points
from zeroone.claims.gaussian import l1_limit as gaussian_l1_limit
from zeroone.claims.gaussian import lemmas as gaussian_lemmas
from zeroone.claims.gaussian import long_runs as gaussian_long_runs
from zeroone.claims.gaussian import prox as gaussian_prox
from zeroone.claims.gaussian import records as gaussian_records
from zeroone.claims.gaussian import samples as gaussian_samples
from zeroone.claims.gaussian import steps as gaussian_steps
from zeroone.claims.gaussian import two_layer as two_layer_expectations
from zeroone.claims.gaussian import two_layer_descent, two_layer_stationary
from zeroone.claims.nets import compression as nets_compression
from zeroone.claims.nets import derivatives as nets_derivatives
from zeroone.claims.nets import folding as nets_folding
from zeroone.claims.nets import no_overlap as nets_no_overlap
from zeroone.claims.nets import patches as nets_patches
from zeroone.claims.nets import pooling as nets_pooling
from zeroone.claims.targetprop import convolutions as targetprop_convolutions
from zeroone.claims.targetprop import fits as targetprop_fits
from zeroone.claims.targetprop import losses as targetprop_losses
from zeroone.claims.targetprop import normalisation as targetprop_normalisation
from zeroone.claims.targetprop import received as targetprop_received
from zeroone.claims.targetprop import search as targetprop_search
from zeroone.claims.targetprop import sparsity as targetprop_sparsity
from zeroone.claims.targetprop import splitting as targetprop_splitting
from zeroone.claims.targetprop import updates as targetprop_updates

CLAIMS = (
    *bcd_blocks.CLAIMS,
    *bcd_edges.CLAIMS,
    *bcd_rounding.CLAIMS,
    *bcd_descent.CLAIMS,
    *bcd_network.CLAIMS,
    *bcd_removal.CLAIMS,
    *bcd_output.CLAIMS,
    *bcd_proximal.CLAIMS,
    *bcd_convolution.CLAIMS,
    *gaussian_expectations.CLAIMS,
    *gaussian_samples.CLAIMS,
    *gaussian_lemmas.CLAIMS,
    *gaussian_prox.CLAIMS,
    *gaussian_steps.CLAIMS,
    *gaussian_records.CLAIMS,
    *gaussian_bounds.CLAIMS,
    *gaussian_descent.CLAIMS,
    *gaussian_l1_limit.CLAIMS,
    *gaussian_fixed_points.CLAIMS,
    *gaussian_long_runs.CLAIMS,
    *two_layer_expectations.CLAIMS,
    *two_layer_stationary.CLAIMS,
    *two_layer_descent.CLAIMS,
    *targetprop_losses.CLAIMS,
    *targetprop_normalisation.CLAIMS,
    *targetprop_received.CLAIMS,
    *targetprop_updates.CLAIMS,
    *targetprop_splitting.CLAIMS,
    *targetprop_sparsity.CLAIMS,
    *targetprop_separability.CLAIMS,
    *targetprop_margins.CLAIMS,
    *targetprop_layers.CLAIMS,
    *targetprop_fits.CLAIMS,
    *targetprop_search.CLAIMS,
    *targetprop_exact.CLAIMS,
    *nets_patches.CLAIMS,
    *nets_derivatives.CLAIMS,
    *nets_no_overlap.CLAIMS,
    *nets_pooling.CLAIMS,
    *nets_compression.CLAIMS,
    *nets_folding.CLAIMS,
    *targetprop_convolutions.CLAIMS,
)
