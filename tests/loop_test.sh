#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# loop: file systems in image files.
# shellcheck source=tests/lib.sh
. "$(dirname -- "$0")/lib.sh"

setUpEach() {
	mkdir m m2 src
	echo content >src/marker
	qemu=''
}
tearDownEach() { [ ! "$qemu" ] || kill "$qemu" 2>/dev/null || :; }

# An ext4 of 8 MiB holding src, made once for all tests: copying it is faster.
ext4() {
	[ -f "$SCRATCH/ext4" ] || make_image "$SCRATCH/ext4" ext4 8 "$PWD/src"
	for _image; do
		cp --sparse=always "$SCRATCH/ext4" "$_image"
	done
}

# The loop devices bound to images of this test.
devices() { losetup --list --noheadings --output NAME,BACK-FILE | awk -v here="$HERE" 'index($0, here) {print $1}'; }
# sysfs NAME - of the only one: loop/dio, ro, diskseq
sysfs() { cat "/sys/block/$(basename -- "$(devices)")/$1"; }

assert_mounted() { # [TARGET]
	assert_status 0
	assertEquals content "$(cat "${1-m}/marker")"
}

# assert_refused TEXT... - in one line that names the image, and nothing is left.
assert_refused() {
	assert_status 1
	assert_one_line "$@"
	assertTrue 'nothing is left' nothing_left
}

assert_malformed() {
	assert_status 2
	assert_one_line "$@"
	assertTrue 'nothing is left' nothing_left
}

# --- file systems ---

mounts_fs() { # FSTYPE [ro]
	make_image image "$1" 64 "$PWD/src"
	bdev mount "loop:image,fstype=$1" m
	assert_mounted
	assertEquals "$1" "$(stat -f -c %T m | sed 's|ext2/ext3|'"$1"'|')"
	if [ "${2-}" ]; then
		run touch m/new
		assertContains "$err" 'Read-only file system'
	else
		assertTrue 'it can be written to' 'echo new >m/new'
	fi
	bdev umount m
	assert_status 0
	[ "${2-}" ] || {
		bdev mount loop:image,ro m
		assertEquals 'what was written is in the image' new "$(cat m/new)"
		bdev umount m
	}
	assertTrue 'nothing is left' nothing_left
}

testExt2() { mounts_fs ext2; }
testExt3() { mounts_fs ext3; }
testExt4() { mounts_fs ext4; }
testXfs() { mounts_fs xfs; }
testBtrfs() { mounts_fs btrfs; }
testSquashfs() { mounts_fs squashfs ro; }
testErofs() { mounts_fs erofs ro; }

file_backed_erofs() { [ "$(printf '%s\n6.12\n' "$(uname -r)" | sort -V | head -n 1)" = 6.12 ]; }

testErofsNeedsNoLoopDevice() {
	file_backed_erofs || skip 'Linux 6.12 for file-backed erofs'
	make_image image erofs 0 "$PWD/src"
	bdev mount loop:image m
	assert_mounted
	assertTrue 'a loop device is in use' no_loops
}

testErofsAtAnOffsetGoesThroughALoopDevice() {
	make_image image erofs 0 "$PWD/src"
	truncate -s 1M disk && cat image >>disk && truncate -s 3M disk
	bdev mount loop:disk,offset=1M m
	assert_mounted
	assertEquals 1 "$(loops)"
}

testErofsInAPartitionGoesThroughALoopDevice() {
	make_image image erofs 0 "$PWD/src"
	gpt_disk 1
	dd if=image of=disk bs=1M seek=1 conv=notrunc status=none
	bdev mount loop:disk:1 m
	assert_mounted
	assertEquals 1 "$(loops)"
}

testErofsWithDirectIoGoesThroughALoopDevice() {
	make_image image erofs 0 "$PWD/src"
	bdev mount loop:image,direct-io m
	assert_mounted
	assertEquals 1 "$(sysfs loop/dio)"
}

testFstypeMismatchIsRefused() {
	ext4 image
	bdev mount loop:image,fstype=xfs m
	assert_refused "'image'" 'holds ext4, not xfs'
}

testFstypeOutsideTheListIsRefused() {
	ext4 image
	bdev mount loop:image,fstype=vfat m
	assert_refused "'image'" 'holds ext4, not vfat'
}

testFileSystemOutsideTheListIsRefused() {
	truncate -s 8M image && mkswap -q image 2>/dev/null
	bdev mount loop:image m
	assert_refused "'image' holds no file system of ext2" 'swap space'
}

# begins_with BYTES [OFFSET] - `image`, zeros but for these.
begins_with() {
	rm -f image
	truncate -s 8M image
	# shellcheck disable=SC2059 # escapes are what it is for
	printf "$1" | dd of=image bs=1 seek="${2-0}" conv=notrunc status=none
}

