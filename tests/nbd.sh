# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh disable=SC2154
#
# nbd.sh - the tests of the nbd type that any of its transports may fail alone; nbd_test.sh has the rest. Source it after
# lib.sh, and have a suite() with add_tests.
#
# A test mounts on $HERE/m: by that name in full, which processes that stay have in their command lines.

MARK=${SCRATCH#"${SCRATCH%/*/*}"/}/t/ # in the names of all that a test makes
PLAIN=$SCRATCH/plain.raw # what is in an image, for e2fsck
# LXC's etc directory; while these tests run, an empty one of their own is mounted over it.
ETC=$(dirname -- "$(lxc-config lxc.default_config)")
POLICY=$ETC/bdev-policy.conf
KILL_AT=$ROOT/build/tests/tools/kill-at
: "${KILL_STEP:=$((2 * SWEEP))}" # of the calls that a sweep kills at

# add_tests FILE... - all that are defined in them: shunit2 itself looks in the file that is run only.
add_tests() {
	# shellcheck disable=SC2013 # names have no blanks
	for _test in $(sed -n 's/^\(test[A-Za-z0-9]*\)() *{.*/\1/p' "$@"); do
		suite_addTest "$_test"
	done
}

oneTimeSetUp() {
	# shunit2 may come here twice.
	[ ! -d "$SCRATCH/src" ] || return 0
	mount -t tmpfs lxc-bdev-tests "$ETC" || exit
	mkdir "$SCRATCH/src"
	echo content >"$SCRATCH/src/marker"
	make_image "$SCRATCH/base.raw" ext4 8 "$SCRATCH/src"
	mkdir -p "$SCRATCH/t/m" "$SCRATCH/t/m2"
	"$LXC_BDEV" mount "dir:$SCRATCH/src" "$SCRATCH/t/m"
	"$LXC_BDEV" mount "dir:$SCRATCH/src" "$SCRATCH/t/m2"
	set -- /run/lxc-bdev/*
	ID=$1 ID2=$2
	"$LXC_BDEV" umount "$SCRATCH/t/m"
	"$LXC_BDEV" umount "$SCRATCH/t/m2"
	rm -r "$SCRATCH/t"
	CONNECTED=$(echo /sys/block/nbd*/pid)
	ESCAPED=$(printf '%s' "$SCRATCH/t" | sed 's/ /\\040/g')
}

oneTimeTearDown() {
	! mountpoint -q "$ETC" || umount "$ETC"
	rm -rf "$SCRATCH/src"
}

setUpEach() {
	mkdir m m2
	PORT=none
	: >"$SCRATCH/pids"
}

tearDownEach() {
	exec 7>&- 8>&-
	if ! no_record; then
		for _target in m2 m; do
			"$LXC_BDEV" umount "$HERE/$_target" 2>/dev/null
		done
	fi
	while read -r _pid; do
		kill -KILL "$_pid"
		wait "$_pid"
	done <"$SCRATCH/pids" 2>/dev/null
	[ "$__shunit_assertsFailed" -eq "$_failed_before" ] || end_processes
	[ ! -e "$POLICY" ] || rm "$POLICY"
	return 0
}

# --- asserts: those of shunit2 start several processes each, which in a guest costs more than a mount ---

# run COMMAND... - as in lib.sh.
run() {
	status=0
	out=''
	err=''
	"$@" >"$SCRATCH/stdout" 2>"$SCRATCH/stderr" || status=$?
	[ ! -s "$SCRATCH/stdout" ] || out=$(cat "$SCRATCH/stdout")
	[ ! -s "$SCRATCH/stderr" ] || err=$(cat "$SCRATCH/stderr")
}

same() { # [MESSAGE] WANTED SEEN
	case $# in
	2) [ "$1" = "$2" ] ;;
	*) [ "$2" = "$3" ] ;;
	esac || assertEquals "$@"
}
differs() { # MESSAGE UNWANTED SEEN
	[ "$2" != "$3" ] || assertNotEquals "$@"
}
contains() { # [MESSAGE] TEXT PART
	[ $# -eq 3 ] || set -- '' "$@"
	case $2 in *"$3"*) ;; *) fail "$1 not found: <$3> in: $2" ;; esac
}
lacks() { # [MESSAGE] TEXT PART
	[ $# -eq 3 ] || set -- '' "$@"
	case $2 in *"$3"*) fail "$1 found: <$3> in: $2" ;; esac
}

assert_status() { same "exit status; stdout: $out; stderr: $err" "$1" "$status"; }

assert_one_line() { # TEXT...
	case $err in
	'' | *"
"*) fail "not one line on stderr: $err" ;;
	esac
	for _text; do
		contains "$err" "$_text"
	done
}

# --- what is there ---

