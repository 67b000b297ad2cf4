"""Records real exchanges with a running service as the examples of the OpenAPI document.

    DATA_DIR=/tmp/examples python -m api up                                # in another terminal
    python -m tools.record_examples http://127.0.0.1:8000 /tmp/examples

A folder without data gives the same examples each time, but for what really changed. People,
a department and clerks walk through the service once; `plain_values.py` takes out what is
secret or random. The people do not exist, the identity numbers are test data.
"""