testWhatIsNoFileSystemIsNamedWithWhatToDo() {
	begins_with 'LUKS\272\276\0\1'
	bdev mount loop:image m
	assert_refused 'encrypted by LUKS' cryptsetup
	begins_with '\1CD001\1\0' 32768
	bdev mount loop:image m
	assert_refused 'an ISO image'
	begins_with 'QFI\373\0\0\0\3'
	bdev mount loop:image m
	assert_refused 'looks like qcow2: nbd:IMAGE,format=qcow2'
	bdev mount loop:image:1 m
	assert_refused 'no partition 1' 'looks like qcow2: nbd:IMAGE,format=qcow2'
	tar -cf image src
	bdev mount loop:image m
	assert_refused 'a tar archive' '--tarball'
	gzip -c image >packed && mv packed image
	bdev mount loop:image m
	assert_refused 'compressed by gzip: unpack it first'
}

testAPartitionTableOfLargerSectorsIsSaid() {
	ext4 fs
	truncate -s 1M disk && cat fs >>disk
	# One partition from sector 256, of 2048 sectors: of 4096 bytes, they are 1 MiB and 8 MiB.
	printf '\0\0\0\0\203\0\0\0\0\1\0\0\0\10\0\0' | dd of=disk bs=1 seek=446 conv=notrunc status=none
	printf '\125\252' | dd of=disk bs=1 seek=510 conv=notrunc status=none
	bdev mount loop:disk:1 m
	assert_refused "'disk' partition 1 holds no file system" 'sectors of 4096 bytes: loop:IMAGE,offset=1048576,sizelimit=8388608'
	bdev mount loop:disk,offset=1048576,sizelimit=8388608 m
	assert_mounted
}

# --- read-only ---

testReadOnlyChangesNothingInTheImage() {
	ext4 image
	before=$(md5sum <image)
	bdev mount loop:image,ro m
	assert_mounted
	run touch m/new
	assertContains "$err" 'Read-only file system'
	assertEquals 'the device' 1 "$(sysfs ro)"
	# Not even root can make it writable: the device is read-only.
	run mount -o remount,rw m
	run touch m/new
	assertContains "$err" 'Read-only file system'
	bdev umount m
	assertEquals 'the image' "$before" "$(md5sum <image)"
}

testReadOnlyWorksOnAnImageOfMode0400() {
	ext4 image
	chmod 0400 image
	bdev mount loop:image,ro m
	assert_mounted
}

testReadOnlyOfAnUncleanImageSaysWhy() {
	ext4 live
	bdev mount loop:live m
	echo more >m/new
	sync
	cp live image
	bdev umount m
	bdev mount loop:image,ro m
	assert_refused "mount 'image' as ext4" 'it was not unmounted cleanly' 'without ,ro'
	bdev mount loop:image m
	assert_mounted
}

testAnUncleanImageOnAReadOnlyFileSystemIsToBeCopiedFirst() {
	ext4 live
	bdev mount loop:live m
	echo more >m/new
	sync
	mkdir place && mount -t tmpfs none place && cp live place/image && mount -o remount,ro place
	bdev umount m
	bdev mount loop:place/image,ro m
	assert_status 1
	assert_one_line "mount 'place/image' as ext4" 'it was not unmounted cleanly' 'copy it elsewhere'
	umount place
}

testARepairIsSaidToHelpWhereItMayOnly() {
	ext4 image
	make_image squash squashfs 8 "$PWD/src"
	for _fs in image squash; do
		for _errno in EINVAL EUCLEAN; do
			run strace -o /dev/null -e inject=fsmount:error=$_errno "$LXC_BDEV" mount loop:$_fs m
			assert_status 1
			assert_one_line 'the kernel log says why'
			case $_fs.$_errno in
			image.EUCLEAN) assertContains "$err" 'e2fsck may help' ;;
			*) assertNotContains "$err" 'may help' ;;
			esac
		done
	done
}

testImageOnAReadOnlyFileSystem() {
	mkdir disk
	ext4 disk/image
	mksquashfs disk disk.img -quiet -no-progress >/dev/null
	bdev mount loop:disk.img m
	assert_status 0
	bdev mount "loop:$PWD/m/image" m2
	assert_status 1
	assert_one_line "'$PWD/m/image'" 'read-only file system' 'add ,ro'
	bdev mount "loop:$PWD/m/image,ro" m2
	assert_mounted m2
	bdev umount m2
}

# --- areas of an image ---

testOffsetAndSizelimit() {
	ext4 fs
	head -c 1M /dev/urandom >disk && cat fs >>disk && head -c 1M /dev/urandom >>disk
	bdev mount loop:disk,offset=1M,sizelimit=8192K m
	assert_mounted
	assertEquals 1048576 "$(sysfs loop/offset)"
	assertEquals 8388608 "$(sysfs loop/sizelimit)"
}

