"""How a message moves. Imports nothing.

Read as: from → {what happens: to}. `python -m api diagram` draws it. A message that may
have left and about which nothing is known stays `unknown`: nobody is told twice.
"""

MOVES = {
    "(none)": {
        "a case moved": "waiting",
        "not wanted, or no channel": "withheld",
    },
    "waiting": {"its time has come": "sending", "the channel was unlinked": "withheld"},
    "sending": {
        "the channel took it": "accepted",
        "the channel refused it for good": "failed",
        "the channel could not be reached": "waiting",
        "no answer, or the sender died": "unknown",
        "no channel for a day": "failed",
    },
    "accepted": {
        "the channel says it arrived": "delivered",
        "the channel says it did not": "failed",
    },
    "unknown": {
        "the channel says it arrived": "delivered",
        "the channel says it did not": "failed",
    },
    "delivered": {},
    "failed": {},
    "withheld": {},
}
