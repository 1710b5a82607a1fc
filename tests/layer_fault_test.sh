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
	layer apply b in.tar.gz --digest "sha256:$(sha256sum in/file | cut -c 1-64)"
	assert_status 1
	assert_one_line "'in.tar.gz': its digest is sha256:$_raw, and sha256:$_plain without its compression"
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

. shunit2
