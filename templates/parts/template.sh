# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
#
# template - fill the root file system by another LXC template.
#
# For others: check_template, run_template.

check_template() {
	case $template in
	/*) template_file=$template ;;
	*/*) usage_error "--template '$template': neither the name of a template nor an absolute path" ;;
	bdev) usage_error "--template 'bdev': it cannot run itself" ;;
	*) template_file=$TEMPLATE_DIR/lxc-$template ;;
	esac
	{ [ -f "$template_file" ] && [ -x "$template_file" ]; } ||
		fail "--template '$template': there is no program '$template_file'"
}

# run_template [ARGUMENT...]
run_template() {
	[ ! "$mapped" ] || [ "$mapped_last" ] ||
		set -- "$@" --mapped-uid "$mapped_uid" --mapped-gid "$mapped_gid"
	attended "$template_file" --path="$path" --name="$name" --rootfs="$rootfs" "$@" ||
		fail "--template '$template': it failed with status $?"
}
