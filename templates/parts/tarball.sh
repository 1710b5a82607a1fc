# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
#
# tarball - fill the root file system from a tar archive.
#
# For others: check_tarball, unpack.

check_tarball() {
	check_file tarball "$tarball"
	need tar tar
	unpacker=$(unpacker_of "$tarball")
	[ ! "$unpacker" ] || need "${unpacker% *}" "${unpacker#* }"
	unpacker=${unpacker% *}
	file=$tarball
	if [ "$unpacker" ]; then
		file=.lxc-bdev.out
		"$unpacker" -dc 2>/dev/null <"$tarball" | head -c 131072 >"$file"
	fi
	# "ustar". The oldest tar has no mark.
	[ "$(bytes "$file" 257 5)" != 7573746172 ] || return 0
	kind=$(kind_of_image "$file")
	[ ! "$kind" ] ||
		fail "--tarball '$tarball': it is no tar archive but $kind; ${unpacker:+unpack it (by $unpacker) and }take --image"
}

unpack() {
	set -- --extract --file "$tarball" --force-local --numeric-owner --same-owner --preserve-permissions --acls --xattrs
	[ ! "$unpacker" ] || set -- "$@" -I "$unpacker"
	if [ "$mapped" ]; then
		# Devices cannot be made there, nor trusted.* set; LXC makes its own /dev.
		set -- "$@" --anchored --exclude './dev/*' --exclude 'dev/*' --xattrs-include 'user.*' \
			--xattrs-include security.capability
	else
		set -- "$@" --xattrs-include '*'
	fi
	# shellcheck disable=SC2016 # it is for the inner shell
	# tar itself would take a '\' in the directory's name for an escape.
	quietly "--tarball '$tarball'" sh -c 'cd -- "$1" && shift && exec tar "$@"' sh "$rootfs" "$@"
}
