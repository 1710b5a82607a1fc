#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The layer store: the life of layers, their mounts and holders, squash, import, check.
# shellcheck source=tests/lib.sh
. "$(dirname -- "$0")/lib.sh"

setUpEach() { store=$HERE/store; }
layer() { bdev layer --store "$store" "$@"; }
get() { layer get "$@" && assert_status 0; }
is_mounted() { mounts_here | grep -q -x -F "$store/mnt/$1"; }

# apply ID DIR [OPTION...] - DIR as a layer.
apply() {
	_id=$1 _dir=$2
	shift 2
	tar -C "$_dir" --xattrs --xattrs-include='*' -cf "$HERE/in.tar" . && layer apply "$_id" "$HERE/in.tar" "$@"
	assert_status 0
}

assert_clean() {
	layer check
	assertEquals 'what check finds' '' "$out"
	assert_status 0
}

# tree DIR - all names with all that belongs to them.
tree() {
	(cd "$1" && find . -printf '%P %y %m %U:%G %l %T@\n' | sort &&
		find . -type f -exec md5sum {} + | sort && xattrs -e hex)
}

testAStoreThatDoesNotExistYetHasNoLayers() {
	layer list
	assert_status 0
	assertEquals '' "$out$err"
	layer list --json
	assert_status 0
	assertEquals '[]' "$(printf '%s' "$out" | jq -c .)"
	assertFalse 'it is not made' "[ -e '$store' ]"
	touch file
	store=$HERE/file
	layer list
	assert_status 1
}

testTheLifeOfALayer() {
	mkdir one two
	echo one >one/file
	echo base >one/below
	apply base one
	layer create-rw top --parent base
	assert_status 0
	layer exists top
	assert_status 0
	assertEquals '' "$out$err"
	get top --holder me
	assertEquals "$store/mnt/top" "$out"
	assertEquals one "$(cat "$out/file")"
	echo two >"$out/file"
	rm "$out/below"
	layer put top --holder me
	assert_status 0
	assertEquals 'mounts' '' "$(mounts_here)"
	layer changes top
	assertEquals "$(printf 'D /below\nC /file')" "$out"
	assertEquals 'the base' one "$(cat "$store/diff/base/file")"
	layer diff top --output top.tar
	assert_status 0
	layer apply again top.tar --parent base
	assert_status 0
	get again --holder me
	assertEquals file "$(ls "$out")"
	assertEquals two "$(cat "$out/file")"
	layer put again --holder me
	assert_clean
	for _id in again top base; do
		layer remove $_id
		assert_status 0
	done
	layer list
	assertEquals '' "$out"
	assert_clean
	eventually test -z "$(ls "$store/stage")"
}

testAStoreIsReachedByRootAlone() {
	layer create a
	assertEquals 700 "$(stat -c %a "$store")"
	assertEquals overlay "$(cat "$store/driver")"
	chmod 0777 "$store"
	layer list
	assert_status 1
	assert_one_line 'writable by nobody else'
}

testADirectoryWithOtherThingsIsNoStore() {
	mkdir "$store"
	echo precious >"$store/file"
	layer create a
	assert_status 1
	assert_one_line 'is not a layer store, and not empty'
	layer list
	assert_one_line 'is not a layer store'
	rm "$store/lock"
	assertEquals 'file' "$(ls "$store")"
}

testTheDriverOfAStoreIsNotChanged() {
	layer --driver aufs create a
	assert_status 0
	layer --driver overlay create b
	assert_status 1
	assert_one_line 'has layers of aufs, not of overlay'
	layer --driver zfs list
	assert_status 2
	assert_one_line 'neither overlay nor aufs'
	layer list
	assertContains "$out" a
}

testTheDefaultStoreIsInLxcpath() {
	bdev layer create a -P "$LXCPATH"
	assert_status 0
	assertTrue 'the record' "[ -e '$LXCPATH/.bdev-layers/layers/a' ]"
}

