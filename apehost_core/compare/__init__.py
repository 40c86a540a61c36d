"""Comparisons of models: what to ask in which order, asking it, and what the answers say, with intervals."""
