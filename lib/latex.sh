#!/bin/sh
# Installs what prints the book: XeLaTeX with its packages and fonts, and poppler's programs, which read the result in the tests.
# 92 MB to download. Never asks a question: where it may not install, or not in a quarter of an hour, it says the one line to run, and
# fails. With --check it only says, by its exit code, whether everything is there.
set -u
packages="latexmk texlive-latex-recommended texlive-latex-extra texlive-fonts-recommended texlive-xetex tex-gyre
  fonts-freefont-otf fonts-dejavu-core xindy poppler-utils"
has_all() {
  for program in latexmk xelatex xindy pdftotext; do command -v $program >/dev/null 2>&1 || return 1; done
  for file in tcolorbox.sty fncychap.sty ucharclasses.sty FreeSerif.otf; do
    kpsewhich $file >/dev/null 2>&1 || fc-list 2>/dev/null | grep -q "$file" || return 1
  done
  fc-list 2>/dev/null | grep -q DejaVuSansMono
}
has_all && exit 0
[ "${1:-}" = --check ] && exit 1

as_root=""
[ "$(id -u)" = 0 ] || as_root="sudo -n"
line="apt-get update && apt-get install -y --no-install-recommends $(echo $packages)"
if command -v apt-get >/dev/null 2>&1 && { [ -z "$as_root" ] || sudo -n true 2>/dev/null; }; then
  echo "installing LaTeX (two or three minutes)"
  if $as_root apt-get -qq update && DEBIAN_FRONTEND=noninteractive \
    $as_root timeout 900 apt-get -qq install -y --no-install-recommends $packages >/dev/null && has_all; then
    exit 0
  fi
fi
echo "MISSING: LaTeX. To install it, run as root: $line" >&2
exit 1
