#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# convert.sh DIR - an aufs delta of 100,000 files in DIR/delta: small ones in 1,000 directories, and 5,000 whiteouts.
set -eu
mkdir "$1/delta"
cd "$1/delta"
: >.wh..wh.aufs
chmod 0444 .wh..wh.aufs
mkdir .wh..wh.plnk .wh..wh.orph
seq 1000 | xargs mkdir
for d in $(seq 1000); do
	seq -f "$d/file%.0f" 95 | while IFS= read -r file; do echo "$file" >"$file"; done
	for w in 1 2 3 4 5; do ln .wh..wh.aufs "$d/.wh.removed$w"; done
done
