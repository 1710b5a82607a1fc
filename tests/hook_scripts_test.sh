#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The scripts of LXC's hook lines, run without LXC: what they tell the helper, in both versions of LXC's hooks.
# shellcheck source=tests/lib.sh
. "$(dirname -- "$0")/lib.sh"

# The helper of these scripts prints its arguments, one a line.
setUpEach() {
	hook_scripts "$HERE/scripts"
	printf '#!/bin/sh\nprintf "%%s\\n" "$@"\n' >show
	chmod 0755 show
	sed -i "s|^helper=.*|helper='$HERE/show'|" scripts/*
	unset LXC_HOOK_TYPE
	export LXC_NAME='a  b' LXC_CONFIG_FILE='/p q/a  b/config' LXC_ROOTFS_PATH='dir:/p q/root' LXC_TARGET=reboot LXC_SRC_NAME='s  s'
}

# script TYPE [WORD...] - run its script as LXC does: by a shell, which this shell is the parent of.
script() {
	_type=$1
	shift
	run sh -c "exec '$HERE/scripts'/bdev-$_type $*"
}

# assert_arguments TYPE - the last run of its script gave the helper all that it needs, and said nothing.
assert_arguments() {
	case $1 in
	pre-start) set -- pre-start --monitor $$ --name 'a  b' --config '/p q/a  b/config' --rootfs 'dir:/p q/root' ;;
	post-stop) set -- post-stop --monitor $$ --name 'a  b' --config '/p q/a  b/config' --target reboot ;;
	clone) set -- clone --source 's  s' --name 'a  b' --config '/p q/a  b/config' --rootfs 'dir:/p q/root' ;;
	destroy) set -- destroy --name 'a  b' --config '/p q/a  b/config' --rootfs 'dir:/p q/root' ;;
	esac
	assert_status 0
	assertEquals "$(printf '%s\n' "$@")" "$out"
	assertEquals '' "$err"
}

testTheHelperGetsLxcsVariablesAsArguments() {
	for type in pre-start post-stop clone destroy; do
		script $type
		assert_arguments $type
	done
}

testHooksOfVersion0IgnoreTheWordsThatLxcAppends() {
	for type in pre-start post-stop clone destroy; do
		script $type 'a  b' lxc $type
		assert_arguments $type
		script $type lxc lxc lxc $type
		assert_arguments $type
		script $type 'lxc other' lxc $type
		assert_arguments $type
	done
	# What the user gave to lxc-copy for the hooks.
	script clone c1 lxc clone lxc destroy '"two words"'
	assert_arguments clone
}

testHooksOfVersion1IgnoreTheWordsOfTheUser() {
	for type in pre-start post-stop clone destroy; do
		export LXC_HOOK_TYPE=$type
		script $type
		assert_arguments $type
	done
	LXC_HOOK_TYPE=clone
	script clone lxc destroy
	assert_arguments clone
}

# A hook of version 1 may have started LXC: its variable is in the environment.
testHooksOfVersion0BelieveTheWordsBeforeAVariable() {
	export LXC_HOOK_TYPE=start-host
	script pre-start c1 lxc pre-start
	assert_arguments pre-start
}

# assert_refused_as TYPE CALLED - the helper is told, and nothing else.
assert_refused_as() {
	assert_status 0
	assertEquals "$(printf '%s\n' "$1" --called-as "$2")" "$out"
}

testTheScriptOfAnotherHookIsRefused() {
	script pre-start c1 lxc mount
	assert_refused_as pre-start mount
	script destroy 'a lxc b' lxc clone
	assert_refused_as destroy clone
	script clone c1 lxc destroy more
	assert_refused_as clone destroy
	script post-stop word
	assert_refused_as post-stop ''
	export LXC_HOOK_TYPE=stop
	script post-stop
	assert_refused_as post-stop stop
	# By the helper, in one line.
	hook pre-start --called-as mount
	assert_status 2
	assert_one_line "lxc-bdev: pre-start: called as LXC's mount hook; bdev.conf has the right lines"
	hook pre-start --called-as ''
	assert_one_line "lxc-bdev: pre-start: called as LXC's unknown hook"
}

testAVariableThatLxcDoesNotSetIsAnEmptyArgument() {
	unset LXC_NAME LXC_CONFIG_FILE LXC_ROOTFS_PATH LXC_TARGET LXC_SRC_NAME
	for type in pre-start post-stop clone destroy; do
		script $type
		assert_status 0
		assertEquals "$type" '' "$err"
	done
	assertEquals "$(printf '%s\n' destroy --name '' --config '' --rootfs '')" "$out"
	# LXC names no rootfs to the destroy hook of a clone that failed: that is no error. A name it always gives.
	rm -r scripts
	hook_scripts "$HERE/scripts"
	script pre-start
	assert_status 2
	assert_one_line 'lxc-bdev: pre-start: missing container name'
	mkdir c1 && echo 'lxc.rootfs.path = dir:/nowhere' >c1/config
	export LXC_NAME=c1 LXC_CONFIG_FILE="$HERE/c1/config"
	script destroy
	assert_status 0
	assertEquals '' "$out$err"
}

testAScriptBecomesTheHelperAndForksNothing() {
	for type in pre-start post-stop clone destroy; do
		run strace -f -o calls -e trace=process "$HERE/scripts/bdev-$type"
		assert_status 0
		assertEquals "$type" '' "$(grep -E '(fork|clone3?)\(' calls)"
	done
}

# --- what an administrator makes of them ---

testACopyThatDoesMoreIsOneOfOurHooks() {
	container c1 "dir:$(shared_root),ro" overlay:delta0
	mkdir own
	for type in pre-start post-stop; do
		sed "s|^exec |printf '%s\\\\n' '$type of a copy' >>'$HERE/did'\\n&|" "$SCRATCH/hooks/bdev-$type" >"own/bdev-$type"
		chmod 0755 "own/bdev-$type"
	done
	sed -i "s|'.*'\\(/bdev-p[a-z-]*\\)\$|'$HERE/own'\\1|" bdev.conf
	run "$LXC_BDEV" plan -P "$LXCPATH" -n c1
	assert_status 0
	for version in 0 1; do
		echo "lxc.hook.version = $version" >>"$LXCPATH/c1/config"
		rm -f did
		start c1
		assert_status 0
		inside c1 /bin/cat /etc/marker
		assertEquals base "$out"
		stop c1
		assertEquals "$(printf '%s\n' 'pre-start of a copy' 'post-stop of a copy')" "$(cat did)"
		assert_nothing_left
	done
	echo 'lxc.hook.post-stop =' >>"$LXCPATH/c1/config"
	bdev plan -P "$LXCPATH" -n c1
	assert_status 1
	assert_one_line 'removes the hook'
}

testOurScriptsMayStandInLinesOfTheContainersOwn() {
	container c1 "dir:$(shared_root),ro" overlay:delta0
	{
		grep '^lxc' bdev.conf
		grep -v '^lxc.include' "$LXCPATH/c1/config"
	} >config
	mv config "$LXCPATH/c1/config"
	start c1
	assert_status 0
	stop c1
	assert_nothing_left
}

# shellcheck source=/dev/null
. shunit2
