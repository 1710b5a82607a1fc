# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
#
# run - run other programs: report missing ones, their failure, and their progress; end them when the template ends.
#
# For other parts: fail, need, attended, supervised, quietly, helper, end_running.

# fail TEXT - end with an error line.
fail() {
	printf 'lxc-bdev: %s\n' "$1" >&2
	exit 1
}

# need PROGRAM PACKAGE - refuse to go on without a program.
need() { command -v "$1" >/dev/null || fail "missing program '$1'; install the package '$2'"; }

# The process that attended() has waited for last.
waited=''

# attended COMMAND... - run a program so that a signal to the template is handled while it runs. It gets the template's
# stdin, as inner templates ask questions. Returns its exit status.
attended() {
	"$@" <&3 3<&- 4<&- &
	result=0
	wait $! || result=$?
	waited=$!
	return "$result"
}

# End the program that attended() is waiting for: it might make a file after undo has removed that.
end_running() {
	[ "${!-}" != "$waited" ] || return 0
	kill -s TERM $! 2>/dev/null
	wait $!
}

# supervised PROGRESS COMMAND... - as attended(), and all processes that the program has started end with it and with the
# template, even when that is killed. PROGRESS is shown on the terminal while it takes long; '' shows nothing.
supervised() { attended "$HELPER" run-child --monitor $$ -- "$@"; }

# quietly PROBLEM PROGRESS COMMAND... - as supervised(), without the program's output. When it fails, so does the template,
# with PROBLEM and the first line of that output.
quietly() {
	problem=$1
	shift
	supervised "$@" >.lxc-bdev.out 2>&1 || fail "$problem ($(grep -m 1 . .lxc-bdev.out || echo "'$2' failed"))"
}

# helper VERB ARGUMENT... - run lxc-bdev. In its messages, replace a spec or a config line, which the failed creation
# removes, by the template's option that they come from.
helper() {
	origin="--store '$store'"
	for option in image layer base; do
		eval "[ ! \"\$$option\" ] || origin=\"--$option '\$$option'\""
	done
	failed=0
	attended "$HELPER" "$@" 2>.lxc-bdev.out >/dev/null || failed=$?
	while IFS= read -r line; do
		case $line in
		"lxc-bdev: mount: argument "[0-9]*": '"*"': "*) line=${line#*": '"} ;;
		"lxc-bdev: plan: $path/config:"*": bdev.rootfs: '"*"': "*) line=${line#*"bdev.rootfs: '"} ;;
		*)
			printf '%s\n' "$line" >&2
			continue
			;;
		esac
		printf 'lxc-bdev: %s: %s\n' "$origin" "${line#*"': "}" >&2
	done <.lxc-bdev.out
	return "$failed"
}