testARecordIsTheSeedsFormat() {
	layer create a
	layer create b --parent a
	layer create c --parent b
	assertEquals '' "$(cat "$store/layers/a")"
	assertEquals "$(printf 'b\na')" "$(cat "$store/layers/c")"
}

testALayerWithChildrenIsMountedReadOnly() {
	layer create a
	layer create b --parent a
	get a
	assertFalse 'written to' "touch '$out/file' 2>/dev/null"
	layer put a
	layer remove b
	get a
	assertTrue 'written to' "touch '$out/file'"
	layer create b --parent a
	assert_one_line 'is mounted writable; put it first'
	layer put a
	layer create b --parent a
	assert_status 0
}

testADeadHolderDoesNotCount() {
	layer create a
	sh -c '"$0" layer --store "$1" get a >/dev/null; true' "$LXC_BDEV" "$store"
	layer metadata a --json
	assertEquals '[]' "$(printf %s "$out" | jq -c .holders)"
	assertTrue 'is mounted' 'is_mounted a'
	layer check
	assert_status 1
	layer cleanup
	assert_status 0
	assertFalse 'is mounted' 'is_mounted a'
	assert_clean
}

testAHolderOfAnotherBootIsForgotten() {
	layer create a
	mkdir "$store/holders/a"
	echo '0 0 11111111-2222-3333-4444-555555555555' >"$store/holders/a/old"
	layer put a --holder old
	assert_one_line "has no holder 'old'"
	layer remove a
	assert_status 0
	assert_clean
}

testAMountThatVanishedIsMadeAgain() {
	mkdir one
	echo content >one/file
	apply a one
	get a --holder h1
	umount "$store/mnt/a"
	get a --holder h2
	assertEquals content "$(cat "$out/file")"
	layer put a --holder h1
	assertTrue 'is mounted' 'is_mounted a'
	layer put a --holder h2
	assertFalse 'is mounted' 'is_mounted a'
	get a --holder h1
	umount "$store/mnt/a"
	layer put a --holder h1
	assert_status 0
	assert_clean
}

testAForeignMountIsLeftAlone() {
	layer create a
	mkdir -p "$store/mnt/a"
	mount -t tmpfs lxc-bdev-test "$store/mnt/a"
	layer get a
	assert_status 1
	assert_one_line 'is the mount point of another file system; unmount it first'
	layer remove a
	assert_status 1
	layer cleanup
	assert_status 1
	assertTrue 'still there' 'is_mounted a'
	umount "$store/mnt/a"
	assert_clean
}

testABusyMountStaysAndSoDoesItsHolder() {
	layer create a
	get a --holder h
	(cd "$out" && exec sleep 60) &
	_pid=$!
	eventually test "$(readlink /proc/$_pid/cwd)" = "$out"
	layer put a --holder h
	assert_status 1
	assert_one_line 'is in use'
	kill $_pid
	wait $_pid 2>/dev/null
	layer put a --holder h
	assert_status 0
	assert_clean
}

# chain N - what N creates on l1 make, one on the other.
chain() {
	(cd "$store" && seq 2 "$1" | sed 's/^/l/' | (cd diff && xargs mkdir -m 755) &&
		awk -v n="$1" 'BEGIN { for (i = 2; i <= n; i++) for (k = i - 1; k >= 1; k--) print "l" k >("layers/l" i) }')
}

testFiveHundredLayersAreMountedAndMoreAreRefusedByANumber() {
	mkdir -p "$store" one
	echo 1 >one/file
	apply l1 one
	chain 501
	assert_clean
	layer create l502 --parent l501
	assert_status 0
	layer get l501
	assert_status 1
	assert_one_line 'has 500 lower layers, and the kernel takes 499'
	layer remove l502
	layer get l501
	assertContains "$err" 'which makes looking up names slow'
	assert_status 0
	assertEquals 1 "$(cat "$out/file")"
	echo new >"$out/new"
	layer put l501
	layer create l502 --parent l501
	layer get l502
	assert_status 1
	assert_one_line 'has 501 lower layers, and the kernel takes 500' 'squash FROM..TO NEW'
	layer metadata l502 --json
	assertEquals '[]' "$(printf %s "$out" | jq -c .holders)"
	layer squash l1..l501 flat
	assert_status 0
	get flat
	assertEquals "$(printf 'file\nnew')" "$(ls "$out")"
	layer put flat
}

