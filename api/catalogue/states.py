"""How a published version of a guide moves. Imports nothing.

Read as: from → {what happens: to}. `python -m api diagram` draws it.
"""

MOVES = {
    "(none)": {
        "published": "in_force",
        "published for a later day": "planned",
    },
    "planned": {
        "its day comes": "in_force",
        "a newer version comes first": "superseded",
    },
    "in_force": {
        "a newer version comes into force": "superseded",
        "its last day passes": "ended",
        "withdrawn": "withdrawn",
    },
    "ended": {"published again": "superseded"},
    "withdrawn": {"published again": "superseded"},
    "superseded": {},
}
