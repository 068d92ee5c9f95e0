# Python's gql client takes the schema from the running service, which must have the types and fields of schema.graphql, checks a
# query against it before sending, and refuses one that does not fit.
import os
import pathlib
import sys

from gql import Client, gql
from gql.transport.httpx import HTTPXTransport
from graphql import GraphQLError, build_schema, is_enum_type, is_input_object_type, is_interface_type, is_object_type, is_union_type


def members(schema):
    """Every named thing of a schema with its type, as `Report.number`."""
    found = {}
    for name, kind in schema.type_map.items():
        if name.startswith("__"):
            continue
        found[name] = type(kind).__name__
        if is_enum_type(kind):
            found.update({f"{name}.{value}": None for value in kind.values})
        if is_union_type(kind):
            found.update({f"{name}.{member.name}": None for member in kind.types})
        if is_object_type(kind):
            found.update({f"{name} implements {interface.name}": None for interface in kind.interfaces})
        if is_object_type(kind) or is_interface_type(kind) or is_input_object_type(kind):
            for key, field in kind.fields.items():
                found[f"{name}.{key}"] = str(field.type)
                for argument, value in getattr(field, "args", {}).items():
                    found[f"{name}.{key}.{argument}"] = str(value.type)
    return found


def main():
    path = pathlib.Path(__file__).resolve().parents[2] / "schema.graphql"
    ours = members(build_schema(path.read_text(encoding="utf-8")))
    transport = HTTPXTransport(url=os.environ["ADDRESS"] + "/graphql", headers={"authorization": "Bearer " + os.environ["TOKEN"]})
    client = Client(transport=transport, fetch_schema_from_transport=True)
    with client as session:
        theirs = members(client.schema)
        different = sorted(key for key in ours.keys() | theirs.keys() if ours.get(key, "absent") != theirs.get(key, "absent"))
        for key in different:
            print(f"{key}: schema.graphql {ours.get(key, 'absent')}, service {theirs.get(key, 'absent')}")
        if different:
            return f"{len(different)} differences"
        query = gql("query ($first: Int) { reports(first: $first) { totalCount nodes { id number } } }")
        query.variable_values = {"first": 2}
        reports = session.execute(query)["reports"]
        if len(reports["nodes"]) != 2 or reports["totalCount"] < 2:
            return f"unexpected answer: {reports}"
        try:
            session.execute(gql("{ reports { nonsense } }"))
            return "a field that does not exist was accepted"
        except GraphQLError as error:
            if "nonsense" not in str(error):
                return f"another error than expected: {error}"
    print(f"{len(ours)} types, fields and arguments, as in schema.graphql")
    return None


if __name__ == "__main__":
    sys.exit(main())