testWhatLayersShowIsWhatTheirSquashShows() {
	mkdir -p a/d/sub a/gone a/e b/d b/f/g c/gone c/d
	for _f in d/sub/x d/y d/s2 gone/z e/k; do echo "$_f" >a/$_f; done
	ln a/d/y a/d/link
	ln a/d/s2 a/d/s3
	ln -s /etc/passwd a/d/s
	mkfifo a/fifo
	mknod a/null c 1 3
	truncate -s 1M a/holes
	touch b/.wh.gone b/d/.wh.y b/.wh.e
	echo f >b/e
	setfattr -n user.k -v v a/d
	chmod 2750 b/d
	echo new >c/gone/new
	touch c/.wh.f c/d/.wh.sub c/.wh.e
	mkdir c/e
	echo again >c/e/again
	apply base a
	apply two b --parent base
	rm c/.wh.e
	apply three c --parent two
	layer create top --parent three
	get top
	tree "$out" >before
	layer put top
	layer squash two..three both
	assert_status 0
	layer squash base..three all
	assert_status 0
	for _id in both all; do
		get $_id
		tree "$out" >after
		assertEquals "squashed: $_id" "$(cat before)" "$(cat after)"
		assertTrue 'one file' "[ '$out/d/s2' -ef '$out/d/s3' ]"
		layer put $_id
	done
	assertEquals 'the parent' base "$(cat "$store/layers/both")"
	layer diff three --parent base --output diff.tar
	assert_status 0
	layer apply applied diff.tar --parent base
	get applied
	tree "$out" >after
	assertEquals 'the diff of several' "$(cat before)" "$(cat after)"
	layer put applied
	layer export three --output all.tar
	mkdir exported
	tar -C exported --xattrs --xattrs-include='*' -xpf all.tar
	tree exported | grep -v user.k >after
	assertEquals 'the export' "$(grep -v user.k before)" "$(cat after)"
	assert_clean
}

testASquashIsOfALayerAndOneBelow() {
	layer create a
	layer create b --parent a
	layer create x
	layer squash b..a new
	assert_one_line "layer 'a' does not depend on 'b'"
	layer squash x..b new
	assert_one_line "layer 'b' does not depend on 'x'"
	layer squash a-b new
	assert_one_line 'not FROM..TO'
	layer squash a..b x
	assert_one_line "layer 'x' exists"
}

# docker_store - one as Docker's aufs driver left it.
docker_store() {
	mkdir -p d/layers d/diff/base/dir d/diff/top/dir d/mnt/base d/mnt/top d/diff/old-removing
	chmod 0700 d
	: >d/layers/base
	echo base >d/layers/top
	echo x >d/diff/base/dir/x
	echo y >d/diff/base/y
	: >d/diff/top/.wh..wh.aufs
	ln d/diff/top/.wh..wh.aufs d/diff/top/.wh.y
	: >d/diff/top/dir/.wh..wh..opq
	echo z >d/diff/top/dir/z
}
shows() { # ID
	get "$1"
	assertEquals "$(printf 'dir\ndir/z')" "$(cd "$out" && find . -mindepth 1 -printf '%P\n' | sort)"
	layer put "$1"
}

testAStoreOfDockersIsCopied() {
	docker_store
	tree d >before
	layer import --aufs d --copy
	assert_status 0
	assertEquals 2 "$out"
	shows top
	layer import --aufs d --copy
	assertEquals 'nothing is left to do' 0 "$out"
	assertEquals 'the source' "$(cat before)" "$(tree d)"
	store=$HERE/as-aufs
	layer --driver aufs import --aufs d --copy
	assert_status 0
	assertTrue 'aufs form' "[ -e '$store/diff/top/.wh.y' ]"
}

