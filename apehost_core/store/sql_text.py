"""Texts and names inside of statements, where DuckDB takes no parameters."""


def literal(text: str) -> str:
    """Return a text as a literal."""
    return "'" + text.replace("'", "''").replace("\0", "' || chr(0) || '") + "'"


def identifier(name: str) -> str:
    """Return the name of a table or column as one."""
    return '"' + name.replace('"', '""') + '"'
