#!/bin/bash
# stop-at-end.sh DIR: when its standard input ends, stops the lab in the directory and removes it.
set -u
HERE=$(cd "$(dirname "$0")" && pwd)
cat > /dev/null
for parent in samba-squid apache; do
  [ ! -d "$1/$parent" ] || "$HERE/$parent.sh" stop "$1/$parent"
done
rm -rf "$1"