testOffsetInPlainBytes() {
	ext4 fs
	truncate -s 512 disk && cat fs >>disk
	bdev mount loop:disk,offset=512 m
	assert_mounted
}

testOffsetsThatCannotBeAreRefused() {
	ext4 image
	bdev mount loop:image,offset=100 m
	assert_malformed 'multiples of 512'
	bdev mount loop:image,sizelimit=1000 m
	assert_malformed 'multiples of 512'
	bdev mount loop:image,offset=8M m
	assert_refused "'image' ends at byte 8388608"
	bdev mount loop:image,sizelimit=9M m
	assert_refused "'image' ends at byte 8388608"
	bdev mount loop:image,offset=1M m
	assert_refused "'image' holds no file system"
	for bytes in x -1 1X 1KK 0x10 1.5M '' 99999999999999999999 16777216T; do
		bdev mount "loop:image,offset=$bytes" m
		assert_malformed 'offset'
	done
}

# --- file systems longer than their device ---

testASquashfsWithoutPaddingIsRefusedWithWhatToDo() {
	for _bytes in 3000 3300 3600 3900; do
		head -c $_bytes /dev/urandom >src/random
		mksquashfs src image -nopad -noappend -quiet -no-progress >/dev/null
		[ $(($(stat -c %s image) % 1024)) -ne 0 ] || echo >>image
		bdev mount loop:image m
		assert_refused "image 'image' is not padded" 'truncate -s %'
		_remedy=$(printf '%s\n' "$err" | grep -o 'truncate -s %[0-9]*')
		$_remedy image
		bdev mount loop:image m
		assert_mounted
		bdev umount m
	done
}

testAnImageThatIsCutOffIsRefused() {
	for _type in ext2 ext4 xfs btrfs squashfs erofs; do
		head -c 100000 /dev/urandom >src/random
		make_image image $_type 8 "$PWD/src"
		truncate -s -8192 image
		bdev mount loop:image m
		assert_refused "image 'image' is cut off: its $_type has" 'get a whole copy'
	done
}

testASizelimitThatIsTooSmallIsNamed() {
	ext4 image
	bdev mount loop:image,sizelimit=4M m
	assert_refused "holds ext4 of 8388608 bytes, which sizelimit=4194304 cuts off" 'at least 8388608'
}

testBytesAfterTheFileSystemDoNoHarm() {
	ext4 image
	echo more >>image
	bdev mount loop:image m
	assert_mounted
}

# --- a /dev without the nodes of loop devices ---

# in_container_dev NODES COMMAND... - with a /dev of its own, which has NODES of the host's.
in_container_dev() {
	# shellcheck disable=SC2016 # for the inner shell
	run unshare -m --propagation private sh -c '
		mkdir dev && mount -t tmpfs none dev && cp -a /dev/null /dev/zero /dev/urandom $1 dev/ && shift &&
		mount --move dev /dev && exec "$@"' sh "$@"
	rmdir dev
}

testALoopDeviceWithoutANodeIsRefusedWithWhatToDo() {
	ext4 image
	in_container_dev /dev/loop-control "$LXC_BDEV" mount loop:image m
	assertEquals 'not possible here' 3 "$status"
	assert_one_line "'loop:image': the next free loop device has no node in /dev" 'mknod /dev/loop'
	in_container_dev '' "$LXC_BDEV" mount loop:image m
	assertEquals 'not possible here' 3 "$status"
	assert_one_line "'loop:image': this kernel has no loop devices: '/dev/loop-control' is missing" 'c 10:237'
	assertTrue 'nothing is left' nothing_left
}

testPlanSaysThatALoopDeviceHasNoNode() {
	container c1 loop:image
	ext4 "$LXCPATH/c1/image"
	in_container_dev /dev/loop-control "$LXC_BDEV" plan -P "$LXCPATH" -n c1
	assertEquals 'not possible here' 3 "$status"
	assert_one_line "'loop:image': the next free loop device has no node in /dev" 'mknod /dev/loop'
}

# --- direct-io on a disk with sectors of 4096 bytes ---

testDirectIoThatIsNotAlignedToTheDiskIsRefused() {
	truncate -s 64M disk && mkdir 4k
	_disk=$(losetup -f --show -b 4096 disk) && mkfs.ext4 -q "$_disk" && mount "$_disk" 4k
	for _block in 1024 4096; do
		truncate -s 8M 4k/$_block && mkfs.ext4 -q -b $_block -d src 4k/$_block
	done
	(head -c 512 /dev/zero && cat 4k/4096) >4k/offset
	container c1 "loop:$HERE/4k/1024,direct-io"
	bdev plan -P "$LXCPATH" -n c1
	assertEquals 'not possible here' 3 "$status"
	assert_one_line 'ext4 with blocks of 1024 bytes cannot do direct-io on a disk with sectors of 4096 bytes'
	bdev mount loop:4k/offset,offset=512,direct-io m
	assertEquals 'not possible here' 3 "$status"
	assert_one_line 'a file system at byte 512 cannot do direct-io on a disk with sectors of 4096 bytes'
	bdev mount loop:4k/4096,direct-io m
	assert_mounted
	bdev umount m
	bdev mount loop:4k/1024 m
	assert_mounted
	bdev umount m
	umount 4k
	losetup -d "$_disk"
}

