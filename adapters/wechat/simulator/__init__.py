"""WeChat's gateways on the wire: the mini-program's API, message push and WeChat Pay v3.

`python -m adapters.wechat.simulator --port 8101 --data-dir .data/wechat`. Start reading in
`gateway.py`. It is strict where WeChat is: what it accepts, WeChat accepts. What it does
not do as WeChat does: refunds need no minute between them, links open nothing, and an
unfinished face check answers `verify_ret` 0 (WeChat publishes no word for that).
"""
