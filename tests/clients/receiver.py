# What receiver.mjs is, by the official packages of Python: `standardwebhooks` verifies, `cloudevents` parses, `jsonschema`
# validates, and an id is taken once. GET tells what came, PUT sets secrets and failures; it ends with its standard input.
import base64
import datetime
import json
import pathlib
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cloudevents.core.bindings.http import HTTPMessage, from_http
from cloudevents.core.formats.json import JSONFormat
from jsonschema import Draft202012Validator
from standardwebhooks import Webhook, WebhookVerificationError

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "docs" / "events"
FORMATS = Draft202012Validator.FORMAT_CHECKER
lock = threading.Lock()
settings = {"secrets": [], "fail": 0}
told = {"events": {}, "failed": [], "pings": [], "wrong": []}
stranger = Webhook("whsec_" + base64.b64encode(bytes(32)).decode())


def formats(schema):
    """Every format that a schema names."""
    if isinstance(schema, dict):
        if isinstance(schema.get("format"), str):
            yield schema["format"]
        for value in schema.values():
            yield from formats(value)
    if isinstance(schema, list):
        for value in schema:
            yield from formats(value)


def validators():
    found = {}
    for path in FOLDER.glob("*.json"):
        schema = json.loads(path.read_text(encoding="utf-8"))
        Draft202012Validator.check_schema(schema)
        # jsonschema passes over formats that it has no package for
        unknown = set(formats(schema)) - set(FORMATS.checkers)
        if unknown:
            raise SystemExit(f"{path.name}: {unknown} would not be checked")
        found[schema["properties"]["type"]["const"]] = Draft202012Validator(schema, format_checker=FORMATS)
    return found


def check(true, message):
    if not true:
        raise ValueError(message)


def refuses(webhook, body, headers):
    try:
        webhook.verify(body, headers)
    except WebhookVerificationError:
        return True
    return False


def take(headers, body):
    check(headers["content-type"].split(";")[0] == "application/cloudevents+json", "another content-type")
    webhooks = [Webhook(secret) for secret in settings["secrets"]]
    check(webhooks, "no secret yet")
    for webhook in webhooks:
        webhook.verify(body, headers)
    check(len(headers["webhook-signature"].split(" ")) == len(webhooks), "a signature for each secret, and no other")
    check(refuses(stranger, body, headers) and refuses(webhooks[0], body + b" ", headers), "anything verifies")

    event = from_http(HTTPMessage(headers, body), JSONFormat())
    sent = json.loads(body)
    understood = {**event.get_attributes(), "data": event.get_data()}
    check(isinstance(event.get_time(), datetime.datetime) and event.get_time().utcoffset() is not None, "no time with an offset")
    check({**understood, "time": sent["time"]} == sent, f"understood otherwise: {understood}")
    check(event.get_id() == headers["webhook-id"], "webhook-id is not the event's id")
    if event.get_type() == "org.relsum.ops.ping.v1":
        told["pings"].append(event.get_id())  # it is not of the log: no schema
        return
    check(event.get_type() in VALIDATORS, f"no schema of {event.get_type()}")
    VALIDATORS[event.get_type()].validate(sent)
    known = told["events"].setdefault(event.get_id(), {"event": sent, "body": body.decode(), "requests": 0})
    check(known["body"] == body.decode(), "a repeat differs from the first")
    known["requests"] += 1


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, body=b""):
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def body(self):
        return self.rfile.read(int(self.headers["content-length"]))

    def do_GET(self):
        with lock:
            body = json.dumps(told).encode()
        self.answer(200, body)

    def do_PUT(self):
        with lock:
            settings.update(json.loads(self.body()))
        self.answer(200)

    def do_POST(self):
        headers, body, status = {name.lower(): value for name, value in self.headers.items()}, self.body(), 200
        with lock:
            if settings["fail"] > 0:
                settings["fail"] -= 1
                told["failed"].append(headers["webhook-id"])
                status = 500
            else:
                try:
                    take(headers, body)
                except Exception as error:  # whatever a package raises is told by sinks.mjs
                    told["wrong"].append(f"{type(error).__name__} {error}: {headers} {body.decode(errors='replace')}")
                    status = 400
        self.answer(status)

    def log_message(self, *_):
        pass


VALIDATORS = validators()
server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(f"http://127.0.0.1:{server.server_port}/", flush=True)
sys.stdin.read()