# gpt_disk NUMBER... - `disk`, with partitions of 12 MiB of these numbers, at 1, 13, ... MiB
gpt_disk() {
	truncate -s 80M disk
	{
		echo 'label: gpt'
		for _n; do
			printf 'disk%d : size=12MiB\n' "$_n"
		done
	} | sfdisk --quiet disk
}

testGptPartitions() {
	ext4 fs
	gpt_disk 1 12
	dd if=fs of=disk bs=1M seek=13 conv=notrunc status=none
	bdev mount loop:disk:12 m
	assert_mounted
	assertEquals 13631488 "$(sysfs loop/offset)"
	assertEquals 12582912 "$(sysfs loop/sizelimit)"
	assertTrue 'it can be written to' 'touch m/new && sync -f m'
	bdev umount m
	bdev mount loop:disk:2 m
	assert_refused "'disk' has no partition 2 in its gpt partition table"
}

testPartitionWithoutAFileSystemIsNamed() {
	ext4 fs
	gpt_disk 1 2
	dd if=fs of=disk bs=1M seek=13 conv=notrunc status=none
	bdev mount loop:disk:1 m
	assert_refused "'disk' partition 1 holds no file system of ext2"
	assertNotContains 'it names one already' "$err" 'name a partition'
}

testDiskWithoutAPartitionNumberIsRefusedWithTheWayOut() {
	ext4 fs
	gpt_disk 1 2
	dd if=fs of=disk bs=1M seek=1 conv=notrunc status=none
	bdev mount loop:disk m
	assert_refused "'disk' holds no file system of ext2" 'but a gpt partition table: name a partition (IMAGE:1;'
	gpt_disk 12
	bdev mount loop:disk m
	assert_refused 'name a partition (IMAGE:12;'
	printf '%s\n' 'label: dos' 'start=1MiB, size=10MiB, type=83' | sfdisk --quiet --wipe always disk
	bdev mount loop:disk m
	assert_refused 'but a dos partition table: name a partition (IMAGE:1;'
	echo 'label: gpt' | sfdisk --quiet --wipe always disk
	bdev mount loop:disk m
	assert_refused "'disk' holds no file system of ext2"
	assertNotContains 'there is none' "$err" 'name a partition'
}

testMbrPartitions() {
	ext4 fs
	truncate -s 80M disk
	printf '%s\n' 'label: dos' 'start=1MiB, size=10MiB, type=83' 'start=12MiB, type=5' |
		sfdisk --quiet disk
	printf '%s\n' 'start=13MiB, size=10MiB, type=83' 'start=24MiB, size=10MiB, type=83' |
		sfdisk --quiet --append disk
	for at in 1 13 24; do
		dd if=fs of=disk bs=1M seek=$at conv=notrunc status=none
	done
	for number in 1 5 6; do
		bdev mount loop:disk:$number m
		assert_mounted
		bdev umount m
	done
	bdev mount loop:disk:2 m
	assert_status 1
	bdev mount loop:disk:7 m
	assert_refused 'no partition 7 in its dos partition table'
}

testTwoPartitionsOfOneDiskReadOnly() {
	ext4 fs
	gpt_disk 1 2
	dd if=fs of=disk bs=1M seek=1 conv=notrunc status=none
	dd if=fs of=disk bs=1M seek=13 conv=notrunc status=none
	bdev mount loop:disk:1,ro m
	assert_mounted
	bdev mount loop:disk:2,ro m2
	assert_mounted m2
	assertEquals 2 "$(loops)"
	bdev mount loop:disk:1 src
	assert_status 1
	assert_one_line "'disk' is in use"
}

testPartitionsThatCannotBeAreRefused() {
	ext4 image
	bdev mount loop:image:1 m
	assert_refused 'has no partition table'
	for number in 0 x 1x -1 +1 10000 1:2; do
		bdev mount "loop:image:$number" m
		assert_malformed 'a partition number'
	done
	bdev mount loop:image:1,offset=1M m
	assert_malformed 'offset= and sizelimit= contradict partition 1'
}

testPartitionBeyondTheEndOfTheImageIsRefused() {
	truncate -s 30M disk
	printf '%s\n' 'label: dos' 'start=1MiB, size=10MiB, type=83' 'start=13MiB, size=10MiB, type=83' | sfdisk --quiet disk
	truncate -s 14M disk
	bdev mount loop:disk:2 m
	assert_refused "'disk' ends at byte 14680064"
}

