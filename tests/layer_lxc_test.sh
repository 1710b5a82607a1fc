#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Layers of a store below containers, and containers' changes as layers.
# shellcheck source=tests/lib.sh
. "$(dirname -- "$0")/lib.sh"

setUpEach() {
	STORE=$HERE/store
	# Three layers: a system; a file more and one less; a directory anew, and another file less.
	[ -d "$SCRATCH/store" ] || make_store
	cp -a "$SCRATCH/store" "$STORE"
}

layer() { bdev layer --store "$STORE" "$@"; }
commit() { bdev commit -P "$LXCPATH" -n "$@"; }
spec() { printf 'layer:%s,store=%s\n' "$1" "$STORE"; }

make_store() {
	mkdir -p "$SCRATCH/two/etc" "$SCRATCH/three/old" &&
		cp -a "$(shared_root)" "$SCRATCH/one" && mkdir "$SCRATCH/one/old" &&
		echo 1 >"$SCRATCH/one/old/was" && echo 1 >"$SCRATCH/one/etc/gone" && echo 1 >"$SCRATCH/one/etc/later" &&
		echo two >"$SCRATCH/two/etc/two" && : >"$SCRATCH/two/etc/.wh.gone" &&
		: >"$SCRATCH/three/old/.wh..wh..opq" && echo new >"$SCRATCH/three/old/is" && mkdir "$SCRATCH/three/etc" &&
		: >"$SCRATCH/three/etc/.wh.later" &&
		on='' && for _l in one two three; do
			tar -C "$SCRATCH/$_l" -cf "$SCRATCH/$_l.tar" . &&
				"$LXC_BDEV" layer --store "$SCRATCH/store" apply "$_l" ${on:+--parent "$on"} "$SCRATCH/$_l.tar" >/dev/null &&
				on=$_l || return
		done
}

testAContainerSeesTheUnionOfItsLayersAndWritesAboveThem() {
	container c1 "$(spec three)" overlay:delta0
	find "$STORE" -mindepth 1 -printf '%P %y %m %s %T@\n' | sort >before
	start c1
	assert_status 0
	inside c1 /bin/busybox sh -c 'cat /etc/marker /etc/two; ls /etc/gone /etc/later 2>/dev/null; ls /old; echo written >/root/new; rm /etc/two'
	assertEquals "base
two
is" "$out"
	stop c1
	assertEquals written "$(cat "$LXCPATH/c1/delta0/root/new")"
	assertEquals 'removed above' 'character special file' "$(stat -c %F "$LXCPATH/c1/delta0/etc/two")"
	find "$STORE" -mindepth 1 -printf '%P %y %m %s %T@\n' | sort >after
	assertEquals 'the store is as it was' "$(cat before)" "$(cat after)"
	assert_nothing_left
}

testALayerAloneIsReadOnlyWithAllBelowIt() {
	mkdir m
	bdev mount "$(spec three)" m
	assert_status 0
	assertEquals is "$(ls m/old)"
	run touch m/etc/two
	assertContains "$err" 'Read-only file system'
	bdev umount m
	assert_nothing_left
}

testContainersShareALayer() {
	container c1 "$(spec three)" overlay:delta0
	container c2 "$(spec three)" overlay:delta0
	start c1
	start c2
	assert_status 0
	inside c1 /bin/busybox sh -c 'echo mine >/etc/marker'
	inside c2 /bin/busybox cat /etc/marker
	assertEquals base "$out"
}

testALayerInUseIsNotRemoved() {
	container c1 "$(spec three)" overlay:delta0
	start c1
	layer remove three
	assert_status 1
	assert_one_line "layer 'three' is in use: container 'c1'"
	layer remove two
	assert_one_line "cannot remove layer 'two': layer 'three' depends on it"
	stop c1
	layer remove three
	assert_status 0
	start c1
	assert_refused c1 "there is no layer 'three' in '$STORE'"
}

# Neither sees the other's half.
testStartsAndRemovalsAtOnceLeaveNoContainerWithoutItsLayer() {
	mkdir m
	for _try in 1 2 3 4 5; do
		layer create t"$_try" --parent three
		"$LXC_BDEV" mount "$(spec t$_try)" m 2>/dev/null &
		_mount=$!
		"$LXC_BDEV" layer --store "$STORE" remove t"$_try" 2>/dev/null
		if wait "$_mount"; then
			layer exists t"$_try"
			assertEquals "mounted, so it is there ($_try)" 0 "$status"
			bdev umount m
		else
			layer exists t"$_try"
			assertEquals "removed, so it is not mounted ($_try)" 1 "$status"
		fi
	done
}

