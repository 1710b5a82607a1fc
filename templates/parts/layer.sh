# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
#
# layer - a layer of a layer store, with a delta above it.
#
# For other parts: use_layer.

# Find the store of the layer. Sets $specs. The plan of the finished config refuses a layer that does not exist.
use_layer() {
	check_delta_store --layer
	specs=layer:$(escape "$layer")
	# `lxc-bdev layer -P` puts layers there. Without store=, the spec means the store in LXC's own lxcpath.
	if [ ! "$layer_store" ] && [ "${path%/*}" != "$(lxc-config lxc.lxcpath 2>/dev/null)" ] && [ -d "${path%/*}/.bdev-layers" ]; then
		layer_store=${path%/*}/.bdev-layers
	fi
	if [ "$layer_store" ]; then
		[ -d "$layer_store" ] || fail "--layer-store '$layer_store': no such directory"
		layer_store=$(cd -- "$layer_store" && pwd -P)
		specs=$specs,store=$(escape "$layer_store")
	fi
	check_layer_ids
	specs="$specs
$type:delta0$rest"
}

# With lxc.idmap, refuse a layer whose ids are not those of the container, as `lxc-bdev layer apply --idmap` writes them:
# other ids belong to nobody there.
check_layer_ids() {
	[ "$mapped" ] || return 0
	dir=${layer_store:-$(lxc-config lxc.lxcpath 2>/dev/null)/.bdev-layers}/diff/$layer
	owner=$(stat -c %u -- "$dir" 2>/dev/null) ||
		fail "--layer '$layer': with lxc.idmap the container's root must be able to search '$dir', and cannot; chmod o+x the directories above it"
	[ "$owner" -eq 0 ] ||
		fail "--layer '$layer': its files do not have the ids of lxc.idmap, and the kernel cannot map them below an overlay; apply it again with --idmap, as another layer"
}
