#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# What people write wrong: configs and specs, read through `lxc-bdev plan`, and disks that do not play along.
# shellcheck source=tests/lib.sh
. "$(dirname -- "$0")/lib.sh"

setUpEach() {
	dir=$LXCPATH/c1 config=$LXCPATH/c1/config
	mkdir -p "$dir/rootfs" "$dir/lower" m
	# The lines that a plan needs; what a test adds begins at line 3.
	printf 'lxc.monitor.unshare = 1\nlxc.rootfs.path = dir:%s\n' "$dir/rootfs" >"$config"
}

# plan [LINE...] - of c1 with these lines added to its config
plan() {
	[ $# -eq 0 ] || printf '%s\n' "$@" >>"$config"
	bdev plan -P "$LXCPATH" -n c1
}

# assert_specs SPEC... - the plan has exactly these
assert_specs() {
	assert_status 0
	assertEquals "$(printf '%s\n' "$@")" "$(printf '%s\n' "$out" | sed -n 's/^		from: \(.*\) (.*/\1/p')"
}

# assert_refused TEXT... - in one line
assert_refused() {
	assert_status 1
	assertEquals 'stdout' '' "$out"
	assert_one_line "$@"
}

# assert_malformed TEXT... - in one line, as wrong usage
assert_malformed() {
	assert_status 2
	assertEquals 'stdout' '' "$out"
	assert_one_line "$@"
}

# The last error has TEXT in it; assertContains cannot tell of a backslash.
says() {
	case $err in *"$1"*) ;; *) return 1 ;; esac
}

# --- lines ---

testLinesAreReadAsLxcReadsThem() {
	plan '# a comment' '' '	 ' '  # another' '  bdev.rootfs	=  dir:lower,ro  ' 'bdev.rootfs=overlay:up' 'lxc.unknown = 1' \
		'other.key = 2' 'no equals sign'
	assert_specs dir:lower,ro overlay:up
	assertContains "$out" "($config:7: bdev.rootfs)"
}

testQuotesAroundAValue() {
	plan 'bdev.rootfs = "dir:lower,ro"' "bdev.rootfs = 'overlay:up'"
	assert_specs dir:lower,ro overlay:up
}

testNoNewlineAtTheEnd() {
	printf 'bdev.rootfs = dir:lower' >>"$config"
	plan
	assert_specs dir:lower
}

testEmptyValueClearsTheList() {
	plan 'bdev.rootfs = loop:gone' 'bdev.rootfs = nonsense:gone' 'bdev.rootfs =' 'bdev.rootfs = dir:lower'
	assert_specs dir:lower
	plan 'bdev.rootfs = ""'
	assert_refused "$config: no bdev.rootfs in it"
}

testNoSpecs() {
	plan
	assert_refused "$config: no bdev.rootfs in it"
}

testCrlfIsNamed() {
	printf 'bdev.rootfs = dir:lower\r\n' >>"$config"
	plan
	assert_malformed "$config:3: bdev.rootfs:" 'CRLF'
}

testNulByteIsNamed() {
	printf '# one\nbdev.rootfs = dir:lo\000wer\n' >>"$config"
	plan
	assert_malformed "$config:4: NUL byte"
}

testControlCharactersAreRefusedAndNotPrinted() {
	printf 'bdev.rootfs = dir:lo\033[31mwer\n' >>"$config"
	plan
	assert_malformed "$config:3: bdev.rootfs: 'dir:lo?[31mwer': control character"
	printf '%s' "$err" | grep -q "$(printf '\033')"
	assertEquals 'an escape sequence reached the terminal' 1 $?
}

testLongComment() {
	{
		printf '#'
		head -c 1000000 /dev/zero | tr '\0' x
		printf '\nbdev.rootfs = dir:lower\n'
	} >>"$config"
	plan
	assert_specs dir:lower
}

testLongValueGivesOneClearLine() {
	{
		printf 'bdev.rootfs = dir:'
		head -c 1000000 /dev/zero | tr '\0' x
		echo
	} >>"$config"
	plan
	assert_malformed "$config:3: bdev.rootfs: 'dir:xxx" 'longer than 65536 bytes'
	assertTrue "the line is short: ${#err}" "[ ${#err} -lt 2048 ]"
}

testLongNameGivesOneClearLine() {
	plan "bdev.rootfs = dir:$(printf '%05000d' 0)"
	assert_refused "$config:3: bdev.rootfs:" 'File name too long'
}

testManyLines() {
	seq -f 'lxc.environment = A%.0f=1' 20000 >>"$config"
	plan 'bdev.rootfs = dir:lower'
	assertContains "$out" "$config:20003: bdev.rootfs"
}

