# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
#
# lib.sh - what the test files share. Source it first, and `. shunit2` last.
#
# A test is a function testThePromiseItKeeps: arrange, `run`, assert the status,
# then the output. Everything lives in $HERE, new for each test, and goes with it.

ROOT=$(CDPATH='' cd -P -- "$(dirname -- "$0")/.." && pwd)
LXC_BDEV=$ROOT/build/lxc-bdev
LXC_BDEV_HOOK=$ROOT/build/lxc-bdev-hook
# The directories of the LXC in PATH.
_lxc=$(readlink -f "$(command -v lxc-start)")
LXC_COMMON=${_lxc%/bin/lxc-start}/share/lxc/config
LXC_TEMPLATES=${_lxc%/bin/lxc-start}/share/lxc/templates
: "${SWEEP:=6}" # sweeps kill at every sixth system call, or so; `make sweeps` at each
: "${SCRATCH:?run this through tests/run}" "${TEST_RESULTS:?}"

# run COMMAND... - sets $status, and $out and $err to what it printed.
run() {
	status=0
	"$@" >"$SCRATCH/stdout" 2>"$SCRATCH/stderr" || status=$?
	out=$(cat "$SCRATCH/stdout")
	err=$(cat "$SCRATCH/stderr")
}

# strace ARGUMENT... - without the leak sanitizer (SAN=1), which cannot work in a traced program.
strace() { LSAN_OPTIONS=detect_leaks=0 command strace "$@"; }

# install_template FILE CONFIG_DIR - the template as `make install` makes it, for this tree's helper and LXC's own templates.
install_template() { "$ROOT/templates/assemble" "$ROOT/build" "$2" "$LXC_TEMPLATES" >"$1" && chmod +x "$1"; }

bdev() { run "$LXC_BDEV" "$@"; }
hook() { run "$LXC_BDEV_HOOK" "$@"; }

# program_of VERB - sets $program to the one that has this verb.
program_of() {
	case ${1-} in
	pre-start | post-stop | clone | destroy) program=$LXC_BDEV_HOOK ;;
	*) program=$LXC_BDEV ;;
	esac
}

# eventually COMMAND... - wait for it to be true, at most 10 s.
eventually() {
	_i=0
	until "$@"; do
		_i=$((_i + 1))
		[ "$_i" -lt 500 ] || return 1
		sleep 0.02
	done
}

# assert_status WANTED - the last run had this exit status; its output is shown if it had not.
assert_status() { assertEquals "exit status; stdout: $out; stderr: $err" "$1" "$status"; }

# assert_one_line TEXT... - the last run failed with exactly one line on stderr, which has each TEXT in it.
assert_one_line() {
	assertEquals "lines on stderr: $err" 1 "$(wc -l <"$SCRATCH/stderr")"
	for _text; do
		assertContains "$err" "$_text"
	done
}

# skip REASON - skip the rest of this test; REASON names what this host lacks.
skip() {
	printf 'skip %s: %s\n' "$_shunit_test_" "$1" >>"$TEST_RESULTS"
	_skipped=1
	startSkipping
}

# needs_lxc_copy_e - skip, and be false, if LXC cannot start an ephemeral copy even without lxc-bdev (see bdev.conf(5)). Tried
# once for each file.
needs_lxc_copy_e() {
	[ ! -e "$SCRATCH/lxc-copy-e" ] || return 0
	_plain=$HERE/plain
	mkdir -p "$_plain/c/rootfs"
	make_root "$_plain/c/rootfs"
	printf 'lxc.rootfs.path = dir:%s/c/rootfs\n%s\n' "$_plain" "$CONTAINER_CONF" >"$_plain/c/config"
	if lxc-copy -P "$_plain" -n c -N e -e >/dev/null 2>&1; then
		lxc-stop -k -P "$_plain" -n e
		: >"$SCRATCH/lxc-copy-e"
	else
		skip "lxc-copy -e of LXC $(lxc-copy --version) cannot start a copy, with and without lxc-bdev"
		return 1
	fi
}

