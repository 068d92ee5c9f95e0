"""What benches/run measures and benches/layout traces."""
import os

here = os.path.dirname(os.path.abspath(__file__))


def one_line(name):
    with open(f"{here}/{name}.graphql") as file:
        return " ".join(line.strip() for line in file if not line.startswith("#"))


def full_report(number):
    return f'{one_line("full-report")} query {{ report(by: {{ number: "{number}" }}) {{ ...Full }} }}'


def deployment(id):
    """A deployment as a pipeline tells it."""
    return {"deploymentId": id, "status": "SUCCEEDED", "environment": "production", "applicationNumber": "REL-APP-2026-999999",
            "startedAt": "2026-03-28T13:42:10Z", "finishedAt": "2026-03-28T14:10:40Z"}
