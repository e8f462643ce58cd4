"""Solvers, step by step: what each update does, with its numbers."""
