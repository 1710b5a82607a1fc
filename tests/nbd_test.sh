#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# nbd: images that QEMU reads, by the transport that this machine has; and what is decided before there is a transport, or
# is QEMU's part.
# shellcheck source=tests/lib.sh
. "$(dirname -- "$0")/lib.sh"
# shellcheck source=tests/nbd.sh
. "$ROOT/tests/nbd.sh"

suite() { add_tests "$0" "$ROOT/tests/nbd.sh"; }

testTransportNbdIsRefusedWithTheWayOutWhereThereIsNone() {
	image i.qcow2
	bdev mount nbd:i.qcow2,transport=nbd "$HERE/m"
	if [ "$status" -eq 0 ]; then
		differs fuse "$(transport)"
		umounted
	else
		impossible 'use transport=fuse'
	fi
}

testKilledProcessBetweenFuseAndQemuGivesErrorsAndNothingIsLeft() {
	image i.qcow2
	mounted nbd:i.qcow2,transport=fuse
	echo before >m/before
	sync -f m
	kill -KILL "$(server bdev-fuse)"
	noise m/after 2>/dev/null
	! sync -f m 2>/dev/null || fail 'what could not be written was synced'
	umounted
	mounted nbd:i.qcow2
	same before "$(cat m/before)"
	umounted
}

# The device that a record names may have been taken by others since: its sequence number tells.
testLoopDeviceThatAnotherHasByNowIsNotWaitedFor() {
	image i.qcow2
	mounted nbd:i.qcow2,transport=fuse
	_journal=$(echo /run/lxc-bdev/*/journal)
	_gone=$(record loop 3)
	umount m
	cp --sparse=always "$SCRATCH/base.raw" other.raw
	mount -o loop other.raw m2
	_node=$(findmnt -no SOURCE m2)
	differs 'one that was used before' "$_gone" "$(cat "/sys/block/${_node#/dev/}/diskseq")"
	# It is another's by now.
	sed -i "s|^loop\t.*|loop\t1\t$_node\t$_gone\t0:47-1|" "$_journal"
	bdev umount "$HERE/m"
	assert_status 0
	same '' "$err"
	# And so it would be its own.
	mounted nbd:i.qcow2,transport=fuse
	umount m
	_now=$(cat "/sys/block/${_node#/dev/}/diskseq")
	sed -i "s|^loop\t.*|loop\t1\t$_node\t$_now\t0:47-1|" "$_journal"
	bdev umount "$HERE/m"
	assert_status 1
	assert_one_line "'$_node' is still in use"
	umount m2
	umounted
}

testADeviceThatAnotherHasByNowIsNotShared() {
	image i.qcow2
	mkdir taker
	mounted nbd:i.qcow2,ro,transport=fuse
	_journal=$(echo /run/lxc-bdev/*/journal)
	cp "$_journal" right
	for _field in loop server; do
		# The sequence number of the device, the start time of the server.
		awk -F '\t' -v OFS='\t' -v kind="$_field" '$1 == kind {$4 = $4 + 1} 1' right >"$_journal"
		cmp -s right "$_journal" && fail "no $_field in it"
		bdev mount nbd:i.qcow2,ro,transport=fuse "$HERE/taker"
		assert_status 0
		differs "$_field" 1 "$(server qemu | sort -u | wc -l)"
		cat right >"$_journal"
		bdev umount "$HERE/taker"
		assert_status 0
	done
	umounted
}

# big_disk - an xfs of 6 GiB, which discards free space in requests of up to 3 GiB.
big_disk() {
	truncate -s 6G big.raw
	mkfs.xfs -q -d agcount=2 big.raw
	qemu-img convert -f raw -O qcow2 big.raw i.qcow2
}

