#!/bin/sh
# Makes the files of this folder that are not ours anew from the npm registry.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm pack chart.js@4.6.1
tar xzf chart.js-4.6.1.tgz
sed 's/^\/\/# sourceMappingURL.*//' package/dist/chart.umd.min.js | gzip -9nc > "$here/chart.min.js.gz"
cp package/LICENSE.md "$here/LICENSE-chart.js"
