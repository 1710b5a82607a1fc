# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
#
# file-kind - tell tar archives, compressed files and images apart by their first bytes.
#
# For others: bytes, unpacker_of, kind_of_image, check_file.

# bytes FILE OFFSET LENGTH - in hexadecimal.
bytes() { od -A n -j "$2" -N "$3" -t x1 -- "$1" 2>/dev/null | tr -d ' \n'; }

# unpacker_of FILE - the program that unpacks it, and its package; nothing if it is not compressed.
unpacker_of() {
	case $(bytes "$1" 0 6) in
	1f8b*) echo 'gzip gzip' ;;
	fd377a585a00) echo 'xz xz-utils' ;;
	28b52ffd*) echo 'zstd zstd' ;;
	425a68*) echo 'bzip2 bzip2' ;;
	esac
}

# kind_of_image FILE - what image it is, if it is one; nothing if it may be something else.
kind_of_image() {
	case $(bytes "$1" 0 4) in
	514649fb) echo 'a qcow2 image' ;;
	4b444d56) echo 'a vmdk image' ;;
	*) blkid -p -o export -- "$1" 2>/dev/null | sed -n 's/^TYPE=\(.*\)/an image of \1/p; s/^PTTYPE=\(.*\)/an image with a \1 partition table/p' | head -n 1 ;;
	esac
}

# check_file OPTION FILE
check_file() {
	[ ! -d "$2" ] || fail "--$1 '$2': it is a directory; take --base"
	{ [ -f "$2" ] && [ -r "$2" ]; } || fail "--$1 '$2': there is no such file, or it cannot be read"
}
