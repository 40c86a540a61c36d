"""Fakes that behave like the real parts: an LM Studio, a model, a recorder. Product code, used by tests and benches."""
