#!/bin/sh
# Put onnxruntime_c_api.h into the folder `onnxruntime` beside this script; nothing is installed.
# It comes from Debian's libonnxruntime-dev, which is in Debian 13 and later: on an older release
# the header alone is taken from 13. A program made with an older header runs with a newer library.
set -eu
cd "$(dirname "$0")"
[ -f onnxruntime/onnxruntime_c_api.h ] && exit 0
installed=/usr/include/onnxruntime/onnxruntime_c_api.h
if [ -f "$installed" ]; then
  mkdir -p onnxruntime
  cp "$installed" onnxruntime/
  exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
mkdir -p "$work/lists/partial" "$work/archives/partial"
# The machine's own source of packages, asked for release 13, with lists in a folder of their own.
awk '/^Types:/ {keep = /deb/} /^Suites:/ {$0 = "Suites: trixie"} keep && NF {print} !NF {exit}' \
  /etc/apt/sources.list.d/debian.sources > "$work/debian.sources"
settings="-qq -o Dir::Etc::SourceList=$work/debian.sources -o Dir::Etc::SourceParts=/dev/null
  -o Dir::State::Lists=$work/lists -o Dir::Cache=$work -o APT::Sandbox::User="
cd "$work"
# shellcheck disable=SC2086
apt-get $settings update
# shellcheck disable=SC2086
apt-get $settings download libonnxruntime-dev
dpkg -x libonnxruntime-dev_*.deb .
cd - > /dev/null
mkdir -p onnxruntime
cp "$work/usr/include/onnxruntime/onnxruntime_c_api.h" "$work"/usr/share/doc/libonnxruntime-dev/copyright onnxruntime/
