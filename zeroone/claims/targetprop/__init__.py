"""Claims about learning by targets."""
