"""The Streamlit side: what pages are made of. Only this package, the pages and app.py import Streamlit."""