testAStoreOfDockersIsTakenOverInPlace() {
	docker_store
	store=$HERE/d
	layer list
	assertContains "$out" "$(printf 'top\tbase')"
	bdev layer import --aufs d
	assert_status 0
	assertEquals aufs "$(cat d/driver)"
	bdev layer import --aufs d --driver overlay
	assert_status 0
	shows top
	layer cleanup
	assert_clean
	bdev layer import --aufs d
	assert_one_line 'already is a layer store, of overlay'
}

testADirectoryWithoutADriverIsReadAndNotWrittenTo() {
	docker_store
	store=$HERE/d
	tree d >before
	for _words in 'list' 'metadata top' 'changes top' 'diff top --output top.tar'; do
		# shellcheck disable=SC2086
		layer $_words
		assertEquals "$_words: $err" 0 "$status"
	done
	for _words in 'create new' 'get top' 'remove top' 'cleanup' 'check --repair' 'squash base..top new'; do
		# shellcheck disable=SC2086
		layer $_words
		assertEquals "$_words" 1 "$status"
		assert_one_line "it has no file 'driver'"
	done
	assertEquals "$(cat before)" "$(tree d)"
}

testTheDirectoryAboveAStoreIsNoStore() {
	layer create a
	mkdir -p above/diff/precious
	mv "$store" above/layers
	for _words in 'list' 'cleanup' 'check --repair' 'create b'; do
		# shellcheck disable=SC2086
		bdev layer --store above $_words
		assertEquals "$_words" 1 "$status"
		assert_one_line "is it '$HERE/above/layers'?"
	done
	assertTrue 'what is beside it' '[ -d above/diff/precious ]'
	assertFalse 'nothing is made in it' '[ -e above/layers/layers/b ]'
}

testAStoreThatWasTakenOverAsAufsBecomesOverlays() {
	docker_store
	store=$HERE/d
	bdev layer import --aufs d
	assert_status 0
	bdev layer import --aufs d --driver overlay
	assert_status 0
	shows top
}

testAStoreThatConvertMadeOverlaysIsTakenOver() {
	docker_store
	store=$HERE/d
	bdev convert overlay d
	assert_status 0
	bdev layer import --aufs d
	assert_status 1
	assert_one_line "is in overlay format"
	bdev layer import --aufs d --driver overlay
	assert_status 0
	shows top
}

testConvertRefusesALayerStore() {
	layer create a
	echo x >"$store/diff/a/.wh.x"
	for _dir in "$store" "$store/diff/a"; do
		bdev convert overlay "$_dir"
		assert_status 1
		assert_one_line 'lxc-bdev layer import'
	done
	assertTrue 'it is as it was' "[ -e '$store/diff/a/.wh.x' ]"
}

testWhatIsNoTarIsNoLayer() {
	truncate -s 1M image
	mkfs.ext4 -q image 2>/dev/null
	layer apply a image
	assert_one_line "'image': it is no tar (a file system image?"
	truncate -s 8M image
	mkfs.ext4 -q -F image 2>/dev/null
	gzip image
	layer apply a image.gz
	assert_one_line "'image.gz': it is no tar (a file system image?"
	echo text >text
	layer apply a text
	assert_one_line "'text': it is no tar, nor one compressed"
	layer apply a .
	assert_one_line 'is a directory'
	layer exists a
	assert_status 1
	head -c 10240 /dev/zero >empty.tar
	layer apply a empty.tar
	assert_status 0
}

testAnImageIsNoLayer() {
	mkdir docker oci
	echo '[{"Config":"c.json","Layers":["a/layer.tar"]}]' >docker/manifest.json
	echo '{"imageLayoutVersion": "1.0.0"}' >oci/oci-layout
	for _dir in docker oci; do
		tar -C $_dir -cf $_dir.tar .
		layer apply a $_dir.tar
		assert_status 1
		assert_one_line "'$_dir.tar' is an image, not a layer"
	done
	# An application's own.
	echo '{"icons":[]}' >docker/manifest.json
	tar -C docker -cf docker.tar .
	layer apply a docker.tar
	assert_status 0
}

