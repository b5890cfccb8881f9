#!/bin/sh
# Installs the system packages that the project can use: bubblewrap (confines submissions), a Chromium (the tests of the
# website) and PostgreSQL (the tests of a gradebook on a server; they start one of their own). Never asks a question: where it may not install, it says the one line to run and goes on.
set -u
missing=""
command -v bwrap >/dev/null 2>&1 || missing="$missing bubblewrap"
command -v chromium >/dev/null 2>&1 || command -v chromium-browser >/dev/null 2>&1 \
  || command -v google-chrome >/dev/null 2>&1 || missing="$missing chromium"
command -v initdb >/dev/null 2>&1 || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$missing postgresql"
[ -n "$missing" ] || exit 0

as_root=""
[ "$(id -u)" = 0 ] || as_root="sudo -n"
line="apt-get update && apt-get install -y$missing"
if command -v apt-get >/dev/null 2>&1 && { [ -z "$as_root" ] || sudo -n true 2>/dev/null; }; then
  echo "installing$missing"
  case "$missing" in *postgresql*)  # Debian's package would make a database and start a server at once
    conf=/etc/postgresql-common/createcluster.d
    $as_root mkdir -p $conf && echo "create_main_cluster = false" | $as_root tee $conf/programs-only.conf >/dev/null
  esac
  if $as_root apt-get -qq update && DEBIAN_FRONTEND=noninteractive $as_root apt-get -qq install -y $missing >/dev/null; then
    exit 0
  fi
fi
echo "MISSING:$missing. What needs it is skipped (chromium, postgresql: tests only). To install it, run as root: $line" >&2
