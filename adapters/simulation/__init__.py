"""The frame of every gateway simulator: all that a gateway is, before it is a vendor's.

Start reading in `gateway.py`: a vendor subclasses `Gateway`, gives its `operations()` and
the few questions only it can answer, and calls `run.run()`. The frame keeps the records
(`journal.py`, `records.py`), makes keys (`keys.py`), breaks what it is told to break
(`faults.py`), sends notices (`notices.py`), takes orders under `/_control` (`control.py`)
and shows a person the cashier (`cashier.py`) and a page of everything (`page.py`). It knows
no vendor.
"""
