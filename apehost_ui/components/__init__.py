"""Widgets that are drawn in two places or more: arguments in, a value or nothing out."""