# --- options ---

testDirectIo() {
	ext4 image
	bdev mount loop:image,direct-io m
	assert_mounted
	assertEquals 1 "$(sysfs loop/dio)"
	bdev umount m
	bdev mount loop:image m
	assertEquals 'without it' 0 "$(sysfs loop/dio)"
}

testDirectIoWhereItCannotBeIsAnError() {
	mkdir disk
	ext4 disk/image
	mksquashfs disk disk.img -quiet -no-progress >/dev/null
	bdev mount loop:disk.img m
	bdev mount "loop:$PWD/m/image,ro,direct-io" m2
	assert_status 3
	assert_one_line "'$PWD/m/image'" 'cannot do direct-io'
	assertEquals 'loop devices' 1 "$(loops)"
}

fewer_blocks_than() { [ "$(stat -c %b image)" -lt "$1" ]; }
testDiscardReturnsBlocksToTheImage() {
	ext4 image
	bdev mount loop:image,discard m
	assertContains "$(grep "$(devices)" /proc/self/mounts)" discard
	head -c 4M /dev/urandom >m/big && sync -f m
	full=$(stat -c %b image)
	rm m/big && sync -f m
	# ext4 discards in the background after the commit.
	assertTrue "blocks, before $full" "eventually fewer_blocks_than $((full - 7000))"
	bdev umount m
	bdev mount loop:image m
	assertNotContains 'only when asked for' "$(grep "$(devices)" /proc/self/mounts)" discard
}

testDiscardOfWhatCannotBeWrittenIsRefused() {
	ext4 image
	bdev mount loop:image,discard,ro m
	assert_malformed 'discard needs'
}

# --- who may use an image ---

testSecondWriterIsRefused() {
	ext4 image
	bdev mount loop:image m
	bdev mount loop:image m2
	assert_status 1
	assert_one_line "image 'image' is in use by mount on '$HERE/m'"
	bdev mount loop:image,ro m2
	assert_status 1
	assert_one_line "image 'image' is in use for writing by mount on '$HERE/m'"
	assertEquals 'loop devices' 1 "$(loops)"
}

testOtherNamesOfAnImageAreTheSameImage() {
	ext4 image
	ln image hardlink
	ln -s image symlink
	bdev mount loop:image m
	for name in hardlink symlink ./image "$HERE/image" "$HERE/m/../image"; do
		bdev mount "loop:$name" m2
		assert_status 1
		assert_one_line "'$name' is in use"
	done
}

testWriterBesideReadersIsRefused() {
	ext4 image
	bdev mount loop:image,ro m
	bdev mount loop:image m2
	assert_status 1
	assert_one_line "image 'image' is in use by mount on '$HERE/m'" ',ro'
}

testReadersShareOneDevice() {
	ext4 image
	bdev mount loop:image,ro m
	bdev mount loop:image,ro m2
	assert_mounted m2
	assertEquals 'loop devices' 1 "$(loops)"
	bdev umount m
	assert_status 0
	assertEquals 'the other still reads' content "$(cat m2/marker)"
	bdev mount loop:image m
	assert_status 1
	bdev umount m2
	bdev mount loop:image m
	assert_mounted
}

testReadersOfOneBtrfs() {
	make_image image btrfs 0 "$PWD/src"
	bdev mount loop:image,ro m
	bdev mount loop:image,ro m2
	assert_mounted m2
}

testCopiesOfOneXfs() {
	make_image image xfs 0 "$PWD/src"
	cp --sparse=always image copy
	bdev mount loop:image m
	bdev mount loop:copy m2
	assert_mounted m2
}

testCopiesOfOneBtrfsAreRefusedWithTheReason() {
	make_image image btrfs 0 "$PWD/src"
	cp --sparse=always image copy
	bdev mount loop:image m
	bdev mount loop:copy m2
	[ "$status" -ne 0 ] || return 0 # some kernels can (temp_fsid)
	assert_one_line "mount 'copy' as btrfs" 'another copy' 'btrfstune -u'
	assertEquals 1 "$(loops)"
}

testOneWriterOfTen() {
	ext4 image
	for i in 1 2 3 4 5 6 7 8 9 10; do
		mkdir "t$i"
		"$LXC_BDEV" mount loop:image "t$i" 2>"err$i" && echo "$i" >>won &
	done
	wait
	assertEquals "winners; $(cat err*)" 1 "$(wc -l <won)"
	assertEquals 'others' 9 "$(grep -c "image 'image' is in use" err* | grep -c ':1$')"
	assertEquals 'mounted' 1 "$(mounts_here | wc -l)"
	assertEquals 'loop devices' 1 "$(loops)"
}

