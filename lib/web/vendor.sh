#!/bin/sh
# Copies what the site serves from itself out of node_modules: interactive figures (Vega).
# Usage: vendor.sh TARGET
set -eu
from="$(dirname "$0")/node_modules"
to="$1"
rm -rf "$to"
mkdir -p "$to/vega"
for part in vega vega-lite vega-embed; do
  cp "$from/$part/build/$part.min.js" "$to/vega/"
  cp "$from/$part/LICENSE" "$to/vega/LICENSE.$part"
done
