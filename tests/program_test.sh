#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The programs of other packages: which of several is run.
# shellcheck source=tests/lib.sh
. "$(dirname -- "$0")/lib.sh"

QEMU_NBD=$(command -v qemu-nbd)

setUpEach() {
	mkdir m
	qemu-img create -q -f qcow2 i.qcow2 8M
	make_image i.raw ext4 8 "$HERE/m"
	qemu-img convert -f raw -O qcow2 i.raw i.qcow2
	# QEMU runs as another user, and must get to its program.
	chmod o+x "$TMPDIR" "$SCRATCH" "$HERE"
}

# The program of the server of what is mounted on m.
served_by() { readlink "/proc/$(cat /run/lxc-bdev/*/journal | awk -F '\t' '$1 == "server" && $5 == "qemu-nbd" {print $3}')/exe"; }

# decoy DIRECTORY PROGRAM - one that must not be run.
decoy() {
	mkdir -p "$1"
	printf '#!/bin/sh\n: >"%s/decoyed"\nexit 1\n' "$HERE" >"$1/$2"
	chmod 0755 "$1/$2"
}
assert_not_decoyed() { assertFalse 'another program was run' '[ -e decoyed ]'; }

testTheQemuOfTheCallersPathIsRun() {
	install -D -m 0755 "$QEMU_NBD" opt/bin/qemu-nbd
	PATH=$HERE/opt/bin:$PATH bdev mount nbd:i.qcow2 m
	assert_status 0
	assertEquals "$HERE/opt/bin/qemu-nbd" "$(served_by)"
	bdev umount m
	bdev mount nbd:i.qcow2 m
	assertEquals "$QEMU_NBD" "$(served_by)"
	bdev umount m
	assert_status 0
}

# The caller has mounts of its own, as a service with a /tmp of its own has: by the same path, anybody may have put another
# program where the host's first process lives.
testAProgramOfTheSamePathInTheHostsMountNamespaceIsNotRun() {
	decoy "$HERE/opt/bin" qemu-nbd
	run nsenter --target 1 --mount sh -c 'ls "$1/opt/bin/qemu-nbd"' sh "$HERE"
	assertEquals 'it is there' 0 "$status"
	run unshare --mount --propagation private sh -c '
		mount -t tmpfs mine "$1/opt" && mkdir "$1/opt/bin" && cp "$2" "$1/opt/bin/" && chmod o+x "$1/opt" &&
			PATH=$1/opt/bin:$PATH "$3" mount nbd:i.qcow2 m && cat /run/lxc-bdev/*/journal && "$3" umount m' \
		sh "$HERE" "$QEMU_NBD" "$LXC_BDEV"
	assert_status 0
	assertContains "$out" qemu-nbd
	assert_not_decoyed
}

# What QEMU may read is no matter of where it lies.
testAProgramBesideAnyLibReadsNothingThere() {
	install -D -m 0755 "$QEMU_NBD" opt/bin/qemu-nbd
	install -D -m 0755 "$(readlink -f /bin/sh)" opt/lib/sh
	_link=$(mktemp -u /tmp/lxc-bdev.XXXXXX) # the kernel reads no blanks in the first line of a script
	ln -s "$HERE/opt" "$_link"
	printf '#!%s/lib/sh\nexit 0\n' "$_link" >opt/bin/qemu-nbd
	PATH=$HERE/opt/bin:$PATH bdev mount nbd:i.qcow2 m
	assert_status 1
	assert_one_line "execute '$HERE/opt/bin/qemu-nbd': Permission denied"
}

testAPathThatIsRelativeOrEmptyLeadsNowhere() {
	decoy "$HERE/bin" qemu-nbd
	decoy "$HERE" qemu-nbd
	mkdir -p dir/qemu-nbd
	install -D -m 0644 "$QEMU_NBD" plain/qemu-nbd
	PATH="bin::.:$HERE/dir:$HERE/plain:$PATH:" bdev mount nbd:i.qcow2 m
	assert_status 0
	assert_not_decoyed
	assertEquals "$QEMU_NBD" "$(served_by)"
	bdev umount m
	assert_status 0
}

testWithoutAPathThoseOfTheSystemAreRun() {
	run env -u PATH "$LXC_BDEV" mount nbd:i.qcow2 m
	assert_status 0
	assertEquals "$QEMU_NBD" "$(served_by)"
	bdev umount m
	assert_status 0
}

testTheLxcThatThisWasBuiltForIsRun() {
	make_image base.img ext4
	container base "loop:$HERE/base.img,ro" overlay:delta0
	for _program in lxc-start lxc-attach lxc-stop lxc-destroy; do
		decoy "$HERE/bin" "$_program"
	done
	PATH=$HERE/bin:$PATH bdev ephemeral -P "$LXCPATH" -n base -- /bin/cat /etc/marker
	assert_status 0
	assertContains "$out" base
	assert_not_decoyed
	assert_nothing_left
}

# What is run looks for its own programs in the same places: LXC's hooks for QEMU.
testTheCallersPathIsThatOfWhatIsRun() {
	make_image base.img ext4
	qemu-img convert -f raw -O qcow2 base.img base.qcow2
	container base "nbd:$HERE/base.qcow2,ro" overlay:delta0
	install -D -m 0755 "$QEMU_NBD" opt/bin/qemu-nbd
	PATH=$HERE/opt/bin:$PATH bdev ephemeral -P "$LXCPATH" -n base
	assert_status 0
	_name=$(printf '%s\n' "$out" | sed -n 's/^Created \(.*\) as clone of .*$/\1/p')
	printf '%s\n' "$_name" >>"$SCRATCH/started"
	assertEquals "$HERE/opt/bin/qemu-nbd" "$(served_by)"
	stop "$_name"
	assert_nothing_left
}

# shellcheck source=/dev/null
. shunit2
