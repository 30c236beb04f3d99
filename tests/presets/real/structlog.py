import sys

try:
    import structlog
except ImportError:
    sys.exit(77)

structlog.configure(processors=[
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso"),
    structlog.processors.format_exc_info,
    structlog.processors.JSONRenderer(),
])
log = structlog.get_logger()
log.info("chat", user_id="u-1", session_id="s-1", model="gpt-4o", prompt='hi "you"', completion="hello\nthere", latency_ms=812)
log.info("rated", message_id="m-1", rating="up", comment="nice")
log.info("ready", port=8080)
structlog.contextvars.bind_contextvars(user_id="u-3", model="gpt-4o")
log.error("failed", prompt="fail", error="boom")
