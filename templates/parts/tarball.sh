# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
#
# tarball - fill the root file system from a tar archive.
#
# For other parts: check_tarball, unpack.

# Refuse a file that tar cannot unpack. Sets $unpacker.
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
	! is_tar "$file" || return 0
	kind=$(kind_of_image "$file")
	[ ! "$kind" ] ||
		fail "--tarball '$tarball' is $kind, not a tar archive; ${unpacker:+unpack it with $unpacker and }use --image"
}

# Unpack it on $rootfs with owners, modes and attributes.
unpack() {
	set -- --extract --file "$tarball" --force-local --numeric-owner --same-owner --preserve-permissions --acls --xattrs
	[ ! "$unpacker" ] || set -- "$@" -I "$unpacker"
	if [ "$mapped" ]; then
		# In a user namespace no device can be made, nor trusted.* be set. LXC makes its own /dev.
		set -- "$@" --anchored --exclude './dev/*' --exclude 'dev/*' --xattrs-include 'user.*' \
			--xattrs-include security.capability
	else
		set -- "$@" --xattrs-include '*'
	fi
	case $mounted in
	image) remedy="check the archive, or use a size= above $size" ;;
	*) remedy="check the archive and the free space of '$path'" ;;
	esac
	# tar itself would take a '\' in the directory's name for an escape.
	# shellcheck disable=SC2016 # it is for the inner shell
	quietly "--tarball '$tarball': cannot be unpacked; $remedy" "unpacking '$tarball' ($(size_of "$tarball"))" \
		sh -c 'cd -- "$1" && shift && exec tar "$@"' sh "$rootfs" "$@"
}
