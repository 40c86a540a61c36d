"""The embedded demo engine: llama.cpp with a small instruct model, as a child process on loopback."""

from apehost_core.demo.engine import PARALLEL, Address, DemoEngine
from apehost_core.demo.model_file import demo_available

__all__ = ["PARALLEL", "Address", "DemoEngine", "demo_available"]
