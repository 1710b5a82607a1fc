#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The layer store when something fails: full disks, damaged inputs, files that cannot be read.
# shellcheck source=tests/lib.sh
. "$(dirname -- "$0")/lib.sh"

setUpEach() { store=$HERE/store; }
layer() { bdev layer --store "$store" "$@"; }

# whiteouts_tar FILE DIR - a tar with whiteouts for all names in `names`, made in DIR.
whiteouts_tar() {
	mkdir -p "$2" && sed "s|^|$2/.wh.|" names | xargs touch && tar -C "$2" -cf "$1" .
}

testAFullDiskDoesNotLoseWhiteouts() {
	seq -f 'name-%078g' 40 >names
	mkdir base && sed 's|^|base/|' names | xargs touch && tar -C base -cf base.tar .
	whiteouts_tar in.tar wh
	layer apply base base.tar
	assert_status 0
	# The list of whiteouts is 3.5 KiB, which is written when all of it is known. Every file may be at most 512 bytes.
	run sh -c 'trap "" XFSZ && ulimit -f 1 && exec "$@"' sh "$LXC_BDEV" layer --store "$store" \
		apply top in.tar --parent base
	assert_status 1
	assert_one_line 'File too large'
	layer exists top
	assert_status 1
	layer apply top in.tar --parent base
	assert_status 0
	assertEquals 40 "$(find "$store/diff/top" -type c | wc -l)"
}

testAWhiteoutThatFailsIsNamed() {
	_long=$(printf '%0245d' 7)
	layer create base --driver aufs
	mkdir wh && echo x >"wh/.wh.$_long" && tar -C wh -cf in.tar .
	layer apply top in.tar --parent base
	assert_status 1
	assert_one_line ".wh.${_long%??????????????????????????????????????????????????????????}" 'File name too long'
}

# A file system may say at close(2) only that a file is not written.
testAnErrorOfCloseIsAFailure() {
	mkdir in && echo data >in/file && tar -C in -cf in.tar .
	strace -y -o trace -e trace=close "$LXC_BDEV" layer --store "$store" apply first in.tar
	_n=$(grep -n -m 1 'stage/[0-9a-f]*/file' trace | cut -d : -f 1)
	assertNotNull 'the file is closed' "$_n"
	run strace -o /dev/null -e trace=close -e "inject=close:error=EDQUOT:when=$_n" \
		"$LXC_BDEV" layer --store "$store" apply second in.tar
	assert_status 1
	assert_one_line 'Disk quota exceeded'
	layer exists second
	assert_status 1
}

testADamagedGzipLayerIsNotApplied() {
	mkdir in && head -c 3000 /dev/urandom >in/file && tar -C in -cf in.tar . && gzip -k in.tar
	cp in.tar.gz cut.tar.gz && truncate -s -1 cut.tar.gz
	# The file is stored as it is, so only the checksum tells.
	printf '\377' | dd of=in.tar.gz bs=1 seek=1500 conv=notrunc 2>/dev/null
	layer apply a in.tar.gz
	assert_status 1
	assert_one_line "'in.tar.gz': its gzip data is damaged: "
	layer apply a cut.tar.gz
	assert_status 1
	assert_one_line "'cut.tar.gz': its gzip data is cut off"
	layer exists a
	assert_status 1
}

testAnotherDigestIsNotApplied() {
	mkdir in && echo data >in/file && tar -C in -cf in.tar . && gzip -k in.tar
	_raw=$(sha256sum in.tar.gz | cut -c 1-64) _plain=$(sha256sum in.tar | cut -c 1-64)
	for _digest in "$_raw" "$_plain"; do
		layer apply "a$_digest" in.tar.gz --digest "sha256:$_digest"
		assert_status 0
	done
	_other=$(sha256sum in/file | cut -c 1-64)
	layer apply b in.tar.gz --digest "sha256:$_other"
	assert_status 1
	assert_one_line "'in.tar.gz': its digest is sha256:$_raw, and sha256:$_plain without its compression, not sha256:$_other"
	layer apply b in.tar --digest "sha256:$_raw"
	assert_status 1
	layer exists b
	assert_status 1
	layer apply b in.tar --digest "$_raw"
	assert_status 2
	assert_one_line "--digest '$_raw': not a digest"
}