testUnknownKeyIsRefusedByName() {
	for key in bdev.rootf bdev.rootfss bdev.rootfs.path bdev. bdev.ROOTFS; do
		: >"$config"
		plan "$key = dir:lower"
		assert_malformed "$config:1: $key: unknown key"
	done
}

testBdevLineWithoutEqualsSign() {
	plan 'bdev.rootfs dir:lower'
	assert_malformed "$config:3: 'bdev.rootfs dir:lower': no '=' in the line"
}

testConfigThatIsNoFile() {
	rm "$config"
	plan
	assert_refused "config '$config'" 'No such file or directory'
	mkfifo "$config"
	run timeout 60 "$LXC_BDEV" plan -P "$LXCPATH" -n c1
	assert_refused "config '$config': not a regular file"
	rm "$config" && mkdir "$config"
	plan
	assert_refused "config '$config'"
	rmdir "$config" && ln -s config "$config"
	plan
	assert_refused "config '$config'" 'Too many levels of symbolic links'
}

testHugeConfigIsRefused() {
	truncate -s 17M "$config"
	plan
	assert_refused "config '$config': larger than 16 MiB"
}

testFileOption() {
	cp "$config" "$dir/other.conf"
	echo 'bdev.rootfs = dir:lower' >>"$dir/other.conf"
	bdev plan -n c1 -f "$dir/other.conf"
	assert_specs dir:lower
	cd "$dir" || return
	bdev plan -n c1 -f other.conf
	assert_specs dir:lower
}

testNoRootfsPath() {
	sed -i /rootfs.path/d "$config"
	plan 'bdev.rootfs = dir:lower'
	assert_refused "$config: missing lxc.rootfs.path"
}

testMonitorMustBeUnshared() {
	plan 'bdev.rootfs = dir:lower' "lxc.include = $(bdev_conf)" 'lxc.monitor.unshare = 0'
	assert_refused "$config: lxc.monitor.unshare is not 1"
}

testAClearedHookIsSaid() {
	for hook in pre-start post-stop clone destroy; do
		printf 'lxc.rootfs.path = dir:%s\nlxc.include = %s\nlxc.hook.%s =\n' "$dir/rootfs" "$(bdev_conf)" "$hook" >"$config"
		plan 'bdev.rootfs = dir:lower'
		assert_refused "$config:3: lxc.hook.$hook: " 'removes the hook of bdev.conf' 'before the lxc.include'
	done
}

testAHookClearedBeforeTheIncludeIsNoFault() {
	plan 'lxc.hook.pre-start =' "lxc.include = $(bdev_conf)" 'lxc.hook.mount =' 'bdev.rootfs = dir:lower'
	assert_specs dir:lower
}

testBdevConfIncludedTwiceIsNoFault() {
	plan "lxc.include = $(bdev_conf)" "lxc.include = $(bdev_conf)" 'bdev.rootfs = dir:lower'
	assert_specs dir:lower
}

testForgottenIncludeIsSaid() {
	plan 'bdev.rootfs = dir:lower' 'lxc.monitor.unshare = 0'
	assert_refused "$config: missing lxc.include of bdev.conf"
}

testMissingRootfsPathIsSaidByPlan() {
	plan 'bdev.rootfs = dir:lower' 'lxc.rootfs.path = dir:/nowhere'
	assert_refused "$config: lxc.rootfs.path '/nowhere'" 'make an empty directory'
}

# mapped SPEC - plan it as the root of a container whose ids the kernel is to map
mapped() {
	plan 'lxc.idmap = u 0 100000 65536' 'lxc.idmap = g 0 100000 65536' 'lxc.rootfs.options = idmap=container' \
		'bdev.rootfs =' "bdev.rootfs = $1"
}

testMappedIdsOnAFileSystemThatCannotMapThem() {
	mkdir up work merged
	mount -t overlay -o "lowerdir=$dir/lower,upperdir=$HERE/up,workdir=$HERE/work" none merged
	mapped "dir:$HERE/merged"
	umount merged
	assert_refused "'dir:$HERE/merged': no kernel maps the ids of overlay" 'remove idmap='
	mapped 'dir:lower'
	assert_specs dir:lower
}

testCrlfInAnIncludeLineIsSaid() {
	plan "$(printf 'lxc.include = /x\r')" 'bdev.rootfs = dir:lower'
	assert_malformed 'lxc.include: carriage return' 'CRLF'
}

testABaseThatWouldBeStartedWritableIsRefusedWithTheNamesOfItsClones() {
	mkdir "$LXCPATH/c2" "$LXCPATH/c3"
	printf '%s\n' "$LXCPATH" c2 "$LXCPATH" gone "$LXCPATH" c3 >"$dir/lxc_snapshots"
	plan 'bdev.rootfs = dir:lower'
	assert_refused "container 'c1' has linked clones" "'$LXCPATH/c2', '$LXCPATH/c3'; destroy them first"
	sed -i 's/dir:lower$/dir:lower,ro/' "$config"
	plan
	assert_specs dir:lower,ro
}