testFortyImagesAtOnce() {
	i=0
	while [ $((i += 1)) -le 40 ]; do
		mkdir "t$i"
		ext4 "image$i"
	done
	i=0
	while [ $((i += 1)) -le 40 ]; do
		"$LXC_BDEV" mount "loop:image$i" "t$i" 2>>errors &
	done
	wait
	assertEquals 'errors' '' "$(cat errors)"
	assertEquals 'mounted' 40 "$(cat t*/marker | grep -c content)"
	# Each has its own image.
	for t in t*; do
		echo "${t#t}" >"$t/mine"
	done
	for t in t*; do
		"$LXC_BDEV" umount "$t" &
	done
	wait
	assertTrue 'nothing is left' nothing_left
	assertEquals 17 "$(debugfs -R 'cat mine' image17 2>/dev/null)"
}

testTenReadersAtOnce() {
	ext4 image
	for i in 1 2 3 4 5 6 7 8 9 10; do
		mkdir "t$i"
		"$LXC_BDEV" mount loop:image,ro "t$i" 2>>errors &
	done
	wait
	assertEquals 'errors' '' "$(cat errors)"
	assertEquals 10 "$(cat t*/marker | grep -c content)"
}

testQemuIsKeptOutWhileWeWrite() {
	ext4 image
	bdev mount loop:image m
	run qemu-io -f raw -c 'write 0 512' image
	assertContains "$err$out" '" lock'
	run timeout 60 qemu-nbd -r -t -f raw -k "$PWD/socket" image
	assertContains "$err$out" '" lock'
	bdev umount m
	run qemu-io -f raw -c 'read 0 512' image
	assert_status 0
}

testQemuMayReadWhatWeOnlyRead() {
	ext4 image
	bdev mount loop:image,ro m
	run qemu-io -r -f raw -c 'read 0 512' image
	assert_status 0
	run qemu-io -f raw -c 'write 0 512' image
	assertContains "$err$out" '" lock'
}

# A VM tool that has the image open, until the test ends it.
hold_by_qemu() { # [OPTION...]
	qemu-nbd -t -f raw -k "$PWD/socket" "$@" image &
	qemu=$!
	assertTrue 'QEMU serves the image' 'eventually qemu_serves'
}
# qemu-nbd listens before it opens the image, and so before it locks that; it answers when all is done.
qemu_serves() { qemu-img info --image-opts "driver=nbd,server.type=unix,server.path=$PWD/socket" >/dev/null 2>&1; }

testWeAreKeptOutWhileQemuWrites() {
	ext4 image
	hold_by_qemu
	bdev mount loop:image m
	assert_refused "image 'image' is in use by QEMU"
	bdev mount loop:image,ro m
	assert_refused "image 'image' is in use by QEMU"
	kill $qemu && wait $qemu
	qemu=''
	bdev mount loop:image m
	assert_mounted
}

testWeMayOnlyReadWhatQemuReads() {
	ext4 image
	hold_by_qemu -r
	bdev mount loop:image m
	assert_refused "image 'image' is in use by QEMU"
	bdev mount loop:image,ro m
	assert_mounted
	kill $qemu && wait $qemu
	qemu=''
}

# --- users who know nothing of our locks ---

# refused_beside TEXT... - a writer, by loop and by nbd, with these texts.
refused_beside() {
	for _spec in loop:image "loop:$HERE/image" nbd:image,format=raw; do
		bdev mount "$_spec" m2
		assert_status 1
		assert_one_line "image '" "$@"
		assertNotContains "$err" fsck
		assertNotContains "$err" 'without ,ro'
	done
}
readers_refused_beside() {
	for _spec in loop:image,ro nbd:image,format=raw,ro; do
		bdev mount "$_spec" m2
		assert_status 1
		assert_one_line "image '" "$@"
		assertNotContains "$err" fsck
		assertNotContains "$err" 'without ,ro'
	done
}

testImageThatTheHostHasMountedIsRefused() {
	ext4 image
	mount -o loop image m
	touch m/new
	refused_beside "is in use by $(devices) (mounted on '$HERE/m')"
	readers_refused_beside "is in use by $(devices) (mounted on '$HERE/m'), which can write it"
	assertEquals 'loop devices' 1 "$(loops)"
	umount m
	bdev mount loop:image m
	assert_mounted
}

testImageOfALoopDeviceOfTheHostIsRefused() {
	ext4 image
	ln image name
	losetup -f name
	refused_beside "is in use by $(devices);"
	readers_refused_beside "is in use by $(devices), which can write it"
	losetup -d "$(devices)"
}

# One that covers a part of it alone.
testImageWithAPartitionThatTheHostUsesIsRefused() {
	ext4 part
	truncate -s 16M image
	echo 'start=2MiB, size=8MiB' | sfdisk --quiet --label dos image
	dd if=part of=image bs=1M seek=2 conv=notrunc status=none
	losetup -f -o 2M --sizelimit 8M image
	bdev mount loop:image:1 m
	assert_refused_beside_host
	bdev mount loop:image,offset=2M,sizelimit=8M,ro m
	assert_refused_beside_host
	losetup -d "$(devices)"
}
assert_refused_beside_host() {
	assert_status 1
	assert_one_line "image 'image' is in use by $(devices)"
}