testALayerThatIsBeingWrittenToIsNotUsed() {
	mkdir m
	layer get two --holder me
	layer create top --parent three
	layer put two --holder me
	layer get top --holder me
	assert_status 0
	bdev mount "$(spec top)" m
	assert_one_line "layer 'top' of '$STORE' is mounted writable; put it first"
	layer put top --holder me
	bdev mount "$(spec top)" m
	assert_status 0
	layer get top --holder me
	run touch "$STORE/mnt/top/new"
	assertContains 'mounted for reading then' "$err" 'Read-only file system'
	layer put top --holder me
	bdev umount m
}

testAnUnknownLayerIsNamedInOneLine() {
	container c1 "$(spec nosuch)" overlay:delta0
	start c1
	assert_refused c1 "there is no layer 'nosuch' in '$STORE'"
	for _id in ../three .three three/etc 'x-removing'; do
		bdev mount "layer:$_id,store=$STORE" m
		assert_status 1
	done
}

testADamagedStoreIsRefusedByName() {
	mkdir m
	printf 'two\nzero\n' >"$STORE/layers/three"
	bdev mount "$(spec three)" m
	assert_one_line "layer 'three' depends on 'zero', which does not exist"
	printf '../../etc\n' >"$STORE/layers/three"
	bdev mount "$(spec three)" m
	assert_one_line "layer 'three': its record is damaged"
	printf 'two\none\n' >"$STORE/layers/three"
	mv "$STORE/diff/two" aside && ln -s /etc "$STORE/diff/two"
	bdev mount "$(spec three)" m
	assert_status 1
	assert_one_line "open '$STORE/diff/two'"
	chmod 0777 "$STORE"
	bdev mount "$(spec one)" m
	assert_one_line "'$STORE' must belong to uid 0, and be writable by nobody else"
	assertTrue nothing_left
}

testLayersOfTheOtherFormAreRefused() {
	mkdir m
	bdev layer --store aufs --driver aufs create one
	bdev layer --store aufs create two --parent one
	bdev mount "layer:two,store=$HERE/aufs" overlay:upper m
	assert_status 1
	assert_one_line 'has whiteouts in aufs format, which overlay cannot read; use aufs here, too, or convert its store: lxc-bdev layer'
}

testManyLayersAreWarnedOfAndTooManyRefused() {
	mkdir m
	below="three
two
one"
	_i=4
	while [ "$_i" -le 501 ]; do
		mkdir "$STORE/diff/l$_i"
		printf '%s\n' "$below" >"$STORE/layers/l$_i"
		below="l$_i
$below"
		_i=$((_i + 1))
	done
	bdev mount "$(spec l64)" m
	assertEquals 'no warning' '' "$err"
	bdev umount m
	bdev mount "$(spec l500)" m
	assert_status 0
	assert_one_line 'is one of more than 64 layers'
	assertEquals base "$(cat m/etc/marker)"
	bdev umount m
	bdev mount "$(spec l501)" m
	assert_status 1
	assert_one_line '501 layers; the kernel takes at most 500' 'layer squash'
}

# --- commit ---