# The processes that serve images of this test, or watch over those that do, one a line with its pid first. All of them
# have the mark in argv[0]. What they have open may be shown without the name of the mount that it is on.
processes() {
	# shellcheck disable=SC2013 # nor have these
	for _proc in $(grep -ls '^@' /proc/[0-9]*/cmdline); do
		_proc=${_proc%/cmdline}
		_about=$(
			tr '\0' ' ' <"$_proc/cmdline"
			ls -l "$_proc/fd"
		) 2>/dev/null
		case $_about in
		*"$MARK"* | *"$ID/"* | *"$ID2/"* | *"\"port\":\"$PORT\""*) printf '%s\n' "${_proc#/proc/} ${_about%%
*}" ;;
		esac
	done
}

# Only after a test that failed: the next one is another's matter.
end_processes() {
	processes | while read -r _pid _; do
		kill -KILL "$_pid"
	done
	eventually no_processes
	"$LXC_BDEV" doctor --fix >/dev/null 2>&1
}
no_processes() { [ -z "$(processes)" ]; }

# What is still there of what this test mounted. It is asked often, so it starts few programs.
left() {
	while read -r _device _at _more; do
		case $_at in "$ESCAPED/"*) echo "mount $_device $_at" ;; esac
	done </proc/self/mounts
	for _file in /sys/block/loop*/loop/backing_file; do
		read -r _image <"$_file" || continue
		case $_image in "$HERE/"* | "$ID/"* | "$ID2/"*) echo "loop $_image" ;; esac
	done 2>/dev/null
	for _file in /sys/block/nbd*/pid; do
		case " $CONNECTED " in *" $_file "*) ;; *) echo "device $_file" ;; esac
	done
	no_record || echo /run/lxc-bdev/*
	processes
}
assert_nothing_left() { same 'left behind' '' "$(left)"; }

# record KIND FIELD - of all journals, 2 being the first field behind the step: record server 2
record() { cat /run/lxc-bdev/*/journal | awk -F '\t' -v kind="$1" -v field="$2" '$1 == kind {print $(field + 1)}'; }
# The pids of those of this name: server qemu, server bdev-watcher
server() { cat /run/lxc-bdev/*/journal | awk -F '\t' -v name="$1" '$1 == "server" && index($5, name) == 1 {print $3}'; }
# What QEMU was told to open, of its command line.
graph() { tr '\0' '\n' <"/proc/$(server qemu)/cmdline" | sed -n 's/^json://p'; }

# The transport that was taken, by the processes that it needs: fuse, ioctl or netlink.
transport() {
	case $(record server 4) in
	*bdev-fuse*) echo fuse ;;
	*bdev-nbd*) echo ioctl ;;
	*) echo netlink ;;
	esac
}

blocks() { du -k "$1" | cut -f 1; } # in KiB

# --- words ---

# image FILE... - in the format of its extension: an ext4 of 8 MiB that holds `marker`. Made once, then copied.
image() {
	for _image; do
		_base=$SCRATCH/base.${_image##*.}
		case $_base in *.img) _base=$SCRATCH/base.raw ;; esac
		[ -f "$_base" ] || qemu-img convert -f raw -O "${_base##*.}" "$SCRATCH/base.raw" "$_base"
		cp --sparse=always "$_base" "$_image"
	done
}

# over FILE BACKING FORMAT - an empty qcow2 that names this backing file, which is not looked at.
over() { qemu-img create -q -u -f qcow2 -b "$2" -F "$3" "$1" 8M; }

policy() { printf '%s\n' "$@" >"$POLICY"; }

# mounted SPEC... - on m; it holds what the image does.
mounted() {
	bdev mount "$@" "$HERE/m"
	assert_status 0
	_content=''
	[ ! -e m/marker ] || read -r _content <m/marker
	same "content of $*" content "$_content"
}

# umounted - and with that all is gone, at once.
umounted() {
	bdev umount "$HERE/m"
	assert_status 0
	assert_nothing_left
}

# refused TEXT... - the last run failed, in one line that has each TEXT in it, and nothing is left.
refused() { refused_with 1 "$@"; }
wrong() { refused_with 2 "$@"; } # its text alone
impossible() { refused_with 3 "$@"; } # not on this host
refused_with() {
	assert_status "$1"
	shift
	assert_one_line "$@"
	assert_nothing_left
}

# refuses SPEC TEXT... - so it does, with all of the texts.
refuses() {
	_spec=$1
	shift
	bdev mount "$_spec" "$HERE/m"
	refused "$@"
}

# malformed SPEC TEXT... - its text alone is wrong.
malformed() {
	_spec=$1
	shift
	bdev mount "$_spec" "$HERE/m"
	wrong "$@"
}

assert_clean() { # IMAGE
	_format=${1##*.}
	case $_format in
	qcow2 | qed | vdi | vmdk | vhdx)
		run qemu-img check -q -f "$_format" "$1"
		assert_status 0
		;;
	esac
	qemu-img convert -f "$_format" -O raw "$1" "$PLAIN"
	run e2fsck -fn "$PLAIN"
	assert_status 0
}

# noise FILE [KIB] - that cannot be compressed.
noise() { head -c $((${2-1024} * 1024)) </dev/urandom >"$1"; }

# --- formats ---

format_works() { # FORMAT
	image "i.$1"
	mounted "nbd:i.$1"
	noise m/noise
	sum=$(md5sum <m/noise)
	umounted
	mounted "nbd:i.$1,ro"
	same 'what was written' "$sum" "$(md5sum <m/noise)"
	umounted
	assert_clean "i.$1"
}

testRawIsReadAndWritten() { format_works raw; }
testQcow2IsReadAndWritten() { format_works qcow2; }
# Its size is a number of cylinders.
testVpcIsReadAndWritten() { format_works vpc; }

# The kernel has many writes under way at a time.
testWhatManyWriteAtOnceIsAllThere() {
	image i.qcow2
	mounted nbd:i.qcow2
	writers=''
	for n in 1 2 3 4; do
		noise m/$n &
		writers="$writers $!"
	done
	# shellcheck disable=SC2086
	wait $writers
	sync -f m
	sums=$(cd m && md5sum 1 2 3 4)
	umounted
	mounted nbd:i.qcow2
	same "$sums" "$(cd m && md5sum 1 2 3 4)"
	umounted
	assert_clean i.qcow2
}

# --- nothing is probed ---

# A raw image whose first bytes name a file of the host, as one who may write to it would have them.
evil_image() {
	cp "$SCRATCH/base.raw" secret
	qemu-img create -q -f qcow2 -b "$HERE/secret" -F raw evil.qcow2
	mv evil.qcow2 evil.img
	truncate -s 8M evil.img
}

testWhatARawImageNamesIsNotOpened() {
	evil_image
	run strace -f -o trace -e trace=%file "$LXC_BDEV" mount nbd:evil.img "$HERE/m"
	refused 'holds no file system'
	grep -q qemu trace || fail 'QEMU was not there'
	same '' "$(grep secret trace)"
}

# --- headers that change after they have been checked ---

# secret - a device of the host with an ext4 whose marker says so; its node is $secret until `raced` takes it off.
secret() {
	mkdir -p secret.src
	echo secret >secret.src/marker
	make_image secret.img ext4 8 "$HERE/secret.src"
	secret=$(losetup -f --show secret.img)
}

# evil FORMAT - evil.FORMAT, an image that names the secret as much as the format can.
evil() {
	secret
	case $1 in
	qcow2) qemu-img create -q -f qcow2 -o "data_file=$secret,data_file_raw=on" evil.qcow2 8M ;;
	qed) qemu-img create -q -f qed -b "$secret" -F raw evil.qed ;;
	vmdk)
		printf '%s\n' '# Disk DescriptorFile' version=1 CID=fffffffe parentCID=ffffffff \
			'createType="monolithicFlat"' "RW 16384 FLAT \"$secret\" 0" ddb.adapterType=\"ide\" >evil.vmdk
		truncate -s 64K evil.vmdk
		;;
	esac
}

# What QEMU has opened beside its libraries, by the trace.
opened_by_qemu() {
	awk '/<unfinished/ { sub(/ *<unfinished.*/, ""); before[$1] = $0; next }
		/<\.\.\. .* resumed>/ { pid = $1; sub(/.* resumed>/, ""); $0 = before[pid] $0 }
		/execve\(.*\/qemu-nbd/ { qemu[$1] = 1; next }
		/clone|fork/ && qemu[$1] { qemu[$NF] = 1 }
		qemu[$1] && /open/ && !/= -1 /' trace |
		grep -v -e '"/lib' -e '"/usr/lib' -e '"/etc/ld.so' -e '"/dev/null"' -e '"/dev/urandom"' -e '"/proc/self/fd/[0-9]*"'
}

