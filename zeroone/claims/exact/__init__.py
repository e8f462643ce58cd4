"""Claims about separability and certified optima."""
