#!/bin/sh
# Copies what the site serves from itself out of node_modules: formulas (MathJax) and interactive figures (Vega).
# Usage: vendor.sh TARGET
set -eu
from="$(dirname "$0")/node_modules"
to="$1"
rm -rf "$to"
mkdir -p "$to/mathjax/output" "$to/mathjax/input" "$to/mathjax/a11y" "$to/vega"
cp "$from/mathjax/es5/startup.js" "$from/mathjax/es5/core.js" "$from/mathjax/LICENSE" "$to/mathjax/"
cp -r "$from/mathjax/es5/input/tex" "$from/mathjax/es5/input/tex.js" "$to/mathjax/input/"
cp -r "$from/mathjax/es5/output/chtml" "$from/mathjax/es5/output/chtml.js" "$to/mathjax/output/"
cp "$from/mathjax/es5/a11y/assistive-mml.js" "$to/mathjax/a11y/"
for part in vega vega-lite vega-embed; do
  cp "$from/$part/build/$part.min.js" "$to/vega/"
  cp "$from/$part/LICENSE" "$to/vega/LICENSE.$part"
done