raced_or_ended() { is_mounted || ! kill -0 "$racer" 2>/dev/null; }
# raced SPEC IMAGE EVIL - IMAGE begins with EVIL's bytes once it has been checked, before QEMU reads it: a server waits
# in its setsid(2). What QEMU opens is what was checked.
raced() {
	strace -f -o trace -e trace=open,openat,connect,setsid,landlock_create_ruleset,%process -e inject=setsid:delay_enter=700000 \
		${WITHOUT_LANDLOCK:+-e inject=landlock_create_ruleset:error=EOPNOTSUPP} "$LXC_BDEV" mount "$1" "$HERE/m" 2>raced.err &
	racer=$!
	eventually served || fail 'QEMU was not started'
	dd "if=$3" "of=$2" bs=64K count=1 conv=notrunc status=none
	eventually raced_or_ended
	if is_mounted; then
		same "content of $1 with the header of $3" content "$(cat m/marker)"
		bdev umount "$HERE/m"
	fi
	wait "$racer"
	grep -q 'execve(.*/qemu-nbd' trace || fail "QEMU was not there: $(cat raced.err)"
	# Without Landlock it is found out what QEMU opened, before anything is read from that.
	[ "${WITHOUT_LANDLOCK-}" ] || same "opened for $1 with the header of $3" '' "$(opened_by_qemu)"
	same "connected for $1 with the header of $3" '' "$(grep -e 'connect(.*AF_INET' trace)"
	[ ! "$secret" ] || losetup -d "$secret"
	secret=''
	bdev doctor --fix
	eventually nothing_left || fail "left: $(left)"
}
served() { [ "$(server qemu 2>/dev/null)" ]; }

