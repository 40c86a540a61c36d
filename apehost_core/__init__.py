"""The core of ApeHost: servers, runs and the record of them, without any user interface."""