testADeadHolderIsNotInTheWay() {
	layer create a
	for _words in 'create b --parent a' 'remove b' 'remove a'; do
		# shellcheck disable=SC2016 # for the inner shell
		sh -c '"$1" layer --store "$2" get a >/dev/null; :' sh "$LXC_BDEV" "$store"
		# shellcheck disable=SC2086
		layer $_words
		assertEquals "$_words: $err" 0 "$status"
	done
}

testAnImportOfAMountedStoreIsRefused() {
	docker_store
	mount -t tmpfs lxc-bdev-test d/mnt/top
	bdev layer import --aufs d --driver overlay
	assert_status 1
	assertContains "$err" 'is mounted'
	umount d/mnt/top
}

testCheckFindsAndRepairsWhatLosesNothing() {
	layer create a
	layer create b --parent a
	mkdir "$store/diff/stray" "$store/diff/a-removing" "$store/stage/dead" "$store/work/stray"
	echo half >"$store/layers/.new"
	mkdir "$store/holders/a"
	echo '1 1 boot' >"$store/holders/a/pid-1"
	layer check --json
	assert_status 1
	assertEquals 6 "$(printf %s "$out" | jq length)"
	layer check --repair
	assert_status 0
	assert_clean
	rm -r "$store/layers/a" "$store/diff/a"
	layer check
	assert_status 1
	assertContains "$out" 'missing: b: a'
	layer check --repair
	assert_status 1
}

testALostRecordIsMadeAgainAndItsLayerNotRemoved() {
	layer create a
	layer create b --parent a
	layer create c --parent b
	cp -r "$store/layers" before
	rm "$store/layers/b" "$store/layers/c"
	layer cleanup
	layer check
	assertContains "$out" 'record: c: its record is lost'
	printf 'b\na\n' >"$store/layers/c"
	rm "$store/info/b"
	layer cleanup
	layer check --repair
	assert_status 0
	assertContains "$out" "record: b: its record is lost; layer 'c' lists its lower layers (repaired)"
	assertEquals '' "$(diff -r before "$store/layers")"
	assert_clean
	rm "$store/layers/c"
	layer remove c
	assert_status 0
	# shellcheck disable=SC2016 # for the inner shell
	eventually sh -c '! ls "$1" | grep -q .' sh "$store/stage"
	assert_clean
}

testRecordsThatAreNoneAreTakenAway() {
	for _id in dir link a b; do
		layer create $_id
	done
	rm "$store/layers/dir"
	mkdir "$store/layers/dir" "$store/layers/dir/x"
	rmdir "$store/diff/link"
	ln -s a "$store/diff/link"
	echo b >"$store/layers/a"
	echo a >"$store/layers/b"
	cp -a "$store" other
	layer get a
	assert_one_line 'its record is damaged'
	layer create on --parent b
	assert_one_line 'its record is damaged'
	layer check
	assert_status 1
	layer check --repair
	assertContains "$out" 'record: dir: it is not a file (repaired)'
	assertContains "$out" 'record: link: its directory is not a directory (repaired)'
	layer remove dir
	assert_status 0
	assert_clean
	store=$HERE/other
	for _id in dir link a b; do
		layer remove $_id
		assert_status 0
	done
	assert_clean
}

testCheckFindsWhatDoesNotBelongInALayer() {
	layer create a
	mkdir "$store/diff/a/d"
	setfattr -n trusted.overlay.opaque -v y "$store/diff/a/d"
	mknod "$store/diff/a/d/ghost" c 0 0
	layer check
	assert_status 1
	assertContains "$out" 'ghost: a:/d/ghost'
}

testAFailedApplyLeavesNothing() {
	layer create filled
	mkdir one
	echo content >one/file
	head -c 1M /dev/urandom >one/big
	tar -cf whole.tar -C one .
	head -c 700000 whole.tar >cut.tar
	for _id in new filled; do
		layer apply $_id cut.tar
		assert_status 1
		assertEquals "$err" 1 "$(wc -l <"$SCRATCH/stderr")"
	done
	layer exists new
	assert_status 1
	assertEquals '' "$(ls -A "$store/diff/filled")"
	layer apply filled whole.tar
	assert_status 0
	layer apply filled whole.tar
	assert_one_line 'exists, and is not empty'
	layer apply other whole.tar --max-bytes 1K
	assert_status 1
	eventually no_stage
	assert_clean
}
no_stage() { [ -z "$(ls "$store/stage")" ]; }