testHeaderOfAQcow2ThatChangesLeadsQemuNowhere() {
	evil qcow2
	image i.qcow2
	raced nbd:i.qcow2 i.qcow2 evil.qcow2
	evil qcow2
	image i.qcow2
	raced nbd:i.qcow2,ro i.qcow2 evil.qcow2
	secret
	image i.qcow2
	over back.qcow2 "$secret" raw
	raced nbd:i.qcow2 i.qcow2 back.qcow2
}

testHeaderOfAnOldQcow2ThatChangesLeadsQemuNowhere() {
	evil qcow2
	qemu-img convert -f raw -O qcow2 -o compat=0.10 "$SCRATCH/base.raw" i.qcow2
	raced nbd:i.qcow2 i.qcow2 evil.qcow2
}

testHeaderOfABackingFileThatChangesLeadsQemuNowhere() {
	evil qcow2
	image base.qcow2
	over i.qcow2 base.qcow2 qcow2
	raced nbd:i.qcow2 base.qcow2 evil.qcow2
}

testHeaderOfAVmdkThatChangesLeadsQemuNowhere() {
	evil vmdk
	image i.vmdk
	raced nbd:i.vmdk i.vmdk evil.vmdk
}

testHeadersOfOtherFormatsThatChangeLeadQemuNowhere() {
	evil qed
	image i.qed
	raced nbd:i.qed i.qed evil.qed
	for _format in raw vdi vhdx vpc; do
		evil qcow2
		image "i.$_format"
		raced "nbd:i.$_format" "i.$_format" evil.qcow2
	done
}

testWhatQemuOpenedOnAKernelWithoutLandlockIsFoundOut() {
	WITHOUT_LANDLOCK=1
	evil qcow2
	image i.qcow2
	raced nbd:i.qcow2 i.qcow2 evil.qcow2
	contains "$(cat raced.err)" 'which is not part of the image: a header was changed'
	evil vmdk
	image i.vmdk
	raced nbd:i.vmdk i.vmdk evil.vmdk
	contains "$(cat raced.err)" 'which is not part of the image: a header was changed'
	WITHOUT_LANDLOCK=''
	image i.qcow2
	mounted nbd:i.qcow2
	umounted
}

# status_of_qemu FIELD - of its /proc/PID/status.
status_of_qemu() { sed -n "s/^$1:[[:space:]]*//p" "/proc/$(server qemu)/status"; }

testQemuIsAnUnprivilegedUserWithoutCapabilities() {
	image i.qcow2
	mounted nbd:i.qcow2
	# The real user is root's: systemd spares no other process at poweroff.
	same 'user' '0 0 0 0' "$(status_of_qemu Uid | tr '\t' ' ')"
	same 'group' '65534 65534 65534 65534' "$(status_of_qemu Gid | tr '\t' ' ')"
	same 'groups' '' "$(status_of_qemu Groups | tr -d ' ')"
	# The file is root's alone to write.
	same 'CAP_DAC_OVERRIDE' 0000000000000002 "$(status_of_qemu CapBnd)"
	same 'no new privileges' 1 "$(status_of_qemu NoNewPrivs)"
	# No new sockets; where the kernel can do that.
	[ ! "$(status_of_qemu Seccomp)" ] || same 'seccomp' 2 "$(status_of_qemu Seccomp)"
	umounted
	chown 4711 i.qcow2
	chmod 600 i.qcow2
	mounted nbd:i.qcow2
	umounted
	chmod a+rw i.qcow2
	mounted nbd:i.qcow2
	case $(status_of_qemu Uid | tr '\t' ' ') in
	'0 65534 65534 65534') ;;
	'0 0 0 0') same 'by a kernel that sets it so' old "$(case $(uname -r) in [5-6].[0-9].* | 6.1[0-5].*) echo old ;; esac)" ;;
	*) fail "user: $(status_of_qemu Uid)" ;;
	esac
	for _set in CapInh CapPrm CapEff CapBnd CapAmb; do
		same "$_set" 0000000000000000 "$(status_of_qemu $_set)"
	done
	umounted
}

