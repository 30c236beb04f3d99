import logging
import sys

try:
    from pythonjsonlogger import jsonlogger
except ImportError:
    sys.exit(77)

handler = logging.StreamHandler(sys.stdout)
handler.setFormatter(jsonlogger.JsonFormatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
log = logging.getLogger("app.chat")
log.addHandler(handler)
log.setLevel(logging.INFO)
log.info("chat", extra={"user_id": "u-1", "session_id": "s-1", "model": "gpt-4o", "prompt": 'hi "you"', "completion": "hello\nthere", "latency_ms": 812})
log.info("rated", extra={"message_id": "m-1", "rating": "up", "comment": "nice"})
log.info("ready", extra={"port": 8080})
log.error("failed", extra={"user_id": "u-3", "model": "gpt-4o", "prompt": "fail", "error": "boom"})