testOutputThatIsLostIsAFailure() {
	for _i in $(seq 40); do layer create "$(printf 'a%0100d' "$_i")"; done
	for _command in "layer list --store '$store'" "layer list --store '$store' --json" --help --version 'layer --help'; do
		run sh -c "'$LXC_BDEV' $_command >/dev/full"
		assert_status 1
		assert_one_line 'write to stdout: '
	done
}

# --- what cannot be read is not absent ---

# The system calls that ask, each with an error that is no answer.
questions='openat:EMFILE getdents64:EIO read:EIO newfstatat:EACCES faccessat:EIO'
attributes='fgetxattr:EIO flistxattr:ENOMEM lgetxattr:EIO llistxattr:ENOMEM'

# sweep CHECK CALLS COMMAND... - run it once for each of these system calls that it makes, which fails; then CHECK.
sweep() {
	_check=$1 _calls=$2
	shift 2
	for _pair in $_calls; do
		_n=0
		while _n=$((_n + 1)); do
			run strace -f -qq -o trace -e "trace=${_pair%:*}" -e "inject=${_pair%:*}:error=${_pair#*:}:when=$_n" "$@"
			grep -q INJECTED trace || break
			_where="$_pair, call $_n: $(grep -m 1 INJECTED trace)"
			"$_check"
			[ "$status" -eq 0 ] || [ -s "$SCRATCH/stderr" ] || fail "no message: $_where"
		done
	done
}

still_needed() {
	assertNotEquals "$_where" 0 "$status"
	assertTrue "the layer is there: $_where" "[ -e '$store/layers/base' ] && [ -e '$store/diff/base/file' ]"
}

testALayerThatIsNeededIsNotRemoved() {
	mkdir in && echo data >in/file && tar -C in -cf in.tar . && layer apply base in.tar
	layer create child --parent base
	sweep still_needed "$questions" "$LXC_BDEV" layer --store "$store" remove base
}

still_held() {
	assertNotEquals "$_where" 0 "$status"
	assertTrue "the layer is there: $_where" "[ -e '$store/layers/base' ]"
	mount_stays
}

testALayerThatIsHeldIsNotRemoved() {
	mkdir in && echo data >in/file && tar -C in -cf in.tar . && layer apply base in.tar
	layer get base --holder me
	assert_status 0
	sweep still_held "$questions" "$LXC_BDEV" layer --store "$store" remove base
	layer put base --holder me
	assert_status 0
}

mount_stays() {
	assertEquals "mounted: $_where" data "$(cat "$store/mnt/base/file")"
	assertTrue "held: $_where" "[ -e '$store/holders/base/me' ]"
}

testCleanupKeepsWhatIsHeld() {
	mkdir in && echo data >in/file && tar -C in -cf in.tar . && layer apply base in.tar
	layer get base --holder me
	assert_status 0
	sweep mount_stays "$questions" "$LXC_BDEV" layer --store "$store" cleanup
	layer put base --holder me
}

# It is unmounted and has no holder, or it failed, and the same command works again.
put_or_not() {
	if [ "$status" -eq 0 ]; then
		assertFalse "held: $_where" "[ -e '$store/holders/base/me' ]"
		assertEquals "mounts: $_where" '' "$(mounts_here)"
		layer get base --holder me
	elif mounts_here | grep -q . && [ ! -e "$store/holders/base/me" ]; then
		fail "mounted, and the holder forgotten: $_where"
	elif [ ! -e "$store/holders/base/me" ] || ! mounts_here | grep -q .; then
		layer put base --holder me
		layer get base --holder me
	fi
}

testPutUnmountsOrFails() {
	mkdir in && echo data >in/file && tar -C in -cf in.tar . && layer apply base in.tar
	layer get base --holder me
	assert_status 0
	sweep put_or_not "$questions" "$LXC_BDEV" layer --store "$store" put base --holder me
	layer put base --holder me
}

testANewLayerHasTheRootOfItsParent() {
	mkdir -m 0750 in && tar -C in --owner=7:7 --group=8:8 -cf in.tar . && layer apply base in.tar
	same_root() {
		[ "$status" -ne 0 ] || assertEquals "$_where" '750 7:8' "$(stat -c '%a %u:%g' "$store/diff/new")"
		layer remove new
	}
	sweep same_root "$questions" "$LXC_BDEV" layer --store "$store" create new --parent base
}