# When memory is short, the server must not wait for pages to be written that it is to write itself. The kernel grants that
# to those with CAP_SYS_RESOURCE; others have the server all the same.
testTheServerAsksNotToWaitForItsOwnWrites() {
	image i.qcow2
	strace -f -o trace -e trace=prctl,execve "$LXC_BDEV" mount nbd:i.qcow2 "$HERE/m" &
	_tracer=$!
	eventually is_mounted || fail 'mounted'
	umounted
	wait $_tracer
	_pid=$(sed -n 's/^\([0-9]*\) .*execve(.*qemu-nbd.*/\1/p' trace | head -n 1)
	same 'calls before QEMU begins' 1 "$(sed "/^$_pid .*execve(/q" trace | grep -c "^$_pid .*prctl(\(PR_SET_IO_FLUSHER\|0x39\), \(0x\)*1,")"
}

# fails_call CALL ERROR - a mount when QEMU's process gets this error from this system call.
fails_call() {
	run strace -f -o trace -e "trace=$1" -e "inject=$1:error=$2" "$LXC_BDEV" mount nbd:i.qcow2 "$HERE/m"
	refused 'qemu-nbd: ' "$3"
}

testQemuIsNotStartedWhenItCannotBeConfined() {
	image i.qcow2
	fails_call landlock_create_ruleset EMFILE 'restrict its files (Landlock): Too many open files'
	# The others are called where that one succeeds.
	strace -f -o trace -e trace=landlock_restrict_self "$LXC_BDEV" mount nbd:i.qcow2 "$HERE/m" &
	eventually is_mounted
	bdev umount "$HERE/m"
	wait $!
	if grep -q landlock_restrict_self trace; then
		fails_call landlock_add_rule ENOMEM 'restrict its files (Landlock): Cannot allocate memory'
		fails_call landlock_restrict_self E2BIG 'restrict its files (Landlock): Argument list too long'
	fi
	fails_call capset EPERM 'drop its privileges: Operation not permitted'
	fails_call setresuid EAGAIN 'drop its privileges'
}

# --- partitions ---

# disk FILE LABEL LINE... - a disk of 32 MiB in the format of its extension, with an ext4 at the 16th MiB.
disk() {
	_disk=$1
	truncate -s 32M disk.tmp
	{
		echo "label: $2"
		shift 2
		printf '%s\n' "$@"
	} | sfdisk --quiet disk.tmp
	dd if="$SCRATCH/base.raw" of=disk.tmp bs=1M seek=16 conv=notrunc status=none
	if [ "${_disk##*.}" = raw ]; then
		mv disk.tmp "$_disk"
	else
		qemu-img convert -f raw -O "${_disk##*.}" disk.tmp "$_disk"
	fi
}

# Twelve partitions, the last one with the file system, and number 20.
gpt() {
	for n in 1 2 3 4 5 6 7 8 9 10 11; do
		echo "start=${n}MiB, size=1MiB"
	done
	echo 'start=16MiB, size=8MiB'
	echo 'disk20 : start=25MiB, size=1MiB'
}

partition_works() { # SPEC
	mounted "$1"
	echo "$1" >m/new
	umounted
	mounted "$1,ro"
	same "$1" "$(cat m/new)"
	umounted
}

testPartition12OfAGpt() {
	disk d.qcow2 gpt "$(gpt)"
	partition_works nbd:d.qcow2:12
}

# The kernel makes 15 for an nbd device.
testPartition20OfAGpt() {
	disk d.qcow2 gpt 'disk20 : start=16MiB, size=8MiB'
	partition_works nbd:d.qcow2:20
}

testPartitionsOfAnMbr() {
	disk d.qcow2 dos 'start=1MiB, size=1MiB, type=83' 'start=4MiB, size=24MiB, type=5' \
		'start=5MiB, size=1MiB, type=83' 'start=16MiB, size=8MiB, type=83'
	partition_works nbd:d.qcow2:6
}

# --- read-only, and who may use an image ---

testReadOnlyChangesNothingInTheImage() {
	image i.qcow2
	before=$(sha256sum <i.qcow2)
	mounted nbd:i.qcow2,ro
	run touch m/new
	contains "$err" 'Read-only file system'
	# Not even root can make it writable: the device is read-only.
	run mount -o remount,rw "$HERE/m"
	run touch m/new
	contains "$err" 'Read-only file system'
	same 'the device' 1 "$(blockdev --getro "$(findmnt -no SOURCE m)")"
	umounted
	same 'the image' "$before" "$(sha256sum <i.qcow2)"
}

testQemuIsKeptOutForAsLongAsItIsMounted() {
	image i.qcow2
	mounted nbd:i.qcow2
	run qemu-io -f qcow2 -c 'write 7M 512' i.qcow2
	contains "$err$out" '" lock'
	bdev umount "$HERE/m"
	run qemu-io -f qcow2 -c 'write 7M 512' i.qcow2
	assert_status 0
}

testFiveImagesAtOnce() {
	for i in 1 2 3 4 5; do
		image "i$i.qcow2"
		mkdir "t$i"
		"$LXC_BDEV" mount "nbd:i$i.qcow2" "$HERE/t$i" 2>>errors &
		eval "pid$i=$!"
	done
	wait "$pid1" "$pid2" "$pid3" "$pid4" "$pid5"
	same 'errors' '' "$(cat errors)"
	for i in 1 2 3 4 5; do
		echo "$i" >"t$i/mine"
		"$LXC_BDEV" umount "$HERE/t$i" 2>>errors &
		eval "pid$i=$!"
	done
	wait "$pid1" "$pid2" "$pid3" "$pid4" "$pid5"
	same 'errors' '' "$(cat errors)"
	assert_nothing_left
	mounted nbd:i3.qcow2,ro
	same 3 "$(cat m/mine)"
	umounted
}

# --- options ---

# An image on an ext4 on `disk`, which can do O_DIRECT whatever is below.
with_direct() {
	mkdir -p disk
	make_image disk.img ext4 32 "$SCRATCH/src"
	mount -o loop disk.img disk
	image disk/i.qcow2
}
umounted_from_disk() {
	bdev umount "$HERE/m"
	assert_status 0
}
off_disk() { # at the end
	umount disk || fail 'the disk is busy'
	assert_nothing_left
}

# What the server has open must be of the disk's own mount, also if the helper worked in a namespace of its own.
testDiskBelowAnImageCannotBeTakenOff() {
	with_direct
	for image in disk/i.qcow2 "$HERE/disk/i.qcow2"; do
		mounted "nbd:$image"
		! umount disk 2>/dev/null || fail "the disk of $image was taken off"
		umounted_from_disk
	done
	off_disk
}

testDiskBelowABackingFileCannotBeTakenOff() {
	with_direct
	image disk/base.qcow2
	policy "bdev.policy.backing = $HERE/disk"
	over i.qcow2 disk/base.qcow2 qcow2
	mounted nbd:i.qcow2
	! umount disk 2>/dev/null || fail 'the disk of the backing file was taken off'
	umounted_from_disk
	off_disk
}

# trimmed IMAGE[,OPTION...] - how many KiB of a file of 8 MiB come back with fstrim.
trimmed() {
	mounted "nbd:$1"
	noise m/big 5120
	sync -f m
	_full=$(blocks "${1%%,*}")
	rm m/big
	sync -f m
	run fstrim "$HERE/m"
	umounted
	returned=$((_full - $(blocks "${1%%,*}")))
}

testFstrimShrinksAQcow2() {
	image i.qcow2
	trimmed i.qcow2
	[ $returned -gt 4000 ] || fail "KiB: $returned"
	assert_clean i.qcow2
}

# --- stacks ---

testTwoImagesBelowOneOverlay() {
	image low.qcow2 high.raw
	mounted nbd:high.raw
	echo above >m/marker
	umounted
	bdev mount nbd:low.qcow2,ro nbd:high.raw,ro overlay:delta "$HERE/m"
	assert_status 0
	same above "$(cat m/marker)"
	same 'servers' 2 "$(server qemu | wc -l)"
	umounted
}

testAFailureAboveAnImageEndsItsServer() {
	image i.qcow2
	echo 'no image' >bad.raw
	bdev mount nbd:i.qcow2,ro nbd:bad.raw,ro overlay:delta "$HERE/m"
	refused bad.raw
}

# --- servers elsewhere ---

# serve_unix FILE [OPTION...] - by QEMU, as the bytes that it is, on `socket`, until the test ends.
serve_unix() {
	_file=$1
	shift
	qemu-nbd -t -f raw -k "$HERE/socket" "$@" "$_file" &
	echo $! >"$SCRATCH/pids"
	eventually [ -S socket ]
}

testImageOfAServerByAUnixSocket() {
	image i.raw
	serve_unix i.raw -x disk
	policy 'bdev.policy.uri = nbd+unix:'
	mounted "nbd:,uri=nbd+unix:///disk?socket=$HERE/socket,format=raw"
	echo new >m/new
	umounted
	kill "$(cat "$SCRATCH/pids")"
	wait "$(cat "$SCRATCH/pids")"
	same new "$(debugfs -R 'cat new' i.raw 2>/dev/null)"
}

# --- what happens to the processes ---

testServerThatDiesGivesErrorsAndTheImageStaysGood() {
	image i.qcow2
	mounted nbd:i.qcow2
	echo before >m/before
	sync -f m
	kill -KILL "$(server qemu)"
	noise m/after 2>/dev/null
	! sync -f m 2>/dev/null || fail 'what could not be written was synced'
	umounted
	run qemu-img check -f qcow2 i.qcow2
	# 3: clusters that are taken and not used, which is all that it may be.
	[ "$status" -eq 0 ] || [ "$status" -eq 3 ] || fail "qemu-img check: $out$err"
	mounted nbd:i.qcow2
	same 'what had been synced' before "$(cat m/before)"
	umounted
	qemu-img convert -f qcow2 -O raw i.qcow2 "$PLAIN"
	run e2fsck -fn "$PLAIN"
	assert_status 0
}

testKilledWatcherIsNotNeededForUmount() {
	image i.qcow2
	mounted nbd:i.qcow2
	case $(transport) in
	fuse) same 'it needs none' '' "$(server bdev-watcher)" ;;
	*) kill -KILL "$(server bdev-watcher)" ;;
	esac
	echo new >m/new
	umounted
	assert_clean i.qcow2
	mounted nbd:i.qcow2,ro
	same new "$(cat m/new)"
	umounted
}