# make_root DIR - a minimal system that boots as a container: busybox and nothing else.
make_root() {
	mkdir -p "$1/bin" "$1/sbin" "$1/etc" "$1/proc" "$1/sys" "$1/dev" "$1/tmp" "$1/run" "$1/root" &&
		cp /bin/busybox "$1/bin/busybox" &&
		for _applet in sh cat echo ls sleep touch mount reboot poweroff dd sync rm mkdir ln mknod mkfifo; do
			ln -sf busybox "$1/bin/$_applet" || return
		done &&
		ln -sf ../bin/busybox "$1/sbin/init" &&
		printf '::sysinit:/bin/echo\n::respawn:/bin/sleep 1000\n' >"$1/etc/inittab" &&
		echo base >"$1/etc/marker"
}

# shared_root - print the path of a root that all tests of a file share.
shared_root() {
	[ -d "$SCRATCH/root" ] || make_root "$SCRATCH/root"
	printf '%s\n' "$SCRATCH/root"
}

# make_image FILE FSTYPE [MIB [DIR]] - an image of that file system holding DIR (default: the shared root).
make_image() {
	_dir=${4-$(shared_root)}
	_mib=${3-64}
	[ "$2" != xfs ] || [ "$_mib" -ge 300 ] || _mib=300
	[ "$2" != btrfs ] || [ "$_mib" -ge 128 ] || _mib=128
	rm -f -- "$1"
	case $2 in
	squashfs) mksquashfs "$_dir" "$1" -quiet -no-progress -comp gzip >/dev/null ;;
	erofs) mkfs.erofs --quiet "$1" "$_dir" >/dev/null 2>&1 || mkfs.erofs "$1" "$_dir" >/dev/null ;;
	ext[234]) truncate -s "${_mib}M" "$1" && "mkfs.$2" -q -F -d "$_dir" "$1" ;;
	btrfs) truncate -s "${_mib}M" "$1" && mkfs.btrfs -q --rootdir "$_dir" "$1" ;;
	xfs)
		truncate -s "${_mib}M" "$1" && mkfs.xfs -q "$1" && mkdir -p "$SCRATCH/xfs" &&
			"$LXC_BDEV" mount "loop:$1" "$SCRATCH/xfs" && cp -a "$_dir/." "$SCRATCH/xfs/" &&
			"$LXC_BDEV" umount "$SCRATCH/xfs"
		;;
	*) return 1 ;;
	esac
}

# for_everybody - print the path of a copy of the program that other users can run. They may not be able to reach the
# checkout itself, and the modes of what is built there depend on the umask of whoever built it.
for_everybody() {
	chmod o+x "$TMPDIR" "$SCRATCH" "$HERE" "$LXCPATH" && install -D -m 0755 "$LXC_BDEV" "$HERE/bin/lxc-bdev" &&
		printf '%s\n' "$HERE/bin/lxc-bdev"
}

# The config line to run unconfined, on hosts with AppArmor; an LXC without AppArmor refuses it.
UNCONFINED=''
if { read -r _enabled </sys/module/apparmor/parameters/enabled; } 2>/dev/null && [ "$_enabled" = Y ]; then
	UNCONFINED='lxc.apparmor.profile = unconfined'
fi

# The config lines of all containers, without the stack.
CONTAINER_CONF="lxc.net.0.type = empty
$UNCONFINED"

# xattrs [OPTION...] - the extended attributes of all files below the current directory, sorted by their names:
# file systems list them in different orders.
xattrs() { find . -print0 | sort -z | xargs -0 getfattr -h -d -m - "$@" 2>/dev/null; }

# --- containers, in $LXCPATH (new for each test; its path has a blank in it) ---

# hook_scripts DIR [PREFIX] - this tree's hooks in DIR, as they are installed. With PREFIX, commands that run the helper.
hook_scripts() {
	mkdir -p "$1"
	for _hook in pre-start post-stop clone destroy; do
		sed "s|@LIBEXECDIR@|$ROOT/build|; s|^exec |exec ${2-}|" "$ROOT/hooks/bdev-$_hook" >"$1/bdev-$_hook"
		chmod 0755 "$1/bdev-$_hook"
	done
}

# bdev_conf - the installed bdev.conf, with this tree's hooks; prints its path.
bdev_conf() {
	[ -d "$SCRATCH/hooks" ] || hook_scripts "$SCRATCH/hooks"
	sed "s|@LXC_HOOK_DIR@|$SCRATCH/hooks|" "$ROOT/config/bdev.conf.in" >"$HERE/bdev.conf"
	printf '%s\n' "$HERE/bdev.conf"
}

