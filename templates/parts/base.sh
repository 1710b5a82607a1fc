# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
#
# base - a linked clone: another container's root file system, or a directory, with a delta above it.
#
# For other parts: use_base, record_base, and $base_config (the config of the base, if it is a container).

# Refuse a directory that holds images and no root file system: what should be a base is one of its files.
check_no_images() {
	for one in bin sbin usr etc lib init; do
		[ ! -e "$from/$one" ] && [ ! -L "$from/$one" ] || return 0
	done
	for file in "$from"/*; do
		[ -f "$file" ] || continue
		case $(extension_of "$file") in
		raw | img | squashfs | sqfs | sfs | erofs | vhd | qcow2 | qed | vdi | vmdk | vhdx | vpc) kind=image ;;
		*) kind=$(kind_of_image "$file") ;;
		esac
		[ ! "$kind" ] ||
			fail "--base '$base' is a directory of images, not a root file system; use one of them, as --image '$file'"
	done
}

# Find the container or directory that --base names. Sets $from, $base_config, and $lower to its spec.
check_base() {
	case $base in
	*/*) from=$base ;;
	*) from=${path%/*}/$base ;;
	esac
	[ -d "$from" ] || fail "--base '$base': no directory '$from'"
	[ "$(cd -- "$from" && pwd -P)" != "$(pwd -P)" ] || fail "--base '$base' is the new container itself; use another one"
	base_config=''
	lower="dir:$(escape "$from"),ro"
	if [ -f "$from/config" ] && grep -q '^[[:blank:]]*lxc\.' "$from/config"; then
		base_config=$from/config
		if grep -q '^[[:blank:]]*bdev\.rootfs' "$base_config"; then
			lower=container:$(escape "$from")
		else
			root=$(config_value "$base_config" lxc.rootfs.path)
			root=${root#dir:}
			[ -d "$root" ] || fail "--base '$base': its root '$root' is not a directory"
			lower="dir:$(escape "$root"),ro"
		fi
	else
		case $base in
		*/*) ;;
		*) fail "--base '$base': '$from' is not a container" ;;
		esac
		check_no_images
		[ ! "$mapped" ] || [ "$(stat -c %u "$from")" -eq 0 ] ||
			fail "--base '$base': its files do not have the ids of lxc.idmap, and the kernel cannot map them below an overlay"
	fi
}

use_base() {
	check_delta_store --base
	check_base
	specs="$lower
$type:delta0$rest"
}

# Record in LXC's own files, as lxc-copy -s does, that this container depends on its base: while it is there, the base is
# neither destroyed nor written to.
record_base() {
	{ [ "$base" ] && [ "$base_config" ]; } || return 0
	case $from in
	/*) ;;
	*) from=$(cd -- "$from" && pwd) ;;
	esac
	while [ "${from%/}" != "$from" ]; do from=${from%/}; done
	[ -w "$from" ] || return 0
	"$HELPER" depend --name "$name" --config "$path/config" --source "$from" || exit 1
}
