"""Detached runs: the hub that owns them, their logs, and the port that makes them durable."""
