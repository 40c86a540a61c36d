"""The numbered SQL files of the schema, applied in order by `schema.py`. Never edited once released."""
