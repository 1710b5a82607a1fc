#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# One system call fails, at each place: no wrong success, no leak, one clear line. `make check` runs a slice, `make faults` all of it.
# shellcheck disable=SC2034,SC2329 # what the words of a sweep are for
# shellcheck source=tests/lib.sh
. "$(dirname -- "$0")/lib.sh"
export LSAN_OPTIONS=detect_leaks=0 # it does not work under ptrace

FAIL_AT=$ROOT/build/tests/tools/kill-at
# A file that gets all complaints, a line each; else the first ones of a sweep are shown.
FAULTS_OUT=${FAULTS_OUT-}
# FAULTS="EMFILE EIO ...": each system call with each of these errors. Without it every SLICE-th, with these in turn.
SLICE=7
ERRORS='EMFILE ENOMEM EIO EACCES'

setUpEach() {
	mkdir m lower
	echo content >lower/marker
	unset -f before done_ok undone heal 2>/dev/null
	store=$HERE/store
}

# These are asked after each system call, so they start no process.
is_mounted() { [ -e m/marker ]; }
no_loop() {
	for _file in /sys/block/loop*/loop/backing_file; do
		read -r _image <"$_file" || continue
		case $_image in "$HERE"/*) return 1 ;; esac
	done 2>/dev/null
}
clean() { ! is_mounted && no_loop && no_record; }

# complain TEXT - this run is a failure of the sweep; with $FAULTS_OUT, one line there.
complain() {
	complaints=$((complaints + 1))
	_text="$verb: call $n ($(cat hit)) $error: status $status: $1: $err"
	[ -z "$FAULTS_OUT" ] || printf '%s\n' "$_text" >>"$FAULTS_OUT"
	[ "$complaints" -gt 10 ] || fail "$_text"
}

# What every run must keep, whatever failed.
judge() {
	if [ "$status" -ge 126 ]; then
		complain 'ended by a signal'
	elif [ "$status" -eq "$success" ] && { [ "$success" -eq 0 ] || [ -z "$err" ]; }; then
		done_ok || complain 'wrong success'
	else
		[ "$(wc -l <"$SCRATCH/stderr")" -eq 1 ] || complain 'not one line'
		undone || complain 'failed, and half done'
	fi
	heal || complain "left behind: $(left)"
}

# sweep COMMAND... - for each system call and error: `before`, run it, `judge`: `done_ok` after a success, `undone` after a
# failure, and always `heal`, which repeats or undoes, and is true when nothing is left. `success` is its status.
sweep() {
	verb=$1
	program_of "$1"
	complaints=0 n=0 injected=0 turn=$ERRORS
	while :; do
		if [ "${FAULTS-}" ]; then
			n=$((n + 1))
			errors=$FAULTS
		else
			n=$((n + SLICE))
			errors=${turn%% *}
			turn="${turn#* } $errors"
		fi
		for error in $errors; do
			before
			run "$FAIL_AT" -e "$error" -o hit "$n" "$program" "$@"
			judge
			[ -s hit ] || break 2
			injected=$((injected + 1))
		done
	done
	assertEquals "without a fault: $err" "$success" "$status"
	assertTrue "faults: $injected" "[ $injected -ge 3 ]"
	assertEquals "complaints of $injected faults" 0 "$complaints"
}

# --- mount and umount ---

mount_heals() {
	! is_mounted || "$LXC_BDEV" umount m 2>/dev/null || return
	eventually no_loop || return
	no_record || { "$LXC_BDEV" doctor --fix >/dev/null && no_record; }
}
# A failed umount: what is mounted is still recorded.
whole_or_gone() { clean || { is_mounted && ! no_record; } || ! is_mounted; }

sweep_mount() { # SPEC...
	success=0
	before() { :; }
	done_ok() { is_mounted && ! no_record; }
	undone() { ! is_mounted; }
	heal() { mount_heals; }
	sweep mount "$@" m
}
sweep_umount() { # SPEC...
	success=0
	specs=$*
	# shellcheck disable=SC2086 # several specs, without blanks
	before() { is_mounted || "$LXC_BDEV" mount $specs m; }
	done_ok() { clean || eventually clean; }
	undone() { whole_or_gone; }
	heal() { mount_heals; }
	sweep umount m
}

testMountOfALoop() {
	make_image image ext4 8 "$PWD/lower"
	sweep_mount loop:image
}
testUmountOfALoop() {
	make_image image ext4 8 "$PWD/lower"
	sweep_umount loop:image
	run e2fsck -fn image
	assert_status 0
}
testMountOfAStack() {
	make_image image ext4 8 "$PWD/lower"
	sweep_mount loop:image,ro dir:lower,ro overlay:upper
}
testUmountOfAStack() {
	make_image image ext4 8 "$PWD/lower"
	sweep_umount loop:image,ro dir:lower,ro overlay:upper
}

# --- what a user is told ---

testStatus() {
	success=0
	"$LXC_BDEV" mount dir:lower,ro overlay:upper m
	before() { :; }
	done_ok() { case $out in *"$HERE/m  mounted"*'overlay:upper'*) ;; *) false ;; esac }
	undone() { :; }
	heal() { is_mounted; }
	sweep status
	bdev umount m
}

testPlan() {
	make_image image ext4 8 "$PWD/lower"
	container c1 "loop:$HERE/image,ro" tmpfs:. overlay:delta
	success=0
	bdev plan -P "$LXCPATH" -n c1
	plan=$out
	before() { :; }
	done_ok() { [ "$out" = "$plan" ]; }
	undone() { [ -z "$out" ]; }
	heal() { clean; }
	sweep plan -P "$LXCPATH" -n c1
}

# Something is left of a mount that was taken off by hand.
lose() {
	no_record && "$LXC_BDEV" mount dir:lower,ro overlay:upper m
	! is_mounted || umount m
}

testDoctor() {
	success=1
	before() { lose; }
	done_ok() { case $out in *"$HERE/m"*) ;; *) false ;; esac }
	undone() { [ "$status" -eq 1 ]; }
	heal() { ! no_record; }
	sweep doctor
	bdev doctor --fix
}
testDoctorFix() {
	success=0
	before() { lose; }
	done_ok() { clean; }
	undone() { case $out in *': released') no_record ;; esac }
	heal() { "$LXC_BDEV" doctor --fix >/dev/null && clean; }
	sweep doctor --fix
}

# --- hooks, with this shell as the monitor: tests/run gave it a mount namespace ---

post_stop() { "$LXC_BDEV_HOOK" post-stop --monitor $$ --name c1 --config "$LXCPATH/c1/config" --target stop 2>/dev/null; }
pre_start() {
	"$LXC_BDEV_HOOK" pre-start --monitor $$ --name c1 --config "$LXCPATH/c1/config" --rootfs "dir:$LXCPATH/c1/rootfs"
}
has_root() { [ -e "$LXCPATH/c1/rootfs/marker" ]; }
hook_clean() { ! has_root && no_loop && no_record; }
hook_heals() { post_stop && eventually hook_clean; }

testPreStart() {
	make_image image ext4 8 "$PWD/lower"
	container c1 "loop:$HERE/image,ro" tmpfs:. overlay:delta
	success=0
	before() { :; }
	done_ok() { has_root && ! no_record; }
	undone() { ! has_root; }
	heal() { hook_heals; }
	sweep pre-start --monitor $$ --name c1 --config "$LXCPATH/c1/config" --rootfs "dir:$LXCPATH/c1/rootfs"
}
testPostStop() {
	make_image image ext4 8 "$PWD/lower"
	container c1 "loop:$HERE/image" dir:"$HERE/lower",ro overlay:delta
	success=0
	before() { has_root || pre_start; }
	done_ok() { hook_clean || eventually hook_clean; }
	undone() { hook_clean || ! has_root || ! no_record; }
	heal() { hook_heals; }
	sweep post-stop --monitor $$ --name c1 --config "$LXCPATH/c1/config" --target stop
}

# The clone hook by hand: what LXC has made before it is a directory with a copy of the config.
testClone() {
	make_image image ext4 8 "$PWD/lower"
	container c1 loop:disk
	cp image "$LXCPATH/c1/disk"
	success=0
	before() {
		rm -rf "$LXCPATH/c2"
		mkdir -p "$LXCPATH/c2/rootfs"
		sed "s|/c1/|/c2/|" "$LXCPATH/c1/config" >"$LXCPATH/c2/config"
	}
	done_ok() { cmp -s image "$LXCPATH/c2/disk" && [ ! -e "$LXCPATH/c2/.lxc-bdev.cloning" ]; }
	# LXC destroys it then. Nothing that looks whole is half.
	undone() { [ ! -e "$LXCPATH/c2/disk" ] || cmp -s image "$LXCPATH/c2/disk"; }
	heal() { cmp -s image "$LXCPATH/c1/disk" && no_loop && { no_record || { "$LXC_BDEV" doctor --fix && no_record; }; }; }
	sweep clone --name c2 --source c1 --config "$LXCPATH/c2/config" --rootfs "dir:$LXCPATH/c2/rootfs"
}

# --- deltas ---

# One with a whiteout and an opaque directory, as aufs writes them.
make_delta() {
	rm -rf d d.* && mkdir -p d/opaque d/new && echo file >d/new/file && : >d/.wh.gone && : >d/opaque/.wh..wh..opq &&
		: >d/.wh..wh.aufs
}
is_overlay() {
	[ -c d/gone ] && [ ! -e d/.wh.gone ] && [ -e d/new/file ] &&
		getfattr --only-values -n trusted.overlay.opaque d/opaque 2>/dev/null | grep -q y
}
testConvert() {
	success=0
	before() { make_delta; }
	done_ok() { is_overlay && [ "$(echo d*)" = d ]; }
	undone() { [ -e d/.wh.gone ] || is_overlay; }
	heal() { "$LXC_BDEV" convert overlay d >/dev/null && is_overlay && [ "$(echo d*)" = d ]; }
	sweep convert overlay d
}

# --- layers ---

in_store() { "$LXC_BDEV" layer --store "$store" "$@"; }
has() { [ -e "$store/layers/$1" ]; }
store_clean() { in_store check --repair >/dev/null; }
make_store() {
	mkdir one
	echo content >one/file
	tar -cf in.tar -C one .
	in_store apply base in.tar >/dev/null
}

testLayerCreate() {
	make_store
	success=0
	before() { ! has a || in_store remove a; }
	done_ok() { has a && [ -d "$store/diff/a" ]; }
	undone() { :; }
	heal() { { has a || in_store create a --parent base; } && store_clean; }
	sweep layer --store "$store" create a --parent base
}
testLayerApply() {
	make_store
	success=0
	before() { ! has a || in_store remove a; }
	done_ok() { has a && read -r _text <"$store/diff/a/file" && [ "$_text" = content ]; }
	undone() { :; }
	heal() { { has a || in_store apply a in.tar --parent base >/dev/null; } && done_ok && store_clean; }
	sweep layer --store "$store" apply a in.tar --parent base
}
testLayerRemove() {
	make_store
	success=0
	before() { has a || in_store apply a in.tar --parent base >/dev/null; }
	# Removed is what has no record; what could not be moved away is said.
	done_ok() {
		! has a && case $err in
		*"layer 'a' is removed; lxc-bdev layer cleanup removes what is left"*) true ;;
		*) [ ! -e "$store/diff/a" ] ;;
		esac
	}
	undone() { ! has a || [ -e "$store/diff/a/file" ]; }
	heal() { store_clean && { has a || [ ! -e "$store/diff/a" ]; }; }
	sweep layer --store "$store" remove a
}
testLayerThatIsHeldIsNotRemoved() {
	make_store
	in_store apply a in.tar --parent base >/dev/null
	in_store get a --holder h >/dev/null
	success=1
	before() { :; }
	done_ok() { :; }
	undone() { has a && [ -e "$store/mnt/a/file" ]; }
	heal() { undone; }
	sweep layer --store "$store" remove a
	in_store put a --holder h
}
testLayerGet() {
	make_store
	in_store apply a in.tar --parent base >/dev/null
	success=0
	before() { in_store put a --holder h 2>/dev/null; }
	done_ok() { [ -e "$store/mnt/a/file" ]; }
	undone() { :; }
	heal() { in_store get a --holder h >/dev/null && done_ok && in_store put a --holder h && [ ! -e "$store/mnt/a/file" ]; }
	sweep layer --store "$store" get a --holder h
}
testLayerPut() {
	make_store
	in_store apply a in.tar --parent base >/dev/null
	success=0
	before() { in_store get a --holder h >/dev/null; }
	done_ok() { [ ! -e "$store/mnt/a/file" ]; }
	undone() { :; }
	heal() { in_store get a --holder h >/dev/null && in_store put a --holder h && done_ok; }
	sweep layer --store "$store" put a --holder h
}

# shellcheck source=/dev/null
. shunit2