# One request of NBD's has at most 1 GiB of them.
testDiscardsOfSeveralGiBDuringWritesDestroyNothing() {
	big_disk
	bdev mount nbd:i.qcow2,transport=fuse "$HERE/m"
	assert_status 0
	noise noise 16384
	_writers=''
	for _n in 1 2 3 4; do
		for _i in 1 2 3 4; do
			dd if=noise "of=m/$_n.$_i" bs=4M oflag=direct status=none
		done &
		_writers="$_writers $!"
	done
	for _i in 1 2 3 4 5 6 7 8; do
		run fstrim "$HERE/m"
		assert_status 0
	done
	# shellcheck disable=SC2086
	wait $_writers
	umounted
	bdev mount nbd:i.qcow2,transport=fuse,ro "$HERE/m"
	assert_status 0
	_sum=$(md5sum <noise)
	for _file in m/*; do
		same "what was written to $_file" "$_sum" "$(md5sum <"$_file")"
	done
	same 'files' 16 "$(set -- m/* && echo $#)"
	umounted
	rm big.raw
	qemu-img convert -f qcow2 -O raw i.qcow2 big.raw
	run xfs_repair -n big.raw
	assert_status 0
	run qemu-img check -q -f qcow2 i.qcow2
	assert_status 0
}

# With EIO for the one who asked, not with a wait that nothing ends.
testAnswerOfTheFuseServerThatCannotBeWrittenIsAnError() {
	image i.qcow2
	mounted nbd:i.qcow2,transport=fuse
	sync -f m
	strace -qq -f -o trace -e trace=writev -e inject=writev:error=ENOMEM:when=1 -p "$(server bdev-fuse)" &
	_tracer=$!
	eventually traced "$(server bdev-fuse)"
	noise m/noise 64
	run timeout 20 sync -f m
	differs 'sync ends by itself' 124 "$status"
	kill "$_tracer"
	wait "$_tracer"
	bdev umount "$HERE/m"
	assert_nothing_left
	# Neither the answer nor the error can be written: all of it ends.
	image i.qcow2
	mounted nbd:i.qcow2,transport=fuse
	strace -qq -f -o trace -e trace=writev -e inject=writev:error=ENOMEM -p "$(server bdev-fuse)" &
	_tracer=$!
	eventually traced "$(server bdev-fuse)"
	noise m/noise 64
	run timeout 20 sync -f m
	differs 'sync fails' 0 "$status"
	differs 'sync ends by itself' 124 "$status"
	wait "$_tracer"
	bdev umount "$HERE/m"
	assert_nothing_left
}
traced() { [ "$(sed -n 's/^TracerPid:[[:space:]]*//p' "/proc/$1/status")" != 0 ]; }

# The older ways to build an overlay do it in a mount namespace of its own.
testDiskBelowAnImageCannotBeTakenOffInTheStage() {
	LXC_BDEV_OVERLAY=mount
	export LXC_BDEV_OVERLAY
	testDiskBelowAnImageCannotBeTakenOff
	testDiskBelowABackingFileCannotBeTakenOff
	unset LXC_BDEV_OVERLAY
}

# --- formats ---

testQedIsReadAndWritten() { format_works qed; }
testVdiIsReadAndWritten() { format_works vdi; }
testVmdkIsReadAndWritten() { format_works vmdk; }
testVhdxIsReadAndWritten() { format_works vhdx; }

testOtherExtensionsOfAFormat() {
	image i.vpc i.vmdk i.img
	mv i.vpc i.vhd
	mv i.vmdk i.VMDK
	for name in i.vhd i.VMDK i.img; do
		mounted "nbd:$name,ro"
		umounted
	done
}

testFormatIsSaidByTheOption() {
	image i.qcow2
	mv i.qcow2 i.bin
	mounted nbd:i.bin,format=qcow2
	umounted
	mv i.bin i.raw
	mounted nbd:i.raw,format=qcow2,ro
	umounted
}

testNameThatDoesNotSayTheFormatIsRefusedWithTheRemedy() {
	image i.raw
	mkdir .raw
	for name in i.bin i i. .raw/i; do
		cp i.raw "$name"
		malformed "nbd:$name" "the extension of '$name' is not that of a known format; add format=raw"
	done
}

testImageOfAnotherFormatThanItIsSaidToBeIsRefused() {
	image i.qcow2
	refuses nbd:i.qcow2,format=vmdk 'is not vmdk'
	refuses nbd:i.qcow2,format=vdi 'is not vdi'
	image i.raw
	refuses nbd:i.raw,format=qcow2 'is not qcow2'
}

testWhatIsNoImageIsRefused() {
	mkdir dir.raw
	mkfifo fifo.raw
	: >empty.raw
	truncate -s 1M zeros.raw
	ln -s nowhere dangling.raw
	while read -r name reason; do
		run timeout 60 "$LXC_BDEV" mount "nbd:$name" "$HERE/m"
		refused "$name" "$reason"
	done <<-END
		none.raw No such file
		dir.raw not a regular file
		fifo.raw not a regular file
		dangling.raw No such file
		empty.raw the image is empty
		zeros.raw holds no file system
	END
}

testFstypeIsAllThatIsAccepted() {
	image i.qcow2
	refuses nbd:i.qcow2,fstype=xfs 'holds ext4, not xfs'
	mounted nbd:i.qcow2,fstype=ext4
	umounted
}

# --- nothing is probed ---

testPlanOpensNothingThatARawImageNames() {
	evil_image
	container c1 "nbd:$HERE/evil.img"
	run strace -f -o trace -e trace=%file,%process "$LXC_BDEV" plan -P "$LXCPATH" -n c1
	same '' "$(grep secret trace)"
	same 'programs' 1 "$(grep -c execve trace)"
}

testRawImageThatBeginsLikeAQcow2StaysRaw() {
	evil_image
	for options in '' ,ro ,format=raw; do
		refuses "nbd:evil.img$options" 'holds no file system'
		lacks "$err$out" content
	done
	mounted nbd:evil.img,format=qcow2
}

testEachNodeThatQemuIsGivenHasItsDriver() {
	cp "$SCRATCH/base.raw" base.raw
	over i.qcow2 base.raw raw
	mounted nbd:i.qcow2
	same 'drivers' 'qcow2 file raw file' \
		"$(graph | jq -r '[.driver, .file.driver, .backing.driver, .backing.file.driver] | join(" ")')"
	same 'nodes without' 0 \
		"$(graph | jq '[.. | objects | select(has("filename") or has("file")) | select(has("driver") | not)] | length')"
	lacks 'by name' "$(graph)" base.raw
	umounted
	image r.raw
	mounted nbd:r.raw
	same 'drivers' 'raw file' "$(graph | jq -r '[.driver, .file.driver] | join(" ")')"
	umounted
}

# --- backing files ---

# base.raw, mid.qcow2 and top.qcow2 in this directory, each named by the next.
chain() { # DIRECTORY
	cp "$SCRATCH/base.raw" "$1/base.raw"
	over "$1/mid.qcow2" base.raw raw
	over "$1/top.qcow2" mid.qcow2 qcow2
}

testChainOfThreeIsWrittenOnTopOnly() {
	chain .
	before=$(md5sum base.raw mid.qcow2)
	mounted nbd:top.qcow2
	echo new >m/new
	umounted
	mounted nbd:top.qcow2,ro
	same new "$(cat m/new)"
	umounted
	same 'what it stands on' "$before" "$(md5sum base.raw mid.qcow2)"
	assert_clean top.qcow2
}

testBackingFilesAreLookedForBesideTheImage() {
	mkdir images
	chain images
	mounted nbd:images/top.qcow2
	umounted
	mounted "nbd:$HERE/images/top.qcow2"
	umounted
	ln -s images/top.qcow2 link.qcow2
	mounted nbd:link.qcow2,ro
	umounted
}

testBackingFilesInTheContainersDirectory() {
	container c1 nbd:top.qcow2
	chain "$LXCPATH/c1"
	bdev plan -P "$LXCPATH" -n c1
	assert_status 0
	contains "$out" "mount 'top.qcow2', qcow2, read-write"
	rm "$LXCPATH/c1/base.raw"
	bdev plan -P "$LXCPATH" -n c1
	refused "open its backing file 'base.raw'" 'No such file'
}

# images/i.qcow2 stands on a file of another directory.
outside() {
	mkdir images other
	cp "$SCRATCH/base.raw" other/base.raw
	over images/i.qcow2 ../other/base.raw raw
}

testBackingFileOutsideTheImagesDirectoryIsRefusedWithTheRemedy() {
	outside
	refuses nbd:images/i.qcow2 "names '$HERE/other/base.raw' as its backing file" \
		"add 'bdev.policy.backing = DIRECTORY' to $POLICY"
	container c1 "nbd:$HERE/images/i.qcow2"
	bdev plan -P "$LXCPATH" -n c1
	refused "names '$HERE/other/base.raw' as its backing file"
}

testBackingFileThatThePolicyAllows() {
	outside
	policy "bdev.policy.backing = $HERE/other"
	mounted nbd:images/i.qcow2
	umounted
}

testPolicyIsForItsDirectoriesOnly() {
	outside
	policy '# this one, and no other' "bdev.policy.backing = $HERE/othe" 'bdev.policy.backing = /nowhere'
	refuses nbd:images/i.qcow2 "names '$HERE/other/base.raw'"
	policy "bdev.policy.backing = $HERE/other/base"
	refuses nbd:images/i.qcow2 "names '$HERE/other/base.raw'"
}

testLinkThatLeadsOutOfTheImagesDirectoryIsRefused() {
	outside
	ln -s ../other/base.raw images/link.raw
	over images/l.qcow2 link.raw raw
	refuses nbd:images/l.qcow2 "names '$HERE/other/base.raw'" bdev.policy.backing
}

# header_length QCOW2 - where its extensions begin.
header_length() {
	# shellcheck disable=SC2046
	set -- $(od -A n -j 100 -N 4 -t u1 "$1")
	echo $(((($1 * 256 + $2) * 256 + $3) * 256 + $4))
}

testBackingFileWithoutAFormatIsRefusedAndTheRemedyWorks() {
	image base.qcow2
	over i.qcow2 base.qcow2 qcow2
	# The header's extension that says it comes first; as one of an unknown kind it is ignored.
	printf '\0\0\0\1' | dd of=i.qcow2 bs=1 seek="$(header_length i.qcow2)" conv=notrunc status=none
	refuses nbd:i.qcow2 "does not say which format its backing file 'base.qcow2' has"
	run sh -c "${err##*: }"
	assert_status 0
	mounted nbd:i.qcow2
	umounted
}

testBackingThatIsNoFileIsRefused() {
	cp "$SCRATCH/base.raw" secret
	for backing in 'json:{"driver":"file","filename":"secret"}' nbd://127.0.0.1:1/x file:secret fat:. ssh://host/x; do
		over i.qcow2 "$backing" raw
		refuses nbd:i.qcow2 "names '$backing' as its backing file: only files are allowed" 'qemu-img rebase -u'
	done
}

testBackingThatIsNoRegularFileIsRefused() {
	mkfifo fifo
	mkdir dir
	for backing in fifo dir; do
		over i.qcow2 "$backing" raw
		run timeout 60 "$LXC_BDEV" mount nbd:i.qcow2 "$HERE/m"
		refused "'$HERE/$backing' is not a regular file"
	done
}

data_file() {
	qemu-img create -q -f qcow2 -o data_file="$1",data_file_raw=on i.qcow2 8M
	cp "$SCRATCH/base.raw" "$1"
}

testDataFileIsRefusedUnlessThePolicySaysSo() {
	data_file data.raw
	refuses nbd:i.qcow2 "keeps its data in another file, 'data.raw'" "'bdev.policy.data-file = yes' to $POLICY"
	policy 'bdev.policy.data-file = no'
	refuses nbd:i.qcow2 "keeps its data in another file, 'data.raw'"
	policy 'bdev.policy.data-file = yes'
	mounted nbd:i.qcow2
	echo new >m/new
	umounted
	same 'written to the data file' new "$(debugfs -R 'cat new' data.raw 2>/dev/null)"
}

testDataFileElsewhereIsRefusedAllTheSame() {
	mkdir other
	data_file other/data.raw
	mkdir images
	mv i.qcow2 images/
	ln -s ../other images/other
	policy 'bdev.policy.data-file = yes'
	refuses nbd:images/i.qcow2 "names '$HERE/other/data.raw' as its data file"
}

testCycleOfBackingFilesIsRefused() {
	over a.qcow2 b.qcow2 qcow2
	over b.qcow2 a.qcow2 qcow2
	refuses nbd:a.qcow2 'is in a cycle or a chain of more than'
	over d.qcow2 c.qcow2 qcow2
	mv d.qcow2 c.qcow2
	refuses nbd:c.qcow2 'is in a cycle or a chain of more than'
}

testBadLineInThePolicyIsNamedByFileAndLine() {
	image i.qcow2
	while read -r line; do
		policy '# the first line' "$line"
		malformed nbd:i.qcow2 "$POLICY:2: ${line%% *}"
	done <<-END
		bdev.policy.backing = relative
		bdev.policy.backing =
		bdev.policy.uri = nbd
		bdev.policy.uri = http://host/../a
		bdev.policy.uri = http://name@host/
		bdev.policy.data-file = perhaps
		bdev.policy.nosuch = yes
		bdev.rootfs = dir:/
	END
	policy "bdev.policy.backing $HERE"
	malformed nbd:i.qcow2 "$POLICY:1:"
	policy '' '# nothing at all' '  # indented'
	mounted nbd:i.qcow2
	umounted
}

# --- options ---

testFstrimShrinksARawImage() {
	image i.raw
	trimmed i.raw
	[ $returned -gt 4000 ] || fail "KiB: $returned"
	assert_clean i.raw
}

testNativeAioNeedsODirect() {
	with_direct
	bdev mount nbd:disk/i.qcow2,aio=native,cache=writeback "$HERE/m"
	assert_status 1
	assert_one_line 'aio=native needs cache=none or cache=directsync'
	mounted nbd:disk/i.qcow2,aio=native,cache=none
	same native "$(graph | jq -r .file.aio)"
	umounted_from_disk
	off_disk
}

testIoUringWhereQemuHasIt() {
	image i.qcow2
	run qemu-io -i io_uring -f qcow2 -c 'read 0 512' i.qcow2
	works=$status
	bdev mount nbd:i.qcow2,aio=io_uring "$HERE/m"
	if [ "$works" -eq 0 ]; then
		assert_status 0
		umounted
	else
		refused io_uring
	fi
}

testWrongValuesAreRefusedWithTheRightOnes() {
	image i.qcow2
	while read -r option known; do
		for value in wrong "${known%%,*}x"; do
			malformed "nbd:i.qcow2,$option=$value" "$option=$value: not" "$known"
		done
		malformed "nbd:i.qcow2,$option" "option '$option' needs a value"
	done <<-END
		format raw, qcow2, qed, vdi, vmdk, vhdx, vpc
		transport auto, nbd, fuse
		cache none, writeback, writethrough, directsync, unsafe
		aio threads, native, io_uring
		discard unmap, ignore
		detect-zeroes unmap, on, off
	END
	for value in 0 -1 1.5 1s 86401 ''; do
		malformed "nbd:i.qcow2,reconnect=$value" 'reconnect'
	done
	malformed nbd:i.qcow2,discard=ignore,detect-zeroes=unmap 'detect-zeroes=unmap contradicts discard=ignore'
	malformed nbd:i.qcow2,nosuch=1 "unknown option 'nosuch'"
}

testReconnectIsRefusedWhereWritesWouldBeLost() {
	image i.qcow2
	for cache in writeback unsafe; do
		malformed "nbd:i.qcow2,reconnect=5,cache=$cache" 'reconnect= with a qcow2 image needs cache=writethrough' \
			'loses acknowledged writes'
	done
}

cache_works() { # MODE GRAPH
	mounted "nbd:disk/i.qcow2,cache=$1"
	same "QEMU's cache" "$2" "$(graph | jq -c '[.file.cache.direct, .file.cache."no-flush"]')"
	umounted_from_disk
}

# The same on one that cannot.
without_direct() {
	mkdir -p disk
	mount -t ramfs ramfs disk
	image disk/i.qcow2
}

testEachCacheModeWorksWithODirect() {
	with_direct
	cache_works none '[true,false]'
	cache_works directsync '[true,false]'
	cache_works writeback '[false,false]'
	cache_works writethrough '[false,false]'
	cache_works unsafe '[false,true]'
	off_disk
}

testTheDefaultIsODirectWhereItCanBe() {
	with_direct
	mounted nbd:disk/i.qcow2
	same true "$(graph | jq .file.cache.direct)"
	umounted_from_disk
	off_disk
	without_direct
	mounted nbd:disk/i.qcow2
	same false "$(graph | jq .file.cache.direct)"
	umounted_from_disk
	off_disk
}

testCacheModesThatNeedODirectWhereItCannotBe() {
	without_direct
	for mode in none directsync; do
		bdev mount "nbd:disk/i.qcow2,cache=$mode" "$HERE/m"
		assert_status 3
		assert_one_line "cache=$mode needs O_DIRECT, which the image's file system does not support" cache=writeback
	done
	for mode in writeback writethrough unsafe; do
		mounted "nbd:disk/i.qcow2,cache=$mode"
		umounted_from_disk
	done
	off_disk
}

testDiscardIgnoreKeepsWhatIsTrimmed() {
	image i.qcow2
	trimmed i.qcow2,discard=ignore
	[ $returned -lt 1000 ] || fail "KiB: $returned"
}

# zeroes OPTION - how many KiB of zeroes that are written take space in the image.
zeroes() {
	image i.qcow2
	_before=$(blocks i.qcow2)
	mounted "nbd:i.qcow2,$1"
	head -c 5242880 </dev/zero >m/zeroes
	umounted
	taken=$(($(blocks i.qcow2) - _before))
}

testDetectZeroes() {
	zeroes detect-zeroes=unmap
	[ $taken -lt 1000 ] || fail "unmap, KiB: $taken"
	zeroes detect-zeroes=on
	[ $taken -lt 1000 ] || fail "on, KiB: $taken"
	zeroes detect-zeroes=off
	[ $taken -gt 4000 ] || fail "off, KiB: $taken"
}

# --- servers elsewhere ---

testUriIsRefusedUnlessThePolicyAllowsIt() {
	for uri in nbd://127.0.0.1:1/ nbd+unix:///x?socket=/x rbd:pool/image https://host/i; do
		refuses "nbd:,uri=$uri,format=raw" "uri=$uri is not allowed on this host" \
			"add 'bdev.policy.uri = $uri' to $POLICY"
	done
	policy 'bdev.policy.uri = nbd://127.0.0.1:10' 'bdev.policy.uri = nbd+unix:'
	refuses nbd:,uri=nbd://127.0.0.1:2/,format=raw 'is not allowed on this host'
}

testUriThatCanNeverBeAllowedIsNotSaidToBe() {
	for uri in ssh://host/i iscsi://host/i file:///i json:{}; do
		refuses "nbd:,uri=$uri,format=raw" "uri=$uri: unknown scheme; use nbd://"
		assertNotContains "$err" bdev.policy
	done
}

testAnImageOfAnotherFormatThanItsNameSaysIsNamed() {
	qemu-img create -q -f qcow2 i.vmdk 8M
	cp i.vmdk i.img
	refuses nbd:i.vmdk "i.vmdk' is not vmdk" 'looks like qcow2: nbd:IMAGE,format=qcow2'
	refuses nbd:i.img "'i.img' holds no file system" 'looks like qcow2: nbd:IMAGE,format=qcow2'
	refuses nbd:i.img:1 "'i.img' has no partition table" 'looks like qcow2: nbd:IMAGE,format=qcow2'
}

testUriThatOnlyBeginsAsAnAllowedOneIsRefused() {
	policy 'bdev.policy.uri = nbd://10.0.0.5' 'bdev.policy.uri = nbd://127.0.0.1:1' 'bdev.policy.uri = nbd://web1/a' \
		'bdev.policy.uri = rbd:pool' 'bdev.policy.uri = nbd+unix:///x?socket=/run/x'
	for uri in nbd://10.0.0.50 nbd://127.0.0.1:10 nbd://web10/a nbd://web1/ab rbd:pool2/image \
		nbd+unix:///x?socket=/run/xy; do
		refuses "nbd:,uri=$uri,format=raw" "uri=$uri is not allowed on this host"
	done
}

testUriWithDotsIsRefusedByAnyPolicy() {
	policy 'bdev.policy.uri = http:'
	refuses 'nbd:,uri=http://host/a/../b,format=raw' "'..' in its path"
	refuses 'nbd:,uri=http://host/a/%2e%2e/b,format=raw' "'..' in its path"
}

testUriOfAnythingButRawIsRefused() {
	policy 'bdev.policy.uri = nbd:'
	for options in '' ,format=qcow2; do
		malformed "nbd:,uri=nbd://127.0.0.1:1/disk.qcow2$options" 'uri= needs format=raw'
	done
}

testUriBesideAnImageIsRefused() {
	image i.raw
	policy 'bdev.policy.uri = nbd:'
	malformed nbd:i.raw,uri=nbd://127.0.0.1:1/ 'conflicting image and uri='
}

testNeitherImageNorUriIsRefused() {
	bdev mount nbd:,format=raw "$HERE/m"
	differs 0 "$status"
	assert_one_line 'nbd:,format=raw'
}

testPasswordInAUriIsRefused() {
	policy 'bdev.policy.uri = https:' 'bdev.policy.uri = nbd:'
	for uri in https://user:password@host/i nbd://password@127.0.0.1:1/; do
		refuses "nbd:,uri=$uri,format=raw" 'a name or password in it would be visible to everybody'
		assertNotContains "$out$err" password@
		malformed "nbd:,uri=$uri,format=raw,nonsense=1" nonsense
		assertNotContains "$out$err" password@
	done
}

testUriThatIsNotUnderstoodIsRefused() {
	policy 'bdev.policy.uri = gopher:' 'bdev.policy.uri = nbd:' 'bdev.policy.uri = nbd+unix:' 'bdev.policy.uri = rbd:' \
		'bdev.policy.uri = file:' 'bdev.policy.uri = json:'
	while read -r uri text; do
		refuses "nbd:,uri=$uri,format=raw" "uri=$uri" "$text"
	done <<-END
		gopher://host/i unknown scheme; use nbd://, nbd+unix://, rbd:
		file:///etc/passwd unknown scheme; use nbd://
		json:{} unknown scheme; use nbd://
		/etc/passwd missing scheme
		nbd:host not of the form nbd://HOST[:PORT][/EXPORT]
		nbd:///x not of the form nbd://HOST
		nbd+unix:///x not of the form nbd+unix:///EXPORT?socket=/PATH
		nbd+unix:///x?socket=relative not of the form nbd+unix:///EXPORT?socket=/PATH
		rbd:image not of the form rbd:POOL/IMAGE
		rbd:pool/image:conf=/x not of the form rbd:POOL/IMAGE
	END
}

# serve_tcp FILE - by QEMU, as the bytes that it is, on $PORT of the loopback interface, until the test ends.
serve_tcp() {
	PORT=$((20000 + $$ % 20000))
	while listens; do
		PORT=$((PORT + 1))
	done
	qemu-nbd -t -f raw -b 127.0.0.1 -p "$PORT" "$1" &
	echo $! >"$SCRATCH/pids"
	eventually listens
}
listens() { grep -q -i " 0100007F:$(printf %04x "$PORT") 00000000:0000 0A" /proc/net/tcp; }

# Whoever dies while he begins to share: the others go on.
testKilledTakerDoesNotEndTheServerOfOthers() {
	image i.qcow2
	mkdir taker
	mounted nbd:i.qcow2,ro
	pid=$(server qemu)
	n=0
	while n=$((n + 1)); do
		status=0
		strace -o /dev/null -e trace=write -e "inject=write:signal=KILL:when=$n" \
			"$LXC_BDEV" mount nbd:i.qcow2,ro "$HERE/taker" 2>/dev/null || status=$?
		[ "$status" -ne 0 ] || break
		bdev doctor --fix
		same "after write $n" "$pid" "$(server qemu | sort -u)"
		echo 3 >/proc/sys/vm/drop_caches
		[ "$(cat m/marker)" ] || fail "after write $n it cannot be read"
	done
	[ "$n" -gt 5 ] || fail "it made $n writes"
	same 'one server' "$pid" "$(server qemu | sort -u)"
	bdev umount "$HERE/taker"
	umounted
}

testTwoNamesOfAnImageAreTwoWhereTheirBackingFilesAre() {
	mkdir x y taker
	image x/base.qcow2 y/base.qcow2
	over x/top.qcow2 base.qcow2 qcow2
	ln x/top.qcow2 y/top.qcow2
	mounted nbd:x/top.qcow2,ro
	bdev mount nbd:y/top.qcow2,ro "$HERE/taker"
	assert_status 0
	same 'two servers' 2 "$(server qemu | sort -u | wc -l)"
	bdev umount "$HERE/taker"
	umounted
}

testImageOfAWebServer() {
	image i.raw
	PORT=$((20000 + $$ % 20000))
	while listens; do
		PORT=$((PORT + 1))
	done
	/bin/busybox httpd -f -p "127.0.0.1:$PORT" -h . &
	echo $! >"$SCRATCH/pids"
	eventually listens
	policy "bdev.policy.uri = http://127.0.0.1:$PORT/"
	refuses "nbd:,uri=http://127.0.0.1:$PORT/i.raw,format=raw" 'does not support writes'
	mounted "nbd:,uri=http://127.0.0.1:$PORT/i.raw,format=raw,ro"
	umounted
	refuses "nbd:,uri=http://127.0.0.1:$PORT/none.raw,format=raw,ro" 'qemu-nbd: '
}

testImageOfAServerByTcp() {
	image i.raw
	serve_tcp i.raw
	policy "bdev.policy.uri = nbd://127.0.0.1:$PORT"
	mounted "nbd:,uri=nbd://127.0.0.1:$PORT/,format=raw"
	echo new >m/new
	umounted
	mounted "nbd:,uri=nbd://127.0.0.1:$PORT,format=raw,ro"
	same new "$(cat m/new)"
	run touch m/newer
	contains "$err" 'Read-only file system'
	umounted
}

testPartitionOfADiskOfAServer() {
	disk d.raw gpt "$(gpt)"
	serve_unix d.raw
	policy 'bdev.policy.uri = nbd+unix:'
	mounted "nbd::12,uri=nbd+unix:///?socket=$HERE/socket,format=raw"
	umounted
}

testServerThatIsNotThereIsOneErrorLine() {
	policy 'bdev.policy.uri = nbd:' 'bdev.policy.uri = nbd+unix:'
	refuses nbd:,uri=nbd://127.0.0.1:1/,format=raw refused
	refuses "nbd:,uri=nbd+unix:///x?socket=$HERE/none,format=raw" 'No such file'
}

# --- partitions ---

testReadersOfTwoPartitionsOfOneDisk() {
	disk d.qcow2 gpt 'start=16MiB, size=8MiB' 'start=25MiB, size=1MiB'
	mounted nbd:d.qcow2:1,ro
	bdev mount nbd:d.qcow2:1,ro "$HERE/m2"
	assert_status 0
	bdev umount "$HERE/m2"
	same content "$(cat m/marker)"
	umounted
}

testPartitionOfARawDisk() {
	disk d.raw gpt "$(gpt)"
	partition_works nbd:d.raw:12
}

testPartitionThatIsNotThereIsRefused() {
	disk d.qcow2 gpt "$(gpt)"
	refuses nbd:d.qcow2:13 "'d.qcow2' has no partition 13 in its gpt partition table"
	refuses nbd:d.qcow2:3 "'d.qcow2' partition 3 holds no file system"
	for number in 0 x -1 10000 1:2; do
		malformed "nbd:d.qcow2:$number" 'a partition number'
	done
}

testDiskWithoutAPartitionNumberIsRefusedWithTheWayOut() {
	disk d.qcow2 gpt "$(gpt)"
	refuses nbd:d.qcow2 'but a gpt partition table: name a partition (IMAGE:1;'
}

testPartitionOfAnImageWithoutATableIsRefused() {
	image i.qcow2
	refuses nbd:i.qcow2:1 "'i.qcow2' has no partition table, so no partition 1"
}

# --- read-only, and who may use an image ---

testOneWriterOfFive() {
	image i.qcow2
	for i in 1 2 3 4 5; do
		mkdir "t$i"
		"$LXC_BDEV" mount nbd:i.qcow2 "$HERE/t$i" 2>"err$i" && echo "$i" >>won &
		eval "pid$i=$!"
	done
	wait "$pid1" "$pid2" "$pid3" "$pid4" "$pid5"
	same "winners; $(cat err*)" 1 "$(wc -l <won)"
	same 'others' 4 "$(grep -c 'is in use' err* | grep -c ':1$')"
	bdev umount "$HERE/t$(cat won)"
	assert_nothing_left
	assert_clean i.qcow2
}

testImageOnAReadOnlyFileSystem() {
	mkdir disk
	image disk/i.qcow2
	mount --bind disk disk
	mount -o remount,bind,ro disk
	bdev mount nbd:disk/i.qcow2 "$HERE/m"
	assert_status 1
	assert_one_line "'disk/i.qcow2' lies on a read-only file system; add ,ro"
	mounted nbd:disk/i.qcow2,ro
	bdev umount "$HERE/m"
	umount disk
	assert_nothing_left
}

readers_keep_off_a_writer() { # IMAGE
	image "$1"
	mounted "nbd:$1,ro"
	bdev mount "nbd:$1,ro" "$HERE/m2"
	assert_status 0
	same content "$(cat m2/marker)"
	bdev umount "$HERE/m2"
	bdev mount "nbd:$1" "$HERE/m2"
	assert_status 1
	assert_one_line "'$1' is in use" "by mount on '$HERE/m'"
	umounted
	mounted "nbd:$1"
	umounted
}
testReadersKeepOffAWriter() { readers_keep_off_a_writer i.qcow2; }
testReadersOfARawImageKeepOffAWriter() { readers_keep_off_a_writer i.raw; }

a_writer_keeps_off_others() { # IMAGE
	image "$1"
	mounted "nbd:$1"
	ln "$1" "other.${1##*.}"
	for spec in "nbd:$1" "nbd:$1,ro" "nbd:other.${1##*.}"; do
		bdev mount "$spec" "$HERE/m2"
		assert_status 1
		assert_one_line 'is in use' "by mount on '$HERE/m'"
	done
	same 'servers' 1 "$(server qemu | wc -l)"
	umounted
}
testAWriterKeepsOffOthers() { a_writer_keeps_off_others i.qcow2; }
testAWriterOfARawImageKeepsOffOthers() { a_writer_keeps_off_others i.raw; }

testLoopAndNbdKeepEachOtherOff() {
	image i.raw
	for first in loop nbd; do
		second=nbd
		[ $first = loop ] || second=loop
		mounted "$first:i.raw"
		for options in '' ,ro; do
			bdev mount "$second:i.raw$options" "$HERE/m2"
			assert_status 1
			assert_one_line "'i.raw' is in use" "mount on '$HERE/m'"
		done
		umounted
		mounted "$first:i.raw,ro"
		bdev mount "$second:i.raw" "$HERE/m2"
		assert_status 1
		assert_one_line "'i.raw' is in use" "mount on '$HERE/m'"
		bdev mount "$second:i.raw,ro" "$HERE/m2"
		assert_status 0
		bdev umount "$HERE/m2"
		umounted
	done
}

testBackingFileInUseCannotBeWritten() {
	chain .
	mounted nbd:top.qcow2
	bdev mount nbd:base.raw "$HERE/m2"
	assert_status 1
	assert_one_line "'base.raw' is in use"
	bdev mount nbd:base.raw,ro "$HERE/m2"
	assert_status 0
	bdev umount "$HERE/m2"
	umounted
}

testWeAreKeptOutForAsLongAsQemuHasIt() {
	image i.qcow2
	qemu-nbd -t -f qcow2 -k "$HERE/socket" i.qcow2 &
	echo $! >"$SCRATCH/pids"
	eventually [ -S socket ]
	refuses nbd:i.qcow2 "'i.qcow2' is in use"
	refuses nbd:i.qcow2,ro "'i.qcow2' is in use"
	kill $!
	wait $!
	mounted nbd:i.qcow2
	umounted
}

# --- stacks ---

testOverlayOverAReadOnlyImage() {
	image i.qcow2
	before=$(sha256sum <i.qcow2)
	mounted nbd:i.qcow2,ro overlay:delta
	echo new >m/new
	umounted
	same 'in the upper' new "$(cat delta/new)"
	same 'the image' "$before" "$(sha256sum <i.qcow2)"
}

testTmpfsAndOverlayOverAReadOnlyImage() {
	image i.qcow2
	before=$(sha256sum <i.qcow2)
	mounted nbd:i.qcow2,ro tmpfs:.,size=1m overlay:delta
	echo new >m/new
	[ ! -e delta ] || fail 'it is on disk'
	umounted
	same 'the image' "$before" "$(sha256sum <i.qcow2)"
}

testNameWithSeparators() {
	name='a b:c,d"e{}.qcow2'
	image "$name"
	mounted 'nbd:a b\:c\,d"e{}.qcow2'
	bdev status --json
	same "$HERE/$name" "$(printf '%s' "$out" | jq -r '.[0].stack[0].image')"
	umounted
}

# shellcheck source=/dev/null
. shunit2
