"""The HTTP API beside the pages: its guard, its errors and its routes."""