no_device_nor_process() { ! left | grep -q -v -F /run/lxc-bdev/; }

testMountTakenOffByHandEndsTheServer() {
	image i.qcow2
	mounted nbd:i.qcow2
	echo new >m/new
	umount m
	eventually no_device_nor_process || fail "left: $(left)"
	bdev doctor
	assert_status 1
	contains "$out" "mount '$HERE/m' ended without lxc-bdev umount"
	bdev doctor --fix
	assert_status 0
	assert_nothing_left
	assert_clean i.qcow2
}

testServerLivesAsLongAsAFileIsOpen() {
	image i.qcow2
	mounted nbd:i.qcow2
	exec 7<m/marker
	umount -l m
	! no_processes || fail 'the server has ended'
	bdev mount nbd:i.qcow2 "$HERE/m2"
	assert_status 1
	assert_one_line "'i.qcow2' is in use"
	same content "$(cat <&7)"
	exec 7<&-
	eventually no_device_nor_process || fail "left: $(left)"
	bdev doctor --fix
	assert_nothing_left
}

testBusyMountStaysWhole() {
	image i.qcow2
	mounted nbd:i.qcow2
	exec 7<m/marker
	bdev umount "$HERE/m"
	assert_status 1
	assert_one_line "umount '$HERE/m'" busy
	exec 7<&-
	echo new >m/new
	umounted
	assert_clean i.qcow2
}

