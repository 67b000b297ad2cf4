"""Zhangban (掌办): a government's services on a phone. Read `api/app.py` first."""

__version__ = "0.1.0"
