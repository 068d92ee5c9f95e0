#!/bin/sh
# Makes the files of this folder anew from the npm registry.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm pack graphiql@3.8.2 react@18.3.1 react-dom@18.3.1
for package in graphiql-3.8.2 react-18.3.1 react-dom-18.3.1; do mkdir "$package" && tar xzf "$package.tgz" -C "$package"; done
gzip -9nc graphiql-3.8.2/package/graphiql.min.js > "$here/graphiql.min.js.gz"
gzip -9nc graphiql-3.8.2/package/graphiql.min.css > "$here/graphiql.min.css.gz"
gzip -9nc react-18.3.1/package/umd/react.production.min.js > "$here/react.min.js.gz"
gzip -9nc react-dom-18.3.1/package/umd/react-dom.production.min.js > "$here/react-dom.min.js.gz"
cp graphiql-3.8.2/package/LICENSE "$here/LICENSE-graphiql"
cp react-18.3.1/package/LICENSE "$here/LICENSE-react"
