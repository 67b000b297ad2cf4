from litestar import Router

public_router = Router("/", route_handlers=[])
