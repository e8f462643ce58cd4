"""Claims about block coordinate descent."""
