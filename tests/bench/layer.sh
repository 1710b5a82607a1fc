#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# layer.sh system DIR    - a Debian minbase tree in DIR, or what has as many files of the same sizes
# layer.sh small DIR     - 100,000 small files in it
# layer.sh change DIR    - 100 changes in such a tree, or one of 1,000 files
# layer.sh fresh DIR TAR - a new file system in DIR, in memory, with an empty layer `a` of containers-storage; TAR is read
set -eu

# How many files a minbase tree has of less than 1, 2, 4, ... bytes: all of 6,000 files save a few.
sizes='20 1 2 1 7 25 51 156 228 282 890 906 769 351 367 535 323 203 111 58 24 13 6'

like_debian() {
	mkdir -p "$1"
	(cd /usr && find . -xdev -type f -size -8M -printf '%s %p\n') | LC_ALL=C sort -k 2 | awk -v sizes="$sizes" '
		BEGIN { classes = split(sizes, want, " ") }
		index($2, "\\") == 0 && NF == 2 {
			class = 1
			for (n = $1; n >= 1; n /= 2)
				class++
			if (class <= classes && want[class]-- > 0)
				print $2
		}' >"$1.names"
	find /usr/bin /usr/lib -xdev -type l -printf '%P\n' | grep -v / | sed 's|.*|./bin/&|' | head -n 650 >>"$1.names"
	tar -C /usr --ignore-failed-read -cf - -T "$1.names" 2>/dev/null | tar -C "$1" -xf -
	rm "$1.names"
}

system() {
	if [ -d "${BENCH_MINBASE-}" ]; then
		cp -a "$BENCH_MINBASE" "$1"
	elif ! { command -v debootstrap >/dev/null && timeout 300 debootstrap --variant=minbase stable "$1"; } >&2; then
		rm -rf --one-file-system "$1"
		like_debian "$1"
	fi
	rm -rf "$1/var/cache/apt" "$1/var/lib/apt/lists"
}

small() {
	mkdir "$1"
	cd "$1"
	seq -f 'd%02.0f' 10 | xargs mkdir
	awk 'BEGIN {
		text = sprintf("%2000s", "")
		gsub(/ /, "x", text)
		for (d = 0; d < 1000; d++) {
			dir = sprintf("d%02d/s%04d", d % 10 + 1, d)
			system("mkdir " dir)
			for (f = 0; f < 100; f++) {
				file = sprintf("%s/file%03d", dir, f)
				print substr(text, 1, 100 + (d * 7 + f * 37) % 1900) >file
				close(file)
			}
		}
	}'
	# As from a tar: whole seconds.
	find . -exec touch -h -d @1700000000 {} +
}

change() {
	cd "$1"
	find . -type f | sort | awk '{ line[NR] = $0 } END { for (i = 0; i < 100; i++) print line[int(i * NR / 100) + 1] }' |
		while IFS= read -r file; do
			echo more >>"$file"
		done
}

gone() {
	cut -d ' ' -f 2 /proc/self/mounts | grep -F "$1/" | sort -r | while IFS= read -r mount; do
		umount -- "$mount"
	done
	! mountpoint -q "$1" || umount -- "$1"
}

fresh() {
	gone "$1"
	rm -f "$1.img"
	truncate -s 3G "$1.img"
	mkfs.ext4 -q -N 400000 -E lazy_itable_init=0,lazy_journal_init=0 "$1.img"
	mkdir -p "$1"
	mount -o loop "$1.img" "$1"
	mkdir "$1/tar" "$1/cs" "$1/run"
	! command -v containers-storage >/dev/null ||
		containers-storage --graph "$1/cs" --run "$1/run" -s overlay create-layer -i a >/dev/null 2>&1
	sync -f "$1"
	cat -- "$2" >/dev/null
}

case ${1-} in
system | small | change | fresh | gone) "$@" ;;
*)
	echo "usage: layer.sh system|small|change|fresh|gone DIR [TAR]" >&2
	exit 2
	;;
esac
