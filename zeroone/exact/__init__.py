"""What can be proved of tiny nets: separability, dichotomies, the least training error."""
