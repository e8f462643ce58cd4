"""Networks of step units: layers, the network, files."""