# --- includes ---

testIncludedFile() {
	echo 'bdev.rootfs = overlay:up' >more.conf
	plan 'bdev.rootfs = dir:lower,ro' "lxc.include = $HERE/more.conf"
	assert_specs dir:lower,ro overlay:up
	assertContains "$out" "($HERE/more.conf:1: bdev.rootfs)"
}

testIncludedDirectory() {
	mkdir conf.d
	echo 'bdev.rootfs = overlay:up' >conf.d/2.conf
	echo 'bdev.rootfs = dir:lower,ro' >conf.d/1.conf
	for name in not.a.conf.bak .hidden.conf conf; do
		echo 'bdev.rootfs = nonsense' >"conf.d/$name"
	done
	plan "lxc.include = $HERE/conf.d"
	assert_specs dir:lower,ro overlay:up
}

testEmptyIncludedDirectory() {
	mkdir conf.d
	plan "lxc.include = $HERE/conf.d" 'bdev.rootfs = dir:lower'
	assert_specs dir:lower
}

testNestedIncludes() {
	echo 'bdev.rootfs = dir:lower,ro' >one
	printf 'lxc.include = %s\nbdev.rootfs = overlay:up\n' "$HERE/one" >two
	plan "lxc.include = $HERE/two"
	assert_specs dir:lower,ro overlay:up
}

testIncludeLoopIsBounded() {
	plan "lxc.include = $config"
	assert_refused "$config:3: lxc.include: '$config' is nested deeper than 16 files"
	mkdir conf.d
	echo "lxc.include = $HERE/conf.d" >conf.d/1.conf
	cp conf.d/1.conf conf.d/2.conf
	sed -i '$d' "$config"
	plan "lxc.include = $HERE/conf.d"
	assert_refused "lxc.include: '$HERE/conf.d' is nested deeper than 16 files"
}

testMissingIncludeIsNamed() {
	plan "lxc.include = $HERE/gone"
	assert_refused "$config:3: lxc.include: '$HERE/gone'" 'No such file or directory'
}

testErrorInAnIncludedFileNamesThatFile() {
	printf '\n\nbdev.rootfs = nonsense:x\n' >more.conf
	plan "lxc.include = $HERE/more.conf"
	assert_malformed "$HERE/more.conf:3: bdev.rootfs: 'nonsense:x': unknown type 'nonsense'"
}

testStockIncludesAreRead() {
	[ -d "$LXC_COMMON" ] || skip 'the configs of LXC'
	plan "lxc.include = $LXC_COMMON/common.conf" 'bdev.rootfs = dir:lower'
	assert_specs dir:lower
}

# --- specs ---

# What the text alone shows to be wrong is wrong usage; what is found on the host has failed.
testEverySpecErrorNamesFileLineKeyAndReason() {
	cp "$config" "$HERE/good"
	while IFS='|' read -r spec reason; do
		wanted=2
		case $spec in dir:gone | dir:config | loop:lower | loop:config) wanted=1 ;; esac
		cp "$HERE/good" "$config"
		plan "bdev.rootfs = $spec"
		assert_status "$wanted"
		assertEquals 'stdout' '' "$out"
		assert_one_line "$config:3: bdev.rootfs: " "$reason"
		says "$spec"
		assertTrue "the spec as written: $err" $?
	done <<-'END'
		dir|not of the form TYPE:SOURCE
		:|not of the form TYPE:SOURCE
		:lower|not of the form TYPE:SOURCE
		dir,ro|not of the form TYPE:SOURCE
		/srv/root|not of the form TYPE:SOURCE
		dir:|empty source
		dir:,ro|empty source
		overlay:a::b|empty path between ':'
		overlay:a:|empty path between ':'
		overlay::a|empty path between ':'
		dir:lower,|empty option between ','
		dir:lower,,ro|empty option between ','
		dir:lower,=1|empty option
		dir:lower,ro=1|option 'ro' takes no value
		dir:a\b|can only escape
		dir:a\|can only escape
		d\ir:a|not of the form TYPE:SOURCE
		dir:lower,nosuch|unknown option 'nosuch' for dir
		dir:lower,nosuch=x|unknown option 'nosuch' for dir
		dir:lower,RO|unknown option 'RO' for dir
		dir:lower,ro,rw|unknown option 'rw' for dir
		dir:lower,size=1|unknown option 'size' for dir
		nonsense:lower|unknown type 'nonsense'
		DIR:lower|unknown type 'DIR'
		di:lower|unknown type 'di'
		dirx:lower|unknown type 'dirx'
		overlayf:lower|unknown type 'overlayf'
		loop:x,offset=1,offset=2|option 'offset' is given twice
		loop:x,offset|option 'offset' needs a value
		loop:x,offset=|option 'offset' needs a value
		loop:x,discard=on|option 'discard' takes no value
		dir:a:b|one directory only
		dir:gone|'gone': No such file or directory
		dir:config|'config': Not a directory
		loop:lower|not a regular file
		loop:config|holds no file system
	END
}