# opaque_layers - apply base and top, which makes the directory d opaque.
opaque_layers() {
	mkdir -p base/d top/d && touch base/d/old base/d/other top/d/new top/d/.wh..wh..opq
	tar -C base -cf base.tar . && layer apply base base.tar
	tar -C top -cf top.tar . && layer apply top top.tar --parent base
	assert_status 0
}

testAnOpaqueDirectoryStaysOneInATar() {
	opaque_layers
	stays() {
		[ "$status" -ne 0 ] || tar -tf out.tar | grep -q -x '\(\./\)\{0,1\}d/\.wh\.\.wh\.\.opq' || fail "lost: $_where"
	}
	sweep stays "$attributes" "$LXC_BDEV" layer --store "$store" diff top --output out.tar
}

testAnOpaqueDirectoryStaysOneInASquash() {
	opaque_layers
	mkdir -p third && touch third/x && tar -C third -cf third.tar . && layer apply third third.tar --parent top
	stays() {
		if [ "$status" -eq 0 ]; then
			[ "$(getfattr --only-values -n trusted.overlay.opaque "$store/diff/new/d" 2>/dev/null)" = y ] ||
				fail "lost: $_where"
			layer remove new
		fi
	}
	sweep stays "$attributes" "$LXC_BDEV" layer --store "$store" squash top..third new
}

testAnOpaqueDirectoryStaysOneInAConversion() {
	opaque_layers
	cp -a "$store/diff/top" upper
	stays() {
		[ "$status" -ne 0 ] || [ -e new/d/.wh..wh..opq ] || fail "lost: $_where"
		rm -rf new .new.*
	}
	sweep stays "$attributes" "$LXC_BDEV" convert aufs upper --to new
}

# --- mounts of other namespaces ---

# another_user LAST - a user without rights mounts an overlay over /tmp/s/diff/a in a namespace of the user's own, and then
# runs LAST. true: it is there, until user_ends. A kernel that does not let the user do so skips the test.
another_user() {
	cat >user.sh <<-END
		cd /tmp && mount -t tmpfs none /tmp && cd /tmp && mkdir -p s/diff/a s/diff/b s/mnt/a m &&
			mount -t overlay overlay -o lowerdir=/tmp/s/diff/a:/tmp/s/diff/b m &&
			$1 && echo ready && exec sleep 60
	END
	_modes=$(stat -c %a "$TMPDIR")
	chmod 0755 "$TMPDIR" "$SCRATCH" "$HERE"
	[ -p ready ] || mkfifo ready
	setpriv --reuid=65534 --regid=65534 --clear-groups unshare -U -r -m sh -c "$(cat user.sh)" >ready 2>&1 &
	_user=$!
	read -r _line <ready
	[ "$_line" = ready ] || {
		skip "a user namespace of an unprivileged user: $_line"
		return 1
	}
}
user_ends() {
	chmod "$_modes" "$TMPDIR"
	kill $_user 2>/dev/null
	wait $_user 2>/dev/null || :
}
one_layer() {
	mkdir in && echo data >in/file && tar -C in -cf in.tar . && layer apply a in.tar
	assert_status 0
}

# The directories of another user, under names that end as the layer's does.
testAnotherUsersPathsDoNotBlockTheStore() {
	one_layer
	if another_user 'mount -t tmpfs none /tmp/s'; then
		layer remove a
		assert_status 0
	fi
	user_ends
}

# The same user, whose paths lead to the store once the mount is there: nobody without rights on it can show it.
testPathsThatLeadToTheStoreAfterwardsDoNotBlockIt() {
	one_layer
	if another_user "mv s old && ln -s '$store' s"; then
		layer remove a
		assert_status 0
	fi
	user_ends
}

# And the same for directories that are converted; one whose user can reach it is in use.
testPathsOfOthersDoNotBlockAConversion() {
	mkdir -p d/diff/a d/diff/b && touch d/diff/a/.wh.gone
	for _mode in 0755 0700; do
		chmod $_mode d
		if another_user "mv s old && ln -s '$HERE/d' s"; then
			bdev convert overlay d/diff/a
			if [ $_mode = 0755 ]; then
				assert_status 1
				assert_one_line "is in use as a lower by the mount on '/tmp/m' in the mount namespace of process"
			else
				assert_status 0
			fi
		fi
		user_ends
	done
}