testReadersOnTheHostShareWithReadersAlone() {
	ext4 image
	mount -o loop,ro image m
	refused_beside "is in use by $(devices) (mounted on '$HERE/m')"
	bdev mount loop:image,ro m2
	assert_mounted m2
	bdev umount m2
	umount m
}

testImageThatAProcessHasOpenForWritingIsRefused() {
	ext4 image
	exec 7<>image
	refused_beside 'is open for writing by another process' 'fuser -v'
	readers_refused_beside 'is open for writing by another process' 'fuser -v'
	exec 7>&-
	bdev mount loop:image m
	assert_mounted
}

# Not every container has a node for each device of the host; another file's name is enough to know.
testLoopDevicesThatCannotBeReadAreAskedForTheirNames() {
	ext4 image other
	losetup -f image
	losetup -f other
	: >hidden
	_devices=$(devices)
	for _device in $_devices; do
		mount --bind hidden "$_device"
	done
	bdev mount loop:image,ro m
	assert_status 1
	assert_one_line "image 'image'" 'cannot find out whether /dev/loop'
	cp image third
	bdev mount loop:third m
	assert_mounted
	bdev umount m
	for _device in $_devices; do
		umount "$_device"
		losetup -d "$_device"
	done
}

# As swap, which has no loop device.
testImageThatTheKernelHasOpenForWritingIsRefused() {
	head -c 8388608 </dev/zero >image
	chmod 600 image
	mkswap -q image
	swapon image 2>/dev/null || {
		skip 'a file system that can swap to a file'
		return
	}
	bdev mount nbd:image,format=raw m
	assert_refused "is open for writing by another process, or by the kernel"
	swapoff image
}

# Another copy of it would not help, nor a repair: others use it.
testUncleanImageThatOthersReadIsNotSaidToNeedARepair() {
	ext4 live
	bdev mount loop:live m
	echo more >m/new
	sync
	cp live image
	bdev umount m
	losetup -f -r image
	bdev mount loop:image,ro m
	assert_status 1
	assert_one_line "mount 'image' as ext4" 'it was not unmounted cleanly' 'others use it'
	assertNotContains "$err" fsck
	assertNotContains "$err" 'without ,ro'
	losetup -d "$(devices)"
}

# --- what the image's superblock may decide ---

testErrorsOfAnImageDoNotPanicTheHost() {
	for _type in ext2 ext3 ext4; do
		make_image image $_type 8 "$PWD/src"
		tune2fs -e panic image >/dev/null
		[ $_type = ext2 ] || tune2fs -E mount_opts=errors=panic image >/dev/null
		for _options in '' ,ro; do
			bdev mount "loop:image$_options" m
			assert_mounted
			assertContains "$_type" "$(findmnt -no OPTIONS m)" errors=remount-ro
			bdev umount m
		done
	done
}

testLockAndDeviceLiveAsLongAsTheMount() {
	ext4 image
	bdev mount loop:image m
	exec 9<m/marker
	# Taken off by hand, but still open: the file system is still in use.
	umount -l m
	assertEquals 1 "$(loops)"
	bdev mount loop:image m2
	assert_status 1
	assert_one_line "image 'image' is in use"
	exec 9<&-
	assertTrue 'the device is freed' 'eventually no_loops'
	bdev mount loop:image m2
	assert_mounted m2
	# Of the one that was taken off by hand there is a record yet.
	bdev umount m2
	bdev doctor --fix
	assert_status 0
}

testAnotherMountNamespaceKeepsTheImageLocked() {
	ext4 image
	bdev mount loop:image m
	mkfifo go
	unshare --mount sh -c 'read -r _ <go' &
	holder=$!
	eventually other_namespace $holder
	bdev mount loop:image m2
	assert_status 1
	echo >go
	wait $holder
	bdev umount m
	assert_status 0
	bdev mount loop:image m2
	assert_mounted m2
}
other_namespace() { [ "$(readlink "/proc/$1/ns/mnt")" != "$(readlink /proc/self/ns/mnt)" ]; }

testStatusShowsTheDeviceByDiskseq() {
	ext4 image
	bdev mount loop:image m
	bdev status --json
	step='.[0].stack[0]'
	assertEquals "$(devices)" "$(printf '%s' "$out" | jq -r "$step.device")"
	assertEquals "$(sysfs diskseq)" "$(printf '%s' "$out" | jq -r "$step.diskseq")"
	assertEquals "$HERE/image" "$(printf '%s' "$out" | jq -r "$step.image")"
	assertEquals rw "$(printf '%s' "$out" | jq -r "$step.lock")"
}

