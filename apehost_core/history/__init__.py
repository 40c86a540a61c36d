"""What is learned from the record: search words, charts, cards and alerts as values and pure functions."""