# wrap_hook TYPE COMMAND - the helper of that hook is run through COMMAND, by a copy of its script.
wrap_hook() {
	hook_scripts "$HERE/wrapped" "$2 "
	sed -i "s|^\\(lxc.hook.$1 = \\).*|\\1'$HERE/wrapped'/bdev-$1|" "$HERE/bdev.conf"
}

# container NAME SPEC... - define one. More config lines may be appended to $LXCPATH/NAME/config.
container() {
	_name=$1
	shift
	mkdir -p "$LXCPATH/$_name/rootfs"
	{
		printf 'lxc.include = %s\n' "$(bdev_conf)"
		printf 'lxc.rootfs.path = dir:%s\n' "$LXCPATH/$_name/rootfs"
		printf 'lxc.uts.name = %s\n' "$(printf '%s' "$_name" | tr -c 'a-zA-Z0-9' -)"
		printf '%s\n' "$CONTAINER_CONF"
		for _spec; do
			printf 'bdev.rootfs = %s\n' "$_spec"
		done
	} >"$LXCPATH/$_name/config"
}

# lxc COMMAND NAME [OPTION...] - an LXC tool on a container of ours: lxc start c1 -F
lxc() {
	_tool=lxc-$1
	_name=$2
	shift 2
	"$_tool" -P "$LXCPATH" -n "$_name" "$@"
}

# unblank - set LXCPATH to another path of the same directory, without a blank: LXC's busybox template and the script of
# `lxc-copy -t` do not support blanks.
unblank() {
	_link=$(mktemp -u /tmp/lxc-bdev.XXXXXX)
	ln -s "$LXCPATH" "$_link" && LXCPATH=$_link
}

# start NAME [OPTION...] - start it and wait for RUNNING; the log is $LXCPATH/NAME.log.
start() {
	printf '%s\n' "$1" >>"$SCRATCH/started"
	_name=$1
	shift
	run lxc-start -P "$LXCPATH" -n "$_name" -o "$LXCPATH/$_name.log" -l DEBUG "$@"
	[ "$status" -eq 0 ] || err="$err$(grep -F 'lxc-bdev: ' "$LXCPATH/$_name.log" | head -n 5)"
}

stop() { lxc stop "$1" -k; }
state() { lxc info "$1" -sH 2>/dev/null; }
is_running() { [ "$(state "$1")" = RUNNING ]; }
is_stopped() { [ "$(state "$1")" = STOPPED ]; }

# inside NAME COMMAND... - run it in the container.
inside() {
	_name=$1
	shift
	run lxc-attach -P "$LXCPATH" -n "$_name" --clear-env -- "$@"
}

monitor_pid() { pgrep -f "^\\[lxc monitor\\] $LXCPATH $1\$"; }

# reboot NAME - from inside, and wait until it is up again.
reboot() {
	_before=$(lxc info "$1" -pH)
	lxc-attach -P "$LXCPATH" -n "$1" -- /bin/busybox reboot -f >/dev/null 2>&1
	eventually rebooted "$1" "$_before"
}
rebooted() {
	_now=$(lxc info "$1" -pH 2>/dev/null)
	is_running "$1" && [ -n "$_now" ] && [ "$_now" != "$2" ]
}

loops() { losetup --list --noheadings --output BACK-FILE | grep -c -F "$HERE"; }
no_loops() { [ "$(loops)" -eq 0 ]; }
no_record() {
	set -- /run/lxc-bdev/*
	[ "$*" = '/run/lxc-bdev/*' ]
}
# recorded NAME KIND FIELD - of its first record of that kind, 2 being the first field behind the step.
recorded() { awk -F '\t' -v kind="$2" -v field="$3" '$1 == kind {print $(field + 1); exit}' "/run/lxc-bdev/$1".*/journal; }
no_journals() { [ -z "$(find /run/lxc-bdev -mindepth 1 -maxdepth 1)" ]; }

# Print the mounts below $HERE, one a line.
mounts_here() {
	printf '%b\n' "$(cut -d ' ' -f 2 /proc/self/mounts)" | HERE=$HERE awk 'index($0, ENVIRON["HERE"] "/") == 1'
}

# our_lines NAME VERB - print the messages of VERB in the log of NAME's starts, one a line.
our_lines() { grep -o "lxc-bdev: $2: .*" "$LXCPATH/$1.log" || :; }

