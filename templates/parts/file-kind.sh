# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
#
# file-kind - tell tar archives, compressed files and images apart by their content.
#
# For other parts: is_tar, unpacker_of, kind_of_image, extension_of, check_file, size_of.

# bytes FILE OFFSET LENGTH - print these bytes in hexadecimal.
bytes() { od -A n -j "$2" -N "$3" -t x1 -- "$1" 2>/dev/null | tr -d ' \n'; }

# is_tar FILE - whether it has the mark of tar archives, "ustar". The oldest tar has none.
is_tar() { [ "$(bytes "$1" 257 5)" = 7573746172 ]; }

# unpacker_of FILE - print the program that unpacks it, and its package; nothing if it is not compressed.
unpacker_of() {
	case $(bytes "$1" 0 6) in
	1f8b*) echo 'gzip gzip' ;;
	fd377a585a00) echo 'xz xz-utils' ;;
	28b52ffd*) echo 'zstd zstd' ;;
	425a68*) echo 'bzip2 bzip2' ;;
	esac
}

# kind_of_image FILE - print which kind of image it is; nothing if it is none, or unknown.
kind_of_image() {
	case $(bytes "$1" 0 4) in
	514649fb) echo 'a qcow2 image' ;;
	4b444d56) echo 'a vmdk image' ;;
	*) blkid -p -o export -- "$1" 2>/dev/null | sed -n 's/^TYPE=\(.*\)/an image of \1/p; s/^PTTYPE=\(.*\)/an image with a \1 partition table/p' | head -n 1 ;;
	esac
}

# extension_of FILE - print its extension in lower case.
extension_of() {
	case ${1##*/} in
	*.*) printf '%s' "${1##*.}" | tr '[:upper:]' '[:lower:]' ;;
	esac
}

# check_file OPTION FILE - refuse what is no readable file.
check_file() {
	[ ! -d "$2" ] || fail "--$1 '$2' is a directory; use --base"
	{ [ -f "$2" ] && [ -r "$2" ]; } || fail "--$1 '$2': no such file, or it cannot be read"
}

# size_of FILE - print how much it holds, with a unit. Holes do not count.
size_of() { echo "$(($(stat -L -c '%b * %B' -- "$1") >> 20)) MiB"; }
