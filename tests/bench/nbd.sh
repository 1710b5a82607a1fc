#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# nbd.sh - what `nbd` costs with this kernel's transports, beside qemu-nbd alone
# and beside `loop`. Prints "NAME|OURS|OTHER|UNIT|TARGET" lines, for row() in
# run. Runs on the machine itself, and in the guest of tests/guest/run.
set -eu
root=$(cd -- "$(dirname -- "$0")/../.." && pwd)
tools=$root/build/bench
lxc_bdev=$root/build/lxc-bdev
rounds=${BENCH_ROUNDS:-15}
seconds=${BENCH_SECONDS:-2}
dir=$(mktemp -d "${SCRATCH:-/var/tmp}/nbd.XXXXXX")
where=
[ "$(uname -n)" != guest ] || where=', in the guest'
trap 'cd /; "$lxc_bdev" umount "$dir/m" 2>/dev/null || :; rm -rf --one-file-system -- "$dir"' EXIT
cd "$dir"

mkdir m
truncate -s 128M loop.img
mkfs.ext4 -q loop.img
qemu-img convert -f raw -O qcow2 loop.img nbd.qcow2

# transport - the one that `auto` takes here, as status says.
transport() {
	case $1 in
	ioctl) echo 'nbd by ioctl' ;;
	fuse) echo FUSE ;;
	*) echo nbd ;;
	esac
}

mounted() { # KNOB: from a server that does not run yet to a mounted file system, and qemu-nbd getting ready
	name=$(transport "$1")
	# shellcheck disable=SC2016,SC2046,SC2086 # for the inner shell; two numbers
	set -- $(LXC_BDEV_NBD=$1 "$tools/alternate" "$rounds" 0 \
		"$lxc_bdev" mount nbd:nbd.qcow2 m , "$lxc_bdev" umount m , \
		qemu-nbd --fork -f qcow2 -k "$dir/socket" --pid-file "$dir/pid" nbd.qcow2 , \
		sh -c 'kill "$(cat pid)"; while kill -0 "$(cat pid)" 2>/dev/null; do sleep 0.01; done')
	echo "mount qcow2, $name / qemu-nbd --fork$where|$1|$2|ms|+ 10"
}

# io MODE BLOCK - fio's operations a second, on the mounted file system.
io() {
	fio --name=io --filename=m/file --size=48M --direct=1 --ioengine=libaio --iodepth=16 --rw="$1" --bs="$2" \
		--time_based --runtime="$seconds" --output-format=terse --terse-version=3 |
		awk -F ';' '{print int($8 + $49)}'
}

io_rows() { # KNOB
	name=$(transport "$1")
	for job in 'randread 4k' 'randwrite 4k' 'read 1M' 'write 1M'; do
		# shellcheck disable=SC2086 # two words
		{
			LXC_BDEV_NBD=$1 "$lxc_bdev" mount nbd:nbd.qcow2 m
			ours=$(io $job)
			"$lxc_bdev" umount m
			"$lxc_bdev" mount loop:loop.img m
			loop=$(io $job)
			"$lxc_bdev" umount m
		}
		echo "$job, $name / loop$where|$((ours * 1000))|$((loop * 1000))|/s|"
	done
}

memory() { # KNOB: what a server holds after some work, that no other process shares
	name=$(transport "$1")
	LXC_BDEV_NBD=$1 "$lxc_bdev" mount nbd:nbd.qcow2 m
	io randwrite 4k >/dev/null
	pids=$(sed -n 's/^server	[0-9]*	\([0-9]*\)	.*/\1/p' /run/lxc-bdev/*/journal)
	kib=0
	for pid in $pids; do
		kib=$((kib + $(sed -n 's/^Private_[A-Za-z]*: *\([0-9]*\) kB/\1/p' "/proc/$pid/smaps_rollup" | awk '{n += $1} END {print n}')))
	done
	"$lxc_bdev" umount m
	echo "private memory of the servers, $name$where|$((kib * 1000 / 1024))|0|MB|"
}

for knob in ${BENCH_KNOBS:-netlink ioctl fuse}; do
	mounted "$knob"
	io_rows "$knob"
	memory "$knob"
done
