"""Alipay's gateway on this machine: its real wire, its own keys, and no money.

`python -m adapters.alipay.simulator --port 8102 --data-dir DIR [--mode certificate]` runs it
and writes `DIR/alipay.toml`, the channel's section of the channels file. `gateway.py` is
`gateway.do` and its checks, `rest.py` the same methods as `/v3/…`, `methods.py` names every
method, `books.py` is what lies beneath them.

Left out, and refused where it can be asked for: charsets but UTF-8, signatures but RSA2,
products but JSAPI_PAY, bills but `trade`, acting for others (`app_auth_token`). How old a
request's timestamp may be is published nowhere, so only its form is checked.
"""