other_namespace() { [ "$(readlink "/proc/$1/ns/mnt")" != "$(readlink /proc/self/ns/mnt)" ]; }

testAnotherMountNamespaceKeepsTheServer() {
	image i.qcow2
	mounted nbd:i.qcow2
	mkfifo go
	unshare --mount sh -c 'read -r _ <go' &
	eventually other_namespace $!
	bdev umount "$HERE/m"
	assert_status 1
	assert_one_line 'is still in use'
	! no_processes || fail 'the server has ended'
	echo >go
	wait $!
	eventually no_device_nor_process || fail "left: $(left)"
	bdev doctor --fix
	assert_nothing_left
	assert_clean i.qcow2
}

# each_server FUNCTION - with the pid of each process of the mount.
each_server() {
	for _pid in $(record server 2); do
		"$1" "$_pid"
	done
}

has_only_its_own() {
	# shellcheck disable=SC2012 # links of /proc
	same "descriptors of $(tr '\0' ' ' <"/proc/$1/cmdline")" '' "$(ls -l "/proc/$1/fd" | sed -n 's/.* -> //p' |
		grep -v -x -e /dev/null -e '/memfd:stderr (deleted)' -e 'anon_inode:.*' -e 'socket:.*' -e /dev/fuse \
			-e '/dev/nbd[0-9]*' -e '.*/t/i\.qcow2')"
}
testServersHaveNoDescriptorsOfOthers() {
	image i.qcow2
	exec 7>leak 8</
	mounted nbd:i.qcow2
	each_server has_only_its_own
	umounted
}

is_of_no_session() {
	same "session of $1" "$1" "$(ps -o sid= -p "$1" | tr -d ' ')"
	same "directory of $1" / "$(readlink "/proc/$1/cwd")"
}
testServersAreOfNoSession() {
	image i.qcow2
	mounted nbd:i.qcow2
	each_server is_of_no_session
	umounted
}

is_marked() {
	same "the mark of $1" @ "$(head -c 1 "/proc/$1/cmdline")"
	same "oom_score_adj of $1" "$spared" "$(cat "/proc/$1/oom_score_adj")"
}
testServersAreMarkedAndSpared() {
	image i.qcow2
	# As far as we may.
	spared=$(sh -c 'echo -900 >/proc/self/oom_score_adj; cat /proc/self/oom_score_adj' 2>/dev/null)
	mounted nbd:i.qcow2
	each_server is_marked
	umounted
}

is_elsewhere() { lacks "cgroups of $1" "$(cat "/proc/$1/cgroup")" caller; }
testServersAreInNoCgroupOfTheCaller() {
	image i.qcow2
	cgroup=/sys/fs/cgroup
	[ -e $cgroup/cgroup.procs ] || cgroup=$cgroup/unified
	mkdir "$cgroup/caller.$$"
	# shellcheck disable=SC2016
	run sh -c 'echo $$ >"$1/cgroup.procs" && exec "$2" mount nbd:i.qcow2 "$3"' sh "$cgroup/caller.$$" "$LXC_BDEV" "$HERE/m"
	assert_status 0
	each_server is_elsewhere
	rmdir "$cgroup/caller.$$" || fail 'somebody is in it'
	umounted
}

# In a namespace of its own it must not have the mount, which would keep it in use.
holds_no_mount() {
	[ "$(readlink "/proc/$1/ns/mnt")" = "$(readlink /proc/self/ns/mnt)" ] ||
		same "mounts of $(tr '\0' ' ' <"/proc/$1/cmdline")" '' "$(grep -F "$ESCAPED/m " "/proc/$1/mountinfo")"
}
testServersHoldNoMountOfTheStack() {
	image i.qcow2
	mounted nbd:i.qcow2
	each_server holds_no_mount
	umounted
}

# --- SIGKILL of the helper ---

is_mounted() { [ -e m/marker ]; }

