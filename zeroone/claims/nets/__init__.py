"""Claims on the layers of networks."""
