#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Nothing that the program gets from its caller by chance, as a umask, a locale or ignored signals, changes what it does.
# shellcheck source=tests/lib.sh
. "$(dirname -- "$0")/lib.sh"

# with_umask UMASK COMMAND... - a function or program.
with_umask() {
	umask "$1"
	shift
	run "$@"
	umask 022
	assert_status 0
}

# modes DIRECTORY... - of all that is there.
modes() { find "$@" -printf '%M %p\n' | sort -k 2; }

# assert_same - the files of modes: one for each umask, and the one that others are measured by.
assert_same_modes() {
	for _umask in 000 077 777; do
		assertEquals "umask $_umask" "$(cat modes.022)" "$(cat "modes.$_umask")"
	done
	assertEquals 'nobody else writes to it' '' "$(grep '^[^l].......w' modes.022 | grep -v ' [^ ]*/everybody$')"
}

testTheUmaskDoesNotReachWhatAMountMakes() {
	make_image root.img ext4
	for _umask in 022 000 077 777; do
		mkdir m a
		with_umask "$_umask" "$LXC_BDEV" mount loop:root.img,ro tmpfs:. overlay:up m
		with_umask "$_umask" "$LXC_BDEV" mount dir:m,ro overlay:a/upper a
		modes /run/lxc-bdev | sed 's|/m\.[^/ ]*|/m|' | sort | uniq >"modes.$_umask"
		assertTrue 'records were found' "[ $(wc -l <"modes.$_umask") -ge 4 ]"
		with_umask "$_umask" "$LXC_BDEV" umount a
		with_umask "$_umask" "$LXC_BDEV" umount m
		modes a >>"modes.$_umask"
		rm -r m a
	done
	assert_same_modes
	assertContains "$(cat modes.022)" 'drwxr-xr-x a/upper'
}

testTheUmaskDoesNotReachLayers() {
	mkdir -p tree/private tree/everybody tree/plain
	echo program >tree/plain/program
	chmod 0700 tree/private
	chmod 0777 tree/everybody
	chmod 4711 tree/plain/program
	tar -C tree -cf tree.tar .
	for _umask in 022 000 077 777; do
		with_umask "$_umask" "$LXC_BDEV" layer --store store apply one tree.tar
		with_umask "$_umask" "$LXC_BDEV" layer --store store create two --parent one
		with_umask "$_umask" "$LXC_BDEV" layer --store store get two --holder h
		echo more >"$out/plain/more"
		modes store >"modes.$_umask"
		with_umask "$_umask" "$LXC_BDEV" layer --store store put two --holder h
		modes store >>"modes.$_umask"
		rm -r store
	done
	assert_same_modes
	assertContains 'as packed' "$(cat modes.022)" '-rws--x--x store/diff/one/plain/program'
	assertContains 'as packed' "$(cat modes.022)" 'drwxrwxrwx store/diff/one/everybody'
}

testTheUmaskDoesNotReachContainers() {
	make_image root.img ext4
	for _umask in 022 000 077 777; do
		container c1 "loop:$HERE/root.img,ro" overlay:delta
		with_umask "$_umask" start c1
		inside c1 /bin/busybox touch /etc/inside
		inside c1 /bin/busybox stat -c %a / /etc /etc/inside
		printf '%s\n' "$out" >"modes.$_umask"
		stop c1
		assert_nothing_left
		modes "$LXCPATH/c1/delta" >>"modes.$_umask"
		rm -r "$LXCPATH/c1"
	done
	assert_same_modes
}

# Languages that are installed, and that are not.
testMessagesAndNamesAreTheSameInAllLocales() {
	mkdir tree
	echo 1 >"$(printf 'tree/Gr\303\274\303\237e')"
	echo 2 >"$(printf 'tree/\377\374')"
	LC_ALL=C tar -C tree -cf tree.tar .
	for _locale in C C.UTF-8 de_DE.UTF-8 tr_TR.ISO-8859-9 none; do
		LC_ALL=$_locale
		LANGUAGE=de
		export LC_ALL LANGUAGE
		{
			bdev mount "loop:$(printf 'Gr\303\274\303\237e\377')" m
			printf '%s\n' "$status" "$err"
			bdev layer --store store apply one tree.tar
			printf '%s\n' "$status" "$out" "$err"
			bdev layer --store store diff one
			printf '%s\n' "$status" "$err"
			LC_ALL=C tar -tf "$SCRATCH/stdout"
			find store -printf '%P\n' | LC_ALL=C sort
			bdev layer --store store metadata one --json
			printf '%s\n' "$out" | grep -v '"created"'
		} >"said.$_locale" 2>&1
		LC_ALL=C
		unset LANGUAGE
		rm -r store
	done
	assertContains "$(cat said.C)" 'No such file or directory'
	assertContains "$(cat said.C)" "$(printf 'diff/one/Gr\303\274\303\237e')"
	for _locale in C.UTF-8 de_DE.UTF-8 tr_TR.ISO-8859-9 none; do
		assertTrue "$_locale: $(diff said.C "said.$_locale")" "cmp -s said.C said.$_locale"
	done
}

testAnEmptyEnvironmentIsEnough() {
	make_image root.img ext4
	mkdir m
	run env -i "$LXC_BDEV" mount loop:root.img,ro overlay:up m
	assert_status 0
	assertEquals base "$(cat m/etc/marker)"
	run env -i "$LXC_BDEV" umount m
	assert_status 0
	assertEquals '' "$(mounts_here)"
}

testTmpdirAndHomeAreNotUsed() {
	mkdir tmp m lower
	run env LSAN_OPTIONS=detect_leaks=0 TMPDIR="$HERE/tmp" HOME=/nonexistent strace -f -o trace -e trace=file "$LXC_BDEV" mount dir:lower,ro tmpfs:. overlay:up m
	assert_status 0
	assertEquals '' "$(grep -e "$HERE/tmp" -e /nonexistent trace | grep -v ' execve(')"
	bdev umount m
}

testOptionsMayFollowOperandsAlsoInAPosixEnvironment() {
	mkdir m
	run env POSIXLY_CORRECT=1 "$LXC_BDEV" umount m --logfile=log
	assert_status 1
	assert_one_line "'$HERE/m': nothing of lxc-bdev is mounted there"
	assertEquals "$err" "$(cat log)"
}

# A program that never waits for its children ignores SIGCHLD, and whoever it starts does so, too.
ignoring() { run env --ignore-signal=CHLD,PIPE,HUP,INT,TERM,ALRM,USR1 "$@"; }
testSignalsThatTheCallerIgnoresAreNotMissed() {
	make_image root.img ext4
	qemu-img convert -f raw -O qcow2 root.img root.qcow2
	mkdir m
	ignoring env LXC_BDEV_NBD=fuse "$LXC_BDEV" mount nbd:root.qcow2 m
	assert_status 0
	assertEquals base "$(cat m/etc/marker)"
	ignoring "$LXC_BDEV" umount m
	assert_status 0
	# As a stack that takes time of LXC's own tools.
	container base "loop:$HERE/root.img,ro" tmpfs:. overlay:delta
	ignoring "$LXC_BDEV" ephemeral -P "$LXCPATH" -n base
	assert_status 0
	stop "$(printf '%s\n' "$out" | sed -n 's/^Created \(.*\) as clone of .*$/\1/p')"
	assert_nothing_left
}

# shellcheck source=/dev/null
. shunit2
