"""Control of the slipway winch."""

MAX_LOAD_KG = 7500

def start_winch(load_kg):
    """Start the winch; refuses loads above MAX_LOAD_KG."""
    if load_kg > MAX_LOAD_KG:
        raise ValueError("load too heavy")
    return "running"