# A mount of a namespace that root made is believed, and one that shows the layer counts.
testAMountOfAnotherNamespaceCounts() {
	mkdir in lower && echo data >in/file && tar -C in -cf in.tar . && layer apply a in.tar
	mkdir m && mkfifo ready
	ln -s "$store" link
	unshare -m --propagation private sh -c 'mount -t overlay overlay -o lowerdir=link/diff/a:lower m && echo ready && exec sleep 60' >ready 2>&1 &
	_other=$!
	read -r _line <ready
	assertEquals ready "$_line"
	layer remove a
	assert_status 1
	assert_one_line "layer 'a' is in use: mount in the mount namespace of process"
	kill $_other && { wait $_other 2>/dev/null || :; }
	layer remove a
	assert_status 0
}

# --- what is left ---

testAnInterruptedTarLeavesNothing() {
	mkdir in out && head -c 8000000 /dev/urandom >in/file && tar -C in -cf in.tar . && layer apply a in.tar
	for _verb in diff export; do
		for _signal in INT TERM KILL; do
			echo before >out/a.tar
			run strace -f -qq -o /dev/null -e trace=sendfile -e inject=sendfile:signal=$_signal \
				"$LXC_BDEV" layer --store "$store" $_verb a --output out/a.tar
			assertNotEquals 0 "$status"
			assertEquals "$_verb $_signal" 'a.tar before' "$(ls -A out) $(cat out/a.tar)"
		done
		layer $_verb a --output out/a.tar
		assert_status 0
		tar -xOf out/a.tar file | cmp - in/file || fail "$_verb"
		assertEquals a.tar "$(ls -A out)"
		rm out/a.tar
		layer $_verb a --output out/a.tar
		assertEquals 'without one before' 'a.tar 600' "$(ls -A out) $(stat -c %a out/a.tar)"
	done
}

# The same where a file cannot be without a name.
testAnInterruptedTarLeavesNothingWithoutTmpfile() {
	mkdir in out && head -c 8000000 /dev/urandom >in/file && tar -C in -cf in.tar . && layer apply a in.tar
	strace -qq -o trace -e trace=openat "$LXC_BDEV" layer --store "$store" diff a --output out/a.tar && rm out/a.tar
	_n=$(grep -n O_TMPFILE trace | cut -d : -f 1)
	for _signal in INT TERM HUP; do
		run strace -qq -o trace -e trace=sendfile,openat -e "inject=openat:error=EOPNOTSUPP:when=$_n" \
			-e inject=sendfile:signal=$_signal "$LXC_BDEV" layer --store "$store" diff a --output out/a.tar
		assertNotEquals 0 "$status"
		[ -z "$(ls -A out)" ] || fail "$_signal: $(ls -A out)"
	done
}

testATarThatDoesNotFitLeavesNothing() {
	mkdir in small && head -c 4000000 /dev/urandom >in/file && tar -C in -cf in.tar . && layer apply a in.tar
	mount -t tmpfs -o size=1m none small
	layer diff a --output small/a.tar
	assert_status 1
	assert_one_line 'No space left on device'
	assertEquals '' "$(ls -A small)"
	umount small
}

testCleanupRemovesWhatWasBeingWritten() {
	layer create a
	touch "$store/.new" "$store/layers/.new" "$store/info/.new"
	layer check
	assert_status 1
	layer cleanup
	assert_status 0
	layer check
	assert_status 0
}

# A removed layer is purged by a process that is slow here: its first call takes 2 s.
testWhatIsBeingPurgedIsNoLeftover() {
	layer create a
	strace -f -qq -o /dev/null -e trace=setsid -e inject=setsid:delay_enter=2000000 \
		"$LXC_BDEV" layer --store "$store" remove a &
	_tracer=$!
	assertTrue 'it is removed' "eventually [ ! -e '$store/layers/a' ]"
	layer check
	assertEquals "while it is purged: $out$err" 0 "$status"
	wait $_tracer
	assertEquals 'it is purged' '' "$(ls -A "$store/stage")"
	mkdir "$store/stage/dead"
	layer check
	assertEquals 'what nobody purges is a leftover' 1 "$status"
}

. shunit2
