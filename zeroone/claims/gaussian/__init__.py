"""Claims about the Gaussian no-overlap network and RVSCGD."""
