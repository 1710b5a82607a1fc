# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
#
# run - run other programs: their absence, their output and their failure.
#
# For others: fail, need, attended, quietly, helper, as_we_are.

fail() {
	printf 'lxc-bdev: %s\n' "$1" >&2
	exit 1
}

# need PROGRAM PACKAGE
need() { command -v "$1" >/dev/null || fail "$1 is not installed; it is in the package $2"; }

# attended COMMAND... - a signal to us is handled while it runs. It has our stdin: templates ask questions.
attended() {
	"$@" <&3 3<&- 4<&- &
	wait $!
}

# quietly WHAT COMMAND... - its output only if it fails, then one line of it.
quietly() {
	what=$1
	shift
	attended "$@" >.lxc-bdev.out 2>&1 ||
		fail "$what: $(grep -m 1 . .lxc-bdev.out || echo "$1 failed")"
}

# helper VERB ARGUMENT... - run the helper. In its messages, replace a spec and a config line, which the failed creation
# deletes, by the template's option that they come from.
helper() {
	origin="--store '$store'"
	for option in image layer base; do
		eval "[ ! \"\$$option\" ] || origin=\"--$option '\$$option'\""
	done
	said=0
	attended "$HELPER" "$@" 2>.lxc-bdev.out >/dev/null || said=$?
	while IFS= read -r line; do
		case $line in
		"lxc-bdev: mount: SPEC: '"*"': "*) line=${line#*"SPEC: '"} ;;
		"lxc-bdev: plan: $path/config:"*": bdev.rootfs: '"*"': "*) line=${line#*"bdev.rootfs: '"} ;;
		*)
			printf '%s\n' "$line" >&2
			continue
			;;
		esac
		printf 'lxc-bdev: %s: %s\n' "$origin" "${line#*"': "}" >&2
	done <.lxc-bdev.out
	return "$said"
}

# mount(8) and umount(8) are setuid root, which is not the root of a user namespace.
as_we_are() { setpriv --no-new-privs -- "$@"; }
