"""OPTIONS answers with every method of its path (RFC 9110 §9.3.7).

Litestar answers by itself, but for a path whose handlers were registered one after the other
its answer knows only the first of them.
"""

from __future__ import annotations

from litestar import Litestar
from litestar.enums import HttpMethod
from litestar.routes import HTTPRoute


def say_every_method(app: Litestar) -> None:
    """Let each path's answer to OPTIONS be made anew, now that all its methods are known."""
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            known, _ = route.route_handler_map[HttpMethod.OPTIONS]
            anew = route.create_options_handler(route.path)
            anew.owner = known.owner
            anew.on_registration(app)
            model = anew.create_kwargs_model(path_parameters=route.path_parameters)
            route.route_handler_map[HttpMethod.OPTIONS] = (anew, model)
