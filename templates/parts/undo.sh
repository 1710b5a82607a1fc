# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
#
# undo - what a failed or interrupted creation removes again, and the mark that it was not finished.
#
# For others: begin_undo, claim, and the variables finished, mounted and shown.

finished='' mounted='' shown='' made='' config_saved='' marked=''

# claim NAME - a file or directory of ours in the container's directory.
claim() {
	{ [ ! -e "$1" ] && [ ! -L "$1" ]; } || fail "'$path/$1' exists already"
	made="$made $1"
}

# shown_at PATH - the fields of its mountinfo line that are the same in every mount namespace with this mount: device, root
# and mount point. Without the mount point they would match all containers that share the image.
shown_at() {
	AT=$(realpath -- "$1" | sed 's/\\/\\134/g; s/ /\\040/g; s/\t/\\011/g') \
		awk '$5 == ENVIRON["AT"] { shown = " " $3 " " $4 " " $5 " " } END { print shown }' /proc/self/mountinfo
}

# End all other processes in our mount namespace, or in one that has our mount of the store: they were started from here,
# and may still write.
end_others() {
	for signal in TERM KILL; do
		for try in 1 2 3 4 5 6 7 8 9 10; do
			set -- /proc/[0-9]*/ns/mnt /proc/[0-9]*/mountinfo
			others=$(
				{
					find "$@" -maxdepth 0 -lname "mnt:\\${own_namespace#mnt:}"
					[ ! "$shown" ] || grep -lsF -e "$shown" "$@"
				} 2>/dev/null | cut -d / -f 3 | sort -u | grep -vx "$$"
			)
			[ "$others" ] || return 0
			# shellcheck disable=SC2086 # a list of numbers
			[ "$try" -gt 1 ] || kill -s "$signal" $others 2>/dev/null
			sleep 0.1
		done
	done
}

undo() {
	status=$?
	trap '' HUP INT TERM
	trap - EXIT
	if [ ! "$finished" ]; then
		# What a signal came before may not even have begun: it would make its file after we removed that.
		end_others
		[ ! "$mounted" ] || unmount_store 2>/dev/null
		for name in $made; do
			rm -rf --one-file-system -- "${path:?}/$name"
		done
		[ ! "$config_saved" ] || mv -f -- "$path/.lxc-bdev.config" "$path/config"
	fi
	[ ! "${path-}" ] || rm -f -- "$path/.lxc-bdev.config" "$path/.lxc-bdev.out"
	# After a signal LXC has ended, too, and left its own part of the container.
	case $finished:$status in
	:129 | :130 | :143) [ ! "$marked" ] || : >>"$path/.lxc-bdev.cloning" ;;
	:*) [ ! "$marked" ] || rm -f -- "$path/.lxc-bdev.cloning" ;;
	esac
	exit "$status"
}

# Undo from here on whatever ends the template, and mark the container as unfinished.
begin_undo() {
	trap undo EXIT
	# The first signal counts: a second one, as when lxc-create dies of the same, must not stop the undoing.
	trap 'trap "" HUP INT TERM; exit 129' HUP
	trap 'trap "" HUP INT TERM; exit 130' INT
	trap 'trap "" HUP INT TERM; exit 143' TERM
	# The mark of what is not whole, which `lxc-bdev doctor` looks for; only who holds its lock still makes it.
	exec 4>.lxc-bdev.cloning || exit 1
	flock -n 4 || fail "'$path' is being made by another process"
	marked=yes
}

# Keep the config that LXC has written, for undo.
save_config() {
	if [ -f config ]; then
		cp -p config .lxc-bdev.config
		config_saved=yes
	else
		made=config
	fi
}
