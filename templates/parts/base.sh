# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
#
# base - a root file system that others have, below a delta: another container's, a directory's, a layer's.
#
# For others: use_base, use_layer, and $base_config.

# The container or directory that --base names: $lower is its spec.
check_base() {
	case $base in
	*/*) from=$base ;;
	*) from=${path%/*}/$base ;;
	esac
	[ -d "$from" ] || fail "--base '$base': there is no directory '$from'"
	[ "$(cd -- "$from" && pwd -P)" != "$(pwd -P)" ] || fail "--base '$base': that is the container itself"
	base_config=''
	lower="dir:$(escape "$from"),ro"
	if [ -f "$from/config" ] && grep -q '^[[:blank:]]*lxc\.' "$from/config"; then
		base_config=$from/config
		if grep -q '^[[:blank:]]*bdev\.rootfs' "$base_config"; then
			known_type container
			lower=container:$(escape "$from")
		else
			root=$(config_value "$base_config" lxc.rootfs.path)
			root=${root#dir:}
			[ -d "$root" ] || fail "--base '$base': its root '$root' is no directory"
			lower="dir:$(escape "$root"),ro"
		fi
	else
		case $base in
		*/*) ;;
		*) fail "--base '$base': '$from' is no container" ;;
		esac
		[ ! "$mapped" ] || [ "$(stat -c %u "$from")" -eq 0 ] ||
			fail "--base '$base': its files have not the ids of lxc.idmap, and the kernel cannot map them below an overlay"
	fi
}

use_base() {
	check_base
	specs="$lower
$type:delta0$rest"
}

# Whether there is such a layer, the plan of the finished config says.
use_layer() {
	specs=layer:$(escape "$layer")
	# Where lxc-bdev layer -P puts it; without store= a container's is in LXC's own lxcpath.
	if [ ! "$layer_store" ] && [ "${path%/*}" != "$(lxc-config lxc.lxcpath 2>/dev/null)" ] && [ -d "${path%/*}/.bdev-layers" ]; then
		layer_store=${path%/*}/.bdev-layers
	fi
	if [ "$layer_store" ]; then
		[ -d "$layer_store" ] || fail "--layer-store '$layer_store': there is no such directory"
		layer_store=$(cd -- "$layer_store" && pwd -P)
		specs=$specs,store=$(escape "$layer_store")
	fi
	check_layer_ids
	specs="$specs
$type:delta0$rest"
}

# With lxc.idmap, a layer must have the ids of its container, as lxc-bdev layer apply --idmap gives them: others would
# belong to nobody there.
check_layer_ids() {
	[ "$mapped" ] || return 0
	dir=${layer_store:-$(lxc-config lxc.lxcpath 2>/dev/null)/.bdev-layers}/diff/$layer
	owner=$(stat -c %u -- "$dir" 2>/dev/null) ||
		fail "--layer '$layer': with lxc.idmap the container's root must be able to look at '$dir', and cannot; chmod o+x what is above it"
	[ "$owner" -eq 0 ] ||
		fail "--layer '$layer': its files have not the ids of lxc.idmap, and the kernel cannot map them below an overlay; apply it once more with --idmap, as another layer"
}
