"""Programs that measure; each is one command and prints a table with ratios. Results: docs/benchmarks.md."""
