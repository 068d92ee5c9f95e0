# What Schemathesis is told, and checks, beside its own (schemathesis.toml).
import uuid

import schemathesis

KEY = "Idempotency-Key"
used = set()


@schemathesis.hook
def before_call(context, case, **kwargs):
    """Makes up another key for one that was used: with another body it is refused before anybody looks at the body."""
    key = (case.headers or {}).get(KEY)
    if key in used:
        case.headers[KEY] = str(uuid.uuid4())
    elif key is not None and case.meta.generation.mode.is_positive:
        used.add(key)


def value_at(body, path):
    for part in path.split("."):
        body = body[int(part)] if isinstance(body, list) else body[part]
    return body


def beyond_schema(error, body):
    """Whether it is wrong by what the service knows, not by its shape."""
    code, field = error["code"], error["field"]
    name = field.split(".")[-1]
    if code == "REQUIRED":  # the first report of a deployment; one of several
        return name in ("environment", "applicationNumber")
    if code == "UNKNOWN":
        return name == "product"
    if code == "OUT_OF_RANGE":  # in the future; the end before the start; before 1900
        return name.endswith("At")
    if code == "INVALID":  # a host that is none
        return name == "url" and value_at(body, field).startswith(("http://", "https://"))
    return False


@schemathesis.check
def good_calls_are_refused_for_cause(context, response, case):
    if response.status_code == 422 and case.meta.generation.mode.is_positive:
        without = [error for error in response.json()["errors"] if not beyond_schema(error, case.body)]
        assert not without, f"the document allows what is refused: {without}"


@schemathesis.check
def problems_name_their_request(context, response, case):
    if response.headers.get("content-type") == ["application/problem+json"]:
        named, asked = response.json()["requestId"], response.headers["x-request-id"][0]
        assert named == asked, f"requestId {named!r}, x-request-id {asked!r}"
