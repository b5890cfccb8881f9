#!/bin/sh
# Copies what the site serves from itself out of node_modules: formulas (MathJax) and interactive figures (Vega).
# Usage: vendor.sh TARGET
set -eu
from="$(dirname "$0")/node_modules"
to="$1"
rm -rf "$to"
mkdir -p "$to/mathjax/output" "$to/mathjax/input" "$to/vega"
cp -r "$from/mathjax/es5/tex-mml-chtml.js" "$from/mathjax/LICENSE" "$to/mathjax/"
cp -r "$from/mathjax/es5/output/chtml" "$to/mathjax/output/"
cp -r "$from/mathjax/es5/input/tex" "$to/mathjax/input/"
for part in vega vega-lite vega-embed; do
  cp "$from/$part/build/$part.min.js" "$to/vega/"
  cp "$from/$part/LICENSE" "$to/vega/LICENSE.$part"
done