testACommittedLayerShowsWhatTheContainerSaw() {
	container c1 "$(spec three)" overlay:delta0
	start c1
	inside c1 /bin/busybox sh -c '
		echo change >/etc/two; rm /etc/marker; rm -r /old; mkdir /old; echo mine >/old/mine
		echo x >/root/x; ln /root/x /root/y; mkdir /new; echo n >/new/n; rm /new/n; mkfifo /new/fifo'
	commit c1 four
	assert_status 1
	assert_one_line "cannot commit 'c1' while it runs; stop it first"
	stop c1
	(cd "$LXCPATH/c1" && find . -printf '%p %y %m %s %T@\n') >before
	commit c1 four
	assert_status 0
	assertEquals 'output' '' "$out$err"
	(cd "$LXCPATH/c1" && find . -printf '%p %y %m %s %T@\n') >after
	assertEquals 'the container is as it was' "$(cat before)" "$(cat after)"
	layer metadata four --json
	assertEquals three "$(printf '%s' "$out" | jq -r .parent)"
	mkdir m1 m2
	bdev mount "$(spec four)" m1
	bdev mount "$(spec three)" "overlay:$LXCPATH/c1/delta0,ro" m2
	(cd m1 && find . -printf '%p %y %m %U %G %s %T@ %n %l\n' | sort) >committed
	(cd m2 && find . -printf '%p %y %m %U %G %s %T@ %n %l\n' | sort) >seen
	assertEquals "$(cat seen)" "$(cat committed)"
	assertTrue 'removed is removed' '[ ! -e m1/etc/marker ] && [ ! -e m1/old/is ]'
	assertEquals mine "$(ls m1/old)"
	bdev umount m1
	bdev umount m2
	assertEquals "overlay's own notes are not in the layer" '' \
		"$(getfattr -R -h -d -m 'trusted.overlay' "$STORE/diff/four" 2>/dev/null | grep -v -e '^#' -e '^$' -e opaque= -e 'origin=""' -e '^trusted.overlay.origin$')"
	container c2 "$(spec four)" overlay:delta0
	start c2
	assert_status 0
	inside c2 /bin/busybox sh -c 'cat /etc/two /old/mine; ls /etc/marker'
	assertEquals 'change
mine' "$out"
}

testAContainerThatWroteNothingYetIsAnEmptyLayer() {
	container c1 "$(spec three)" overlay:delta0
	commit c1 four
	assert_status 0
	layer diff four --output four.tar
	assertEquals './' "$(tar -tf four.tar | grep -v '^$' | head -n 1 | sed 's|^\.$|./|')"
}

testTheStoreOfACommitIsTheOneThatTheContainerStandsOn() {
	container c1 "$(spec three)" overlay:delta0
	mkdir other "$LXCPATH/c1/delta0"
	commit c1 said --store other
	assert_status 1
	assert_one_line "layer 'three' is in '$STORE'" "not in 'other'"
	ln -s "$STORE" name
	commit c1 said --store name
	assert_status 0
	layer remove said
	assert_status 0
}

testWhatCannotBeCommittedIsRefusedInOneLine() {
	container c1 "$(spec three)" overlay:delta0
	mkdir "$LXCPATH/c1/delta0" "$LXCPATH/c1/delta0/moved"
	commit c1 three
	assert_one_line "layer 'three' exists"
	commit c1 ../four
	assert_one_line 'not the id of a layer'
	bdev layer --store other create x
	commit c1 four --store other
	assert_one_line "layer 'three' is in '$STORE', so the new layer must be there, too"
	setfattr -n trusted.overlay.redirect -v /old "$LXCPATH/c1/delta0/moved"
	commit c1 four
	assert_one_line "'delta0/moved': overlay renamed it (redirect)"
	setfattr -x trusted.overlay.redirect "$LXCPATH/c1/delta0/moved"
	echo x >"$LXCPATH/c1/delta0/moved/file"
	setfattr -n trusted.overlay.metacopy "$LXCPATH/c1/delta0/moved/file"
	commit c1 four
	assert_one_line "'delta0/moved/file': overlay copied its metadata only (metacopy)"
	container c2 "$(spec three)" tmpfs:. overlay:delta0
	commit c2 four
	assert_one_line "cannot commit 'c2': its upper is on a tmpfs, which is lost at stop"
	container c3 "dir:$(shared_root),ro" overlay:delta0
	commit c3 four
	assert_one_line 'cannot commit: the stack must be a layer:ID and above it an overlay:UPPER or aufs:UPPER'
	commit nosuch four
	assert_one_line "container 'nosuch'"
	layer exists four
	assertEquals 'no layer was made' 1 "$status"
	assertTrue nothing_left
}

