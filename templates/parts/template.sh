# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
#
# template - fill the root file system with another LXC template, the inner template.
#
# For other parts: check_template, run_template.

# Find the program of --template, and refuse if there is none. Sets $template_file.
check_template() {
	case $template in
	/*) template_file=$template ;;
	*/*) usage_error "--template '$template': neither the name of a template nor an absolute path" ;;
	bdev) usage_error "--template 'bdev' is this template; use another one" ;;
	*) template_file=$TEMPLATE_DIR/lxc-$template ;;
	esac
	{ [ -f "$template_file" ] && [ -x "$template_file" ]; } ||
		fail "--template '$template': no program '$template_file'; see '$TEMPLATE_DIR' for the installed templates"
}

# run_template [ARGUMENT...] - run it as LXC does. The processes that it leaves behind end with it.
run_template() {
	[ ! "$mapped" ] || [ "$mapped_last" ] ||
		set -- "$@" --mapped-uid "$mapped_uid" --mapped-gid "$mapped_gid"
	supervised '' "$template_file" --path="$path" --name="$name" --rootfs="$rootfs" "$@" ||
		fail "--template '$template': failed with exit status $?; see its messages above"
}