# --- sources that are no images ---

testWhatIsNoImageIsRefusedInOneLine() {
	mkdir dir
	mkfifo fifo
	mknod null c 1 3
	mknod block b 7 0
	ln -s symlink symlink
	ln -s nowhere dangling
	: >empty
	truncate -s 1M zeros
	head -c 1M /dev/urandom >noise
	echo text >short
	while read -r name reason; do
		run timeout 60 "$LXC_BDEV" mount "loop:$name" m
		assert_refused "'$name'" "$reason"
		run timeout 60 "$LXC_BDEV" mount "loop:$name,ro" m
		assert_refused "'$name'" "$reason"
	done <<-END
		dir not a regular file
		fifo not a regular file
		null not a regular file
		block not a regular file
		/dev/loop-control not a regular file
		symlink Too many levels of symbolic links
		dangling No such file or directory
		empty is empty
		short holds no file system
		zeros holds no file system
		noise holds no file system
		dir/none No such file or directory
		short/none Not a directory
	END
}

testSeveralSignaturesAreRefused() {
	ext4 image
	mksquashfs src squash -quiet -no-progress >/dev/null
	head -c 96 squash | dd of=image conv=notrunc status=none
	bdev mount loop:image m
	assert_refused "'image' holds the signatures of several file systems" wipefs
	bdev mount loop:image,fstype=ext4 m
	assert_refused "'image' holds the signatures of several file systems"
}

testTruncatedImageIsRefused() {
	ext4 image
	truncate -s 4M image
	bdev mount loop:image m
	assert_refused "'image'"
	truncate -s 1040 image
	bdev mount loop:image m
	assert_refused "'image'"
}

testImageWithASpoiledSuperblockIsRefused() {
	for fs in xfs btrfs ext4; do
		make_image image $fs 64 "$PWD/src"
		# What lies behind the magic: libblkid or the kernel must see it.
		case $fs in
		xfs) head -c 200 /dev/urandom | dd of=image bs=1 seek=8 conv=notrunc status=none ;;
		btrfs) head -c 200 /dev/urandom | dd of=image bs=1 seek=$((65536 + 80)) conv=notrunc status=none ;;
		ext4) head -c 40 /dev/urandom | dd of=image bs=1 seek=1024 conv=notrunc status=none ;;
		esac
		bdev mount loop:image m
		assert_refused "'image'"
	done
}

testNamesWithSeparators() {
	name='a:b,c d\e'
	ext4 "$name"
	bdev mount 'loop:a\:b\,c\ d\\e' m
	assert_mounted
	bdev status --json
	assertEquals "$HERE/$name" "$(printf '%s' "$out" | jq -r '.[0].stack[0].image')"
	bdev umount m
	assertTrue 'nothing is left' nothing_left
}

testLongNames() {
	name=$(printf '%0255d' 0)
	ext4 "$name"
	bdev mount "loop:$name,ro" m
	assert_mounted
	bdev mount "loop:$name,ro" m2
	assert_mounted m2
	assertEquals 'loop devices' 1 "$(loops)"
}

testFullDiskBelowTheImageDoesNotKeepUsFromUmount() {
	mkdir disk
	mount -t tmpfs -o size=1m tmpfs disk
	truncate -s 8M disk/image && mkfs.ext4 -q -F disk/image
	bdev mount loop:disk/image m
	assert_status 0
	head -c 4M /dev/urandom >m/big 2>/dev/null
	run sync -f m
	assertNotEquals 'the disk is full' 0 "$status"
	bdev umount m
	assert_status 0
	assertTrue 'a loop device is left' no_loops
	umount disk
}

# The kernel would open the device that the superblock names, whatever it is.
testAJournalOnAnotherDeviceIsRefused() {
	truncate -s 16M image journal
	mke2fs -q -t ext4 -b 1024 -O journal_dev journal 8192 || fail 'a journal'
	_device=$(losetup -f --show "$PWD/journal")
	mke2fs -q -t ext4 -b 1024 -J device="$_device" image 2>&1 || fail 'an image with a journal elsewhere'
	for spec in loop:image loop:image,ro; do
		bdev mount "$spec" m
		assert_status 1
		assert_one_line "image 'image' keeps its journal on another device, which its superblock names"
		container c1 "loop:$HERE/${spec#loop:}"
		bdev plan -P "$LXCPATH" -n c1
		assert_status 1
		assert_one_line 'keeps its journal on another device'
	done
	losetup -d "$_device"
	# As the line says.
	tune2fs -f -O ^has_journal image >/dev/null 2>&1
	tune2fs -j image >/dev/null 2>&1
	bdev mount loop:image m
	assert_status 0
	bdev umount m
}

# shellcheck source=/dev/null
. shunit2