testAnUpperInUseIsNotCommitted() {
	container c1 "$(spec three)" overlay:delta0
	mkdir "$LXCPATH/c1/delta0" m lower
	bdev mount "dir:$HERE/lower,ro" "overlay:$LXCPATH/c1/delta0" m
	assert_status 0
	commit c1 four
	assert_status 1
	assert_one_line "cannot commit: 'delta0' is in use"
	bdev umount m
	# Nor one that another program's overlay writes to.
	mkdir work
	mount -t overlay -o "lowerdir=lower,upperdir=$LXCPATH/c1/delta0,workdir=work" none m ||
		{ mkdir "$LXCPATH/work" && mount -t overlay -o "lowerdir=lower,upperdir=$LXCPATH/c1/delta0,workdir=$LXCPATH/work" none m; }
	commit c1 four
	assert_status 1
	assert_one_line "cannot commit: 'delta0' is in use"
	umount m
	layer exists four
	assertEquals 'no layer was made' 1 "$status"
	commit c1 four
	assert_status 0
}

testAnUpperThatMayBeDamagedIsNotCommitted() {
	container c1 "$(spec three)" overlay:delta0,volatile
	container c2 "$(spec three)" overlay:delta0,volatile,work=w
	for _c in c1 c2; do
		mkdir "$LXCPATH/$_c/delta0"
		_work=delta0.work
		[ $_c = c1 ] || _work=w
		mkdir -p "$LXCPATH/$_c/$_work/work/incompat/volatile"
		commit $_c four
		assert_status 1
		assert_one_line 'cannot commit: the volatile overlay ended without a sync' "$_work/work/incompat/volatile"
	done
	rm -r "$LXCPATH/c1/delta0.work"
	commit c1 four
	assert_status 0
}

testALayerThatIsRemovedWhileAContainerStartsIsMissed() {
	container c1 "$(spec three)" overlay:delta0
	# What is looked up first is there; what counts is what is there when it is recorded.
	cat >slow <<-E
		exec strace -o trace -e trace=flock -P "$STORE/lock" -e inject=flock:delay_enter=2000000 "$LXC_BDEV" \
			mount "$(spec three)" "$HERE/m"
	E
	mkdir m
	: >trace
	sh slow 2>err1 &
	first=$!
	assertTrue 'the lock is waited for' 'eventually grep -q LOCK_ trace'
	layer remove three
	wait "$first"
	assertEquals "the mount: $(cat err1); the removal: $err" 1 "$(($? + status))"
	[ "$status" -ne 0 ] || assertContains "$(cat err1)" "another lxc-bdev has just removed it"
	bdev umount m
}

# The kernel need not have aufs for that: it is files.
testAnAufsUpperBecomesALayerInTheFormOfTheStore() {
	container c1 "$(spec three)" aufs:delta0
	mkdir -p "$LXCPATH/c1/delta0/etc" "$LXCPATH/c1/delta0/.wh..wh.plnk" "$LXCPATH/c1/delta0/old"
	touch "$LXCPATH/c1/delta0/.wh..wh.aufs" "$LXCPATH/c1/delta0/etc/.wh.two" "$LXCPATH/c1/delta0/old/.wh..wh..opq"
	commit c1 four
	assert_status 0
	assertEquals 'etc d
etc/two c
old d' "$(cd "$STORE/diff/four" && find . -mindepth 1 -printf '%P %y\n' | LC_ALL=C sort)"
	layer changes four
	assertContains "$out" 'D /etc/two'
	bdev layer --store aufs --driver aufs create one
	container c2 "layer:one,store=$HERE/aufs" aufs:delta0
	cp -a "$LXCPATH/c1/delta0" "$LXCPATH/c2/delta0"
	commit c2 four
	assert_status 0
	assertEquals '.wh..wh.aufs
etc
etc/.wh.two
old
old/.wh..wh..opq' "$(cd aufs/diff/four && find . -mindepth 1 -printf '%P\n' | LC_ALL=C sort)"
}

# At each system call that makes or renames something.
testAKilledCommitLeavesNoHalfLayer() {
	container c1 "$(spec three)" overlay:delta0
	mkdir -p "$LXCPATH/c1/delta0/etc"
	echo x >"$LXCPATH/c1/delta0/etc/x"
	mknod "$LXCPATH/c1/delta0/etc/two" c 0 0
	for _call in mkdirat mknodat syncfs renameat fsync unlinkat; do
		_n=1
		while :; do
			run strace -f -o /dev/null -e trace=$_call -e inject=$_call:signal=KILL:when=$_n \
				"$LXC_BDEV" commit -P "$LXCPATH" -n c1 four
			[ "$status" -eq 137 ] || break
			if "$LXC_BDEV" layer --store "$STORE" exists four; then
				assertEquals "whole ($_call $_n)" x "$(cat "$STORE/diff/four/etc/x")"
				layer remove four
			fi
			_n=$((_n + 1))
			[ "$_n" -lt 20 ] || break
		done
		layer remove four
		assertEquals "the next one works after $_call: $err" 0 "$status"
	done
	commit c1 four
	assert_status 0
	layer check
	assert_status 0
}