# sweep COMMAND... - killed at each $KILL_STEP-th of its system calls, until it lives to the end; `before` is called
# before each, `check` after.
sweep() {
	swept=1
	kills=0
	while before; do
		status=0
		LSAN_OPTIONS=detect_leaks=0 "$KILL_AT" "$swept" "$LXC_BDEV" "$@" 2>"$SCRATCH/stderr" || status=$?
		[ "$status" -eq 137 ] || break
		kills=$((kills + 1))
		check
		[ "$__shunit_assertsFailed" -eq "$_failed_before" ] || return
		swept=$((swept + KILL_STEP))
	done
	same "after $swept calls: $(cat "$SCRATCH/stderr")" 0 "$status"
}

# Mounted is mounted whole. Else what is left is found and cleared by `doctor --fix` and by the next mount, in turns.
check_killed_mount() { # SPEC
	if ! is_mounted; then
		unmounted=$((unmounted + 1))
		if [ $((unmounted % 2)) -eq 0 ]; then
			bdev doctor --fix
			same "doctor after call $swept: $out$err" 0 "$status"
			eventually nothing_left || fail "left after call $swept: $(left)"
			return
		fi
		bdev mount "$1" "$HERE/m"
		same "mount after one killed at call $swept: $err" 0 "$status"
	fi
	same "content, killed at call $swept" content "$(cat m/marker)"
	bdev umount "$HERE/m"
	same "umount after call $swept: $err" 0 "$status"
	eventually nothing_left || fail "left after call $swept: $(left)"
}

killed_mount() { # SPEC
	spec=$1
	unmounted=0
	before() { :; }
	check() { check_killed_mount "$spec"; }
	sweep mount "$spec" "$HERE/m"
	[ $unmounted -gt 2 ] || fail "killed before it was mounted: $unmounted"
	umounted
}

testMountKilledAnywhere() {
	image i.qcow2
	killed_mount nbd:i.qcow2
	assert_clean i.qcow2
}

testMountOfAPartitionKilledAnywhere() {
	disk d.qcow2 gpt 'disk20 : start=16MiB, size=8MiB'
	KILL_STEP=$((KILL_STEP * 4)) killed_mount nbd:d.qcow2:20
}

testUmountKilledAnywhere() {
	image i.qcow2
	rounds=0
	before() {
		is_mounted || bdev mount nbd:i.qcow2 "$HERE/m"
		rounds=$((rounds + 1))
		echo $rounds >m/written
	}
	check() {
		! is_mounted || return 0
		bdev doctor --fix
		same "doctor after an umount killed at call $swept: $out$err" 0 "$status"
		eventually nothing_left || fail "left after call $swept: $(left)"
	}
	sweep umount "$HERE/m"
	[ $kills -gt 2 ] || fail "kills: $kills"
	assert_nothing_left
	assert_clean i.qcow2
	mounted nbd:i.qcow2,ro
	same 'what was written last' $rounds "$(cat m/written)"
	umounted
}

# --- plan and status ---

testPlanSaysTheTransportAndWhyAndChangesNothing() {
	container c1 "nbd:$HERE/i.qcow2"
	image i.qcow2
	before=$(sha256sum i.qcow2)
	bdev plan -P "$LXCPATH" -n c1
	assert_status 0
	plan=$out
	assert_nothing_left
	same 'the image' "$before" "$(sha256sum i.qcow2)"
	contains "$plan" "mount '$HERE/i.qcow2', qcow2, read-write, cache "
	mounted nbd:i.qcow2
	case $(transport) in
	netlink) contains "$plan" 'served by qemu-nbd on an nbd device' ;;
	ioctl) contains "$plan" 'served by qemu-nbd on an nbd device by ioctl' ;;
	fuse) contains "$plan" 'served by qemu-nbd through FUSE on a loop device (' ;;
	esac
	umounted
}

# By its backend identifier; a kernel without these is not used by netlink.
testDeviceConnectedByNetlinkCanBeFoundAgain() {
	image i.qcow2
	mounted nbd:i.qcow2
	[ "$(transport)" != netlink ] ||
		same 'backend' "$(record nbd 2)" "$(cat "/sys/block/$(basename "$(findmnt -no SOURCE m)")/backend")"
	umounted
}

testTransportFuseIsTakenWhereverItIsSaid() {
	image i.qcow2
	mounted nbd:i.qcow2,transport=fuse
	same fuse "$(transport)"
	echo new >m/new
	umounted
	assert_clean i.qcow2
}

testStatusShowsTheImageItsLockItsDeviceAndItsServer() {
	image i.qcow2
	mounted nbd:i.qcow2
	bdev status
	contains "$out" "$HERE/m  mounted"
	contains "$out" "nbd:i.qcow2  locked rw  $(findmnt -no SOURCE m)  served by qemu-nbd "
	bdev status --json
	same "mounted $HERE/i.qcow2 rw $(findmnt -no SOURCE m) $(server qemu)" "$(printf '%s' "$out" | jq -r \
		'.[0] | [.state, .stack[0].image, .stack[0].lock, .stack[0].device, .stack[0].server] | join(" ")')"
	umounted
}