testAMissingParentIsRefusedBeforeTheInputIsRead() {
	layer create a
	mkfifo never
	run timeout 60 "$LXC_BDEV" layer --store "$store" apply b - --parent nope <>never
	assert_status 1
	assert_one_line "there is no layer 'nope'"
}

testNoLockIsHeldWhileInputIsRead() {
	layer create a
	mkfifo slow
	"$LXC_BDEV" layer --store "$store" apply b slow --parent a >/dev/null 2>&1 &
	_pid=$!
	exec 9>slow
	run timeout 60 "$LXC_BDEV" layer --store "$store" create c --parent a
	assert_status 0
	run timeout 60 "$LXC_BDEV" layer --store "$store" remove c
	assert_status 0
	layer remove a
	assert_status 1
	assert_one_line 'another lxc-bdev is working with it'
	exec 9>&-
	wait $_pid
	assertNotEquals 'an empty input' 0 $?
	eventually no_stage
	layer remove a
	assert_status 0
}

testUsageIsTold() {
	for _words in 'frob' 'create' 'create a b' 'list --parent a' 'get a --repair' 'apply a --max-bytes many' \
		'import' 'import --aufs x --store y' '--store= list' 'get a --holder'; do
		# shellcheck disable=SC2086 # several words
		layer $_words
		assertEquals "layer $_words: $err" 2 "$status"
		assertEquals "layer $_words: $err" 1 "$(wc -l <"$SCRATCH/stderr")"
	done
}

testTheNextLayerAboveIsNamed() {
	layer create system
	layer create motd --parent system
	layer create hello --parent motd
	layer remove system
	assert_one_line "layer 'motd' depends on it"
}

testJson() {
	layer create a
	layer create b --parent a
	layer list --json
	assertEquals '[["a",null],["b","a"]]' "$(printf %s "$out" | jq -c '[.[]|[.id,.parent]]')"
	layer status --json
	assertEquals '["overlay",2,0]' "$(printf %s "$out" | jq -c '[.driver,.layers,.mounted]')"
	for _words in 'metadata a' 'changes b' 'diffsize b' 'check'; do
		# shellcheck disable=SC2086 # several words
		layer $_words --json
		assertTrue "layer $_words" "printf %s '$out' | jq . >/dev/null"
	done
}

# on_terminal COMMAND - run it with a terminal; what that shows is in the file seen.
on_terminal() {
	printf '%s\n' "$1" >terminal.sh
	script -q -e -c 'sh ./terminal.sh' /dev/null </dev/null >seen 2>&1
}

# The input, or the output, takes longer than a second.
testLongWorkShowsItsProgressOnTheTerminal() {
	mkdir -p tree && head -c 3000000 /dev/urandom >tree/file
	for i in 1 2 3 4 5 6 7 8; do cp tree/file "tree/file$i"; done
	tar -C tree -cf in.tar .
	slowly="{ head -c 9000000 in.tar; sleep 2; tail -c +9000001 in.tar; } | '$LXC_BDEV' layer --store '$store'"
	on_terminal "$slowly apply slow"
	assertContains 'apply' "$(cat seen)" 'lxc-bdev: unpacked '
	assertContains 'apply' "$(cat seen)" ' MiB, '
	on_terminal "$slowly --quiet apply slower"
	assertNotContains 'quiet' "$(cat seen)" unpacked
	on_terminal "'$LXC_BDEV' layer --store '$store' diff slow | { sleep 2; cat >out.tar; }"
	assertContains 'diff' "$(cat seen)" 'lxc-bdev: written '
	assertEquals 'the tar is whole' 9 "$(tar -tf out.tar | grep -c file)"
}

. shunit2