# --- LXC's own tools ---

testACopyHasItsOwnChangesOnTheSameLayers() {
	container c1 "$(spec three)" overlay:delta0
	start c1
	inside c1 /bin/busybox sh -c 'echo one >/root/new'
	stop c1
	run lxc-copy -P "$LXCPATH" -n c1 -N c2
	assert_status 0
	start c2
	inside c2 /bin/busybox sh -c 'cat /root/new /etc/two; echo two >/root/new'
	assertEquals 'one
two' "$out"
	assertEquals one "$(cat "$LXCPATH/c1/delta0/root/new")"
	layer remove three
	assert_one_line "container 'c2'"
	stop c2
}

testSnapshotsAndClonesOnItWork() {
	container c1 "$(spec three)" overlay:delta0
	start c1
	inside c1 /bin/busybox sh -c 'echo one >/root/new'
	stop c1
	run lxc-copy -P "$LXCPATH" -n c1 -N c2 -s -B overlay
	assertEquals "lxc-copy -s: $err" 0 "$status"
	start c2
	inside c2 /bin/busybox cat /root/new /etc/two
	assertEquals 'one
two' "$out"
	stop c2
	container c3 "container:$LXCPATH/c1" overlay:delta0
	start c3
	inside c3 /bin/busybox cat /root/new /etc/two
	assertEquals 'one
two' "$out"
	layer remove three
	assert_one_line "container 'c3'"
	stop c3
}

testAnEphemeralContainerStandsOnIt() {
	container c1 "$(spec three)" overlay:delta0
	bdev ephemeral -P "$LXCPATH" -n c1 --tmpfs -- /bin/busybox cat /etc/two
	assert_status 0
	assertContains "$out" two
	assert_nothing_left
}

testAKilledMonitorIsInNobodysWay() {
	container c1 "$(spec three)" overlay:delta0
	start c1
	kill -9 "$(monitor_pid c1)"
	start c1
	assert_status 0
	inside c1 /bin/busybox cat /etc/two
	assertEquals two "$out"
	stop c1
	assert_nothing_left
	layer remove three
	assert_status 0
}

# --- lxc-create ---

template() {
	mkdir -p "$HERE/config"
	cp "$(bdev_conf)" "$HERE/config/bdev.conf"
	printf 'lxc.include = %s/common.conf\n' "$LXC_COMMON" >"$HERE/config/common.conf"
	install_template "$HERE/template" "$HERE/config"
	printf '%s\n' "$CONTAINER_CONF" >"$HERE/create.conf"
}
create() {
	_name=$1
	shift
	run lxc-create -P "$LXCPATH" -n "$_name" -f "$HERE/create.conf" -t "$HERE/template" -- "$@"
}

testLxcCreateMakesAContainerOnALayer() {
	template
	create c1 --layer three --layer-store store
	assert_status 0
	assertContains "$(cat "$LXCPATH/c1/config")" "bdev.rootfs = layer:three,store=$STORE
bdev.rootfs = overlay:delta0"
	start c1
	assertEquals "$err" 0 "$status"
	inside c1 /bin/busybox cat /etc/two
	assertEquals two "$out"
	stop c1
}

testLxcCreateRefusesALayerThatIsNotThere() {
	template
	create c1 --layer nosuch --layer-store store
	assertNotEquals 0 "$status"
	assertContains "$err" "there is no layer 'nosuch' in '$STORE'"
	assertFalse 'something was made' '[ -e "$LXCPATH/c1/config" ]'
	create c1 --layer three --tarball /x
	assertContains "$err" 'only one of --template, --tarball, --image, --base and --layer'
	create c1 --tarball /x --layer-store store
	assertContains "$err" '--layer-store: only with --layer'
	create c1 --layer three --layer-store store --store loop
	assertContains "$err" 'with --layer the type is overlay or aufs'
}

# shellcheck source=/dev/null
. shunit2
