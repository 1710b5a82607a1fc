# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
#
# undo - remove what a failed or interrupted creation has made, and mark the container as unfinished until it is whole.
#
# For other parts: begin_undo, save_config, claim, remove_mark, and the variables $finished (yes: keep all) and $mounted (what is
# mounted on $rootfs: image, bind or nothing).

finished='' mounted='' made='' config_saved='' marked=''

# claim NAME - record a new file or directory in the container's directory, before it is made. Undo removes it.
claim() {
	{ [ ! -e "$1" ] && [ ! -L "$1" ]; } || fail "'$path/$1' exists already; remove it first"
	made="$made $1"
}

# Keep the config that LXC has written. Undo puts it back.
save_config() {
	if [ -f config ]; then
		cp -p config .lxc-bdev.config
		config_saved=yes
	else
		made=config
	fi
}

# Undo from here on when the template ends before $finished is set, and mark the container as unfinished.
begin_undo() {
	trap undo EXIT
	# Only the first signal counts: a second one, as when lxc-create dies of the same, must not stop the undoing.
	trap 'trap "" HUP INT TERM; exit 129' HUP
	trap 'trap "" HUP INT TERM; exit 130' INT
	trap 'trap "" HUP INT TERM; exit 143' TERM
	# `lxc-bdev doctor` looks for this mark; while its lock is held, the container is still being created.
	exec 4>.lxc-bdev.cloning || exit 1
	flock -n 4 || fail "another process is creating '$path'; wait for it"
	marked=yes
}

remove_mark() { rm -f -- .lxc-bdev.cloning; }

undo() {
	status=$?
	trap '' HUP INT TERM
	trap - EXIT
	if [ ! "$finished" ]; then
		end_running
		[ ! "$mounted" ] || unmount_store 2>/dev/null
		for name in $made; do
			rm -rf --one-file-system -- "${path:?}/$name"
		done
		[ ! "$config_saved" ] || mv -f -- "$path/.lxc-bdev.config" "$path/config"
	fi
	[ ! "${path-}" ] || rm -f -- "$path/.lxc-bdev.config" "$path/.lxc-bdev.out"
	# After a signal LXC has ended as well, and has left its own part of the container: the mark tells doctor.
	case $finished:$status in
	:129 | :130 | :143) [ ! "$marked" ] || : >>"$path/.lxc-bdev.cloning" ;;
	:*) [ ! "$marked" ] || rm -f -- "$path/.lxc-bdev.cloning" ;;
	esac
	exit "$status"
}