# assert_refused NAME TEXT... - its start failed in pre-start with exactly one line, which has each TEXT in it.
assert_refused() {
	_log=$LXCPATH/$1.log
	assertNotEquals 'the start fails' 0 "$status"
	shift
	err=$(grep -o 'lxc-bdev: .*' "$_log")
	printf '%s\n' "$err" >"$SCRATCH/stderr"
	assert_one_line 'lxc-bdev: pre-start: ' "$@"
	assert_nothing_left
}

# Print the leftovers of the containers in $LXCPATH: devices, mounts, records, monitors. A test file may define its own
# `left`.
left_anywhere() {
	losetup --list --noheadings --output NAME,BACK-FILE | grep -F "$HERE"
	mounts_here
	find /run/lxc-bdev -mindepth 1
	pgrep -a -f "lxc monitor\\] $LXCPATH"
}
left() { left_anywhere; }
nothing_left() { [ -z "$(left)" ]; }
# assert_nothing_left - wait until there are no leftovers: a failed lxc-start returns before post-stop has run.
assert_nothing_left() { eventually nothing_left || fail "left behind: $(left)"; }

# --- shunit2's hooks ---

# Replacements for functions of shunit2 that start programs to count and search, which is slow.
quick_asserts() {
	_shunit_assertPass() {
		__shunit_assertsPassed=$((__shunit_assertsPassed + 1))
		__shunit_assertsTotal=$((__shunit_assertsTotal + 1))
	}
	assertContains() { # [MESSAGE] TEXT PART
		[ $# -eq 3 ] || set -- '' "$@"
		if _shunit_shouldSkip; then return; fi
		case $2 in
		*"$3"*) _shunit_assertPass ;;
		*) fail "${1:+$1: }not found: <$3> in: <$2>" ;;
		esac
	}
	assertNotContains() { # [MESSAGE] TEXT PART
		[ $# -eq 3 ] || set -- '' "$@"
		if _shunit_shouldSkip; then return; fi
		case $2 in
		*"$3"*) fail "${1:+$1: }found: <$3> in: <$2>" ;;
		*) _shunit_assertPass ;;
		esac
	}
}

setUp() {
	[ "${_shunit_test_-}" ] || return 0
	quick_asserts
	read -r _began _ </proc/uptime
	[ ! "${TEST_NOW-}" ] || printf '%s %s\n' "${_began%.*}" "$_shunit_test_" >"$TEST_NOW"
	HERE="$SCRATCH/t"
	LXCPATH="$HERE/lxc path"
	_skipped=''
	_failed_before=${__shunit_assertsFailed-0}
	: >"$SCRATCH/started"
	mkdir -p "$LXCPATH" && cd "$HERE" || exit
	if command -v setUpEach >/dev/null; then setUpEach; fi
	return 0
}

tearDown() {
	# shunit2 calls it once more at the end, without a test.
	[ "${_shunit_test_-}" ] && [ -d "${HERE-}" ] || return 0
	if command -v tearDownEach >/dev/null; then tearDownEach; fi
	cd /
	sort -u "$SCRATCH/started" | while IFS= read -r _c; do
		is_stopped "$_c" || stop "$_c" </dev/null >/dev/null 2>&1
	done
	mounts_here | sort -r | while IFS= read -r _m; do
		"$LXC_BDEV" umount "$_m" 2>/dev/null || umount -l -- "$_m"
	done
	rm -rf --one-file-system -- "$HERE"
	[ ! "${_link-}" ] || rm -f -- "$_link"
	# A record that one test leaves is not to fail those after it. That of a mount taken off by hand may be there.
	if [ "${TEST_NOW-}" ] && ! no_record; then
		"$LXC_BDEV" doctor --fix >/dev/null 2>&1
		if ! eventually no_record; then
			fail "records are left: $(find /run/lxc-bdev -mindepth 1)"
			find /run/lxc-bdev -mindepth 1 -delete
		fi
	fi
	if [ -z "$_skipped" ]; then
		if [ "$__shunit_assertsFailed" -eq "$_failed_before" ]; then
			echo "pass $_shunit_test_" >>"$TEST_RESULTS"
		else
			echo "fail $_shunit_test_" >>"$TEST_RESULTS"
		fi
	fi
	read -r _ended _ </proc/uptime
	echo "took: $((${_ended%.*} - ${_began%.*})) s $_shunit_test_"
	return 0
}