testEscapes() {
	mkdir "$dir/a:b,c d\\e" "$dir/ lead"
	plan 'bdev.rootfs = dir:a\:b\,c\ d\\e'
	assert_specs 'dir:a\:b\,c\ d\\e'
	assertEquals "bind 'a:b,c d\\e'" "$(printf '%s\n' "$out" | sed -n 's/^1.*	//p')"
	plan 'bdev.rootfs =' 'bdev.rootfs = dir:\ lead'
	assertContains "$out" "bind ' lead'"
	plan 'bdev.rootfs =' 'bdev.rootfs = dir:a\:b\,c d\\e'
	assert_status 0 # a blank needs no escape
}

testRelativeIsFromTheContainersDirectoryAbsoluteFromTheHosts() {
	mkdir lower && chmod 0700 lower
	cd / || return
	plan 'bdev.rootfs = dir:lower,ro' "bdev.rootfs = overlay:$HERE/lower:up"
	assert_specs dir:lower,ro "overlay:$HERE/lower:up"
	plan "bdev.rootfs =" "bdev.rootfs = dir:$HERE/gone"
	assert_refused "'$HERE/gone': No such file or directory"
}

testTwoRootsAreRefused() {
	mkdir "$dir/b"
	plan 'bdev.rootfs = dir:lower' 'bdev.rootfs = dir:b'
	assert_refused "$config:4: bdev.rootfs: 'dir:b': would hide 'dir:lower' below it"
}

# --- disks ---

testWrongFileSystemIsNamed() {
	make_image "$dir/image" ext4 8 "$dir/lower"
	plan 'bdev.rootfs = loop:image,fstype=btrfs'
	assert_refused "$config:3: bdev.rootfs: 'loop:image,fstype=btrfs': image 'image' holds ext4, not btrfs"
}

testFullDiskIsNamed() {
	mkdir disk lower
	mount -t tmpfs -o nr_inodes=2 tmpfs disk
	mkdir disk/up
	bdev mount dir:lower,ro "overlay:$HERE/disk/up" m
	assert_refused "'$HERE/disk/up.work'" 'No space left on device'
	assertTrue 'no record is left' no_journals
	# Room for our directory, not for the kernel's in it.
	mount -o remount,nr_inodes=3 disk
	bdev mount dir:lower,ro "overlay:$HERE/disk/up" m
	assert_refused "'$HERE/disk/up.work'"
	mount -o remount,nr_inodes=9 disk
	bdev mount dir:lower,ro "overlay:$HERE/disk/up" m
	assert_status 0
	bdev umount m
	umount disk
}

testFullRunDirectoryIsNamed() {
	mkdir lower
	mount -t tmpfs -o mode=0700,size=4k,nr_inodes=1 tmpfs /run/lxc-bdev
	bdev mount dir:lower m
	assert_refused /run/lxc-bdev 'No space left on device'
	mount -o remount,nr_inodes=2 /run/lxc-bdev
	bdev mount dir:lower m
	assert_refused /run/lxc-bdev 'No space left on device'
	assertEquals 'mounts' '' "$(mounts_here)"
	umount /run/lxc-bdev
}

testReadOnlyDisk() {
	make_image "$dir/image" ext4 8 "$dir/lower"
	mkdir disk && cp "$dir/image" disk
	mount --bind disk disk && mount -o remount,bind,ro disk
	bdev mount "loop:$HERE/disk/image" m
	assert_status 1
	assert_one_line "'$HERE/disk/image' lies on a read-only file system; add ,ro"
	bdev mount "loop:$HERE/disk/image,ro" m
	assert_status 0
	bdev umount m
	bdev mount "dir:$HERE/disk" m
	assert_status 0
	run touch m/x
	assertContains "$err" 'Read-only file system'
	bdev umount m
	umount disk
}

testReadOnlyRunDirectoryIsNamed() {
	mkdir lower
	mount -t tmpfs -o mode=0700,ro tmpfs /run/lxc-bdev
	bdev mount dir:lower m
	assert_refused /run/lxc-bdev 'Read-only file system'
	umount /run/lxc-bdev
}

testRunDirectoryOfOthersIsRefused() {
	mkdir lower
	mount -t tmpfs -o mode=0777 tmpfs /run/lxc-bdev
	bdev mount dir:lower m
	assert_refused "'/run/lxc-bdev' must belong to uid 0 alone, mode 0700"
	umount /run/lxc-bdev
}

# shellcheck source=/dev/null
. shunit2
