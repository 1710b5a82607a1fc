#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# lxc-create -t bdev: each store and each source, bad input, and what a failure or a signal leaves.
# shellcheck source=tests/lib.sh
. "$(dirname -- "$0")/lib.sh"

# Install the template in $HERE, with LXC's config files under the names by which it includes them.
setUpEach() {
	bdev_conf >/dev/null
	for _conf in common userns; do
		printf 'lxc.include = %s/%s.conf\n' "$LXC_COMMON" "$_conf" >"$HERE/$_conf.conf"
	done
	install_template "$HERE/lxc-bdev" "$HERE"
	printf '%s\n' "$CONTAINER_CONF" >conf
}

# create NAME [ARGUMENT...]
create() {
	_name=$1
	shift
	run lxc-create -P "$LXCPATH" -n "$_name" -f "$HERE/conf" -t "$HERE/lxc-bdev" -- "$@"
}

# by_hand NAME [ARGUMENT...] - run the template as lxc-create does, which would itself remove what a failure leaves.
by_hand() {
	_name=$1
	shift
	mkdir -p "$LXCPATH/$_name/rootfs"
	printf 'lxc.rootfs.path = dir:%s\n' "$LXCPATH/$_name/rootfs" >"$LXCPATH/$_name/config"
	run "$HERE/lxc-bdev" "--path=$LXCPATH/$_name" "--name=$_name" "--rootfs=$LXCPATH/$_name/rootfs" "$@"
}

# The root of all tests, packed once, with owners, modes and attributes that tar must be told to keep.
tarball() {
	[ -f "$SCRATCH/root.tar" ] || {
		cp -a "$(shared_root)" "$SCRATCH/packed" &&
			echo owned >"$SCRATCH/packed/etc/owned" &&
			chown 4711:4712 "$SCRATCH/packed/etc/owned" &&
			setfattr -n user.note -v kept "$SCRATCH/packed/etc/owned" &&
			setfattr -n trusted.note -v kept "$SCRATCH/packed/etc/owned" &&
			setfacl -m u:4713:r "$SCRATCH/packed/etc/owned" &&
			chmod 04755 "$SCRATCH/packed/bin/busybox" &&
			tar --xattrs --xattrs-include='*' --acls --numeric-owner -C "$SCRATCH/packed" -cf "$SCRATCH/root.tar" .
	}
	printf '%s\n' "$SCRATCH/root.tar"
}

# assert_specs NAME SPEC... - the config has exactly these bdev.rootfs lines.
assert_specs() {
	_config=$LXCPATH/$1/config
	shift
	assertEquals 'specs' "$(printf '%s\n' "$@")" "$(sed -n 's/^bdev\.rootfs = //p' "$_config")"
}

# boots NAME [FILE] - the new container starts at once, has FILE, keeps what is written to it, and lxc-destroy removes all of it.
boots() {
	assert_status 0
	assertEquals 'the place to mount it is empty' '' "$(ls -A "$LXCPATH/$1/rootfs")"
	assertTrue 'nothing of the creation is left' nothing_left
	start "$1"
	assert_status 0
	inside "$1" /bin/cat "${2-/etc/marker}"
	assert_status 0
	inside "$1" /bin/sh -c 'echo new >/root/new'
	assert_status 0
	stop "$1"
	start "$1"
	inside "$1" /bin/cat /root/new
	assertEquals new "$out"
	stop "$1"
	run lxc-destroy -P "$LXCPATH" -n "$1"
	assert_status 0
	assertFalse 'all of it is gone' "[ -e '$LXCPATH/$1' ]"
	assert_nothing_left
}

# assert_failed TEXT... - the creation failed with one line of the template's, and the container's directory is gone.
assert_failed() {
	assertNotEquals 'exit status' 0 "$status"
	grep -v '^lxc-create: ' "$SCRATCH/stderr" >"$SCRATCH/ours"
	err=$(cat "$SCRATCH/ours")
	cp "$SCRATCH/ours" "$SCRATCH/stderr"
	assert_one_line 'lxc-bdev: ' "$@"
	assertEquals 'left in lxcpath' '' "$(find "$LXCPATH/" -mindepth 1 -maxdepth 1 ! -name '*.log')"
	assertTrue "left behind: $(left)" nothing_left
}

# --- stores ---

testTheDefaultIsAnExt4ImageOf2G() {
	create c1 --tarball "$(tarball)"
	assert_specs c1 loop:rootfs.img
	assertEquals ext4 "$(blkid -p -o value -s TYPE "$LXCPATH/c1/rootfs.img")"
	assertEquals 2147483648 "$(stat -c %s "$LXCPATH/c1/rootfs.img")"
	assertEquals 'only root can read it' 600 "$(stat -c %a "$LXCPATH/c1/rootfs.img")"
	assertTrue 'it is sparse' "[ $(stat -c %b "$LXCPATH/c1/rootfs.img") -lt 32768 ]"
	boots c1
}

testXfs() {
	create c1 --store loop,fstype=xfs,size=300m --tarball "$(tarball)"
	assertEquals xfs "$(blkid -p -o value -s TYPE "$LXCPATH/c1/rootfs.img")"
	boots c1
}

testBtrfs() {
	create c1 --store loop,size=200M,fstype=btrfs --tarball "$(tarball)"
	assertEquals btrfs "$(blkid -p -o value -s TYPE "$LXCPATH/c1/rootfs.img")"
	boots c1
}

testOptionsOfTheTypeGoIntoTheConfig() {
	create c1 --store loop,discard,size=64M --tarball "$(tarball)"
	assert_specs c1 loop:rootfs.img,discard
	boots c1
}

testNbdIsQcow2() {
	create c1 --store nbd,size=200M --tarball "$(tarball)"
	assert_specs c1 nbd:rootfs.qcow2
	assertContains "$(qemu-img info "$LXCPATH/c1/rootfs.qcow2")" 'file format: qcow2'
	assertFalse 'no other image is left' "[ -e '$LXCPATH/c1/filesystem' ]"
	boots c1
}

testNbdInEachFormat() {
	for _format in raw vdi vmdk vhdx vpc qed; do
		create "$_format" --store "nbd,size=100M,format=$_format" --tarball "$(tarball)"
		assert_status 0
		assert_specs "$_format" "nbd:rootfs.$_format"
		start "$_format"
		inside "$_format" /bin/cat /etc/marker
		assertEquals "$_format" base "$out"
		stop "$_format"
		run lxc-destroy -P "$LXCPATH" -n "$_format"
	done
	assert_nothing_left
}

testDir() {
	create c1 --store dir --tarball "$(tarball)"
	assert_specs c1 dir:root
	boots c1
}

testOverlayKeepsItsLowerAsItIs() {
	create c1 --store overlay --tarball "$(tarball)"
	assert_specs c1 dir:base,ro overlay:delta0
	start c1
	inside c1 /bin/sh -c 'echo new >/root/new'
	assertFalse 'not in the lower' "[ -e '$LXCPATH/c1/base/root/new' ]"
	assertTrue 'in the upper' "[ -e '$LXCPATH/c1/delta0/root/new' ]"
	stop c1
	boots c1
}

testAufsIsRefusedInOneLineWhereThereIsNone() {
	if grep -qw aufs /proc/filesystems; then
		create c1 --store aufs --tarball "$(tarball)"
		boots c1
		return
	fi
	create c1 --store aufs --tarball "$(tarball)"
	assert_failed "--store 'aufs': this kernel has no aufs" 'lxc-bdev convert'
	mkdir base
	create c1 --store aufs --base "$HERE/base"
	assert_failed "--store 'aufs': this kernel has no aufs"
}

testOptionsInAnyOrder() {
	create c1 "--tarball=$(tarball)" --store=dir
	boots c1
	by_hand c1 --store dir --tarball "$(tarball)"
	assert_status 0
	rm -r "$LXCPATH/c1"
	mkdir -p "$LXCPATH/c1/rootfs"
	run "$HERE/lxc-bdev" --tarball "$(tarball)" --name c1 --rootfs "$LXCPATH/c1/rootfs" --store dir -p "$LXCPATH/c1"
	assert_status 0
	assert_specs c1 dir:root
}

testOddNames() {
	for _odd in 'a b' 'a:b,c' 'a\b' 'ü#1' '*$HOME'; do
		create "$_odd" --store loop,size=64M --tarball "$(tarball)"
		boots "$_odd"
	done
}

testAConfigThatIncludesBdevConfDoesNotGetItTwice() {
	printf 'lxc.include = %s/bdev.conf\n' "$HERE" >>conf
	create c1 --store dir --tarball "$(tarball)"
	assertEquals 1 "$(grep -c 'lxc.include.*/bdev\.conf' "$LXCPATH/c1/config")"
	boots c1
}

testAConfigThatIncludesBdevConfByAnotherFileDoesNotGetItTwice() {
	printf 'lxc.include = %s/bdev.conf\n' "$HERE" >site.conf
	printf 'lxc.include = %s/site.conf\n' "$HERE" >>conf
	create c1 --store dir --tarball "$(tarball)"
	assertEquals 0 "$(grep -c 'lxc.include.*/bdev\.conf' "$LXCPATH/c1/config")"
	boots c1
}

# --- templates of LXC's ---

busybox() {
	unblank
	create c1 --store "$1" --template busybox
	assertContains 'what the template wrote is kept' "$(cat "$LXCPATH/c1/config")" 'lxc.signal.halt = SIGUSR1'
	boots c1 /etc/passwd
}

testBusyboxOnLoop() { busybox loop; }
testBusyboxOnXfs() { busybox loop,size=300M,fstype=xfs; }
testBusyboxOnNbd() { busybox nbd; }
testBusyboxOnDir() { busybox dir; }
testBusyboxOnOverlay() { busybox overlay; }

# It rewrites the config, as the template that downloads images does.
testTheLocalTemplate() {
	unblank
	mkdir meta
	echo 'lxc.include = LXC_TEMPLATE_CONFIG/common.conf' >meta/config
	tar -cJf meta.tar.xz -C meta .
	xz -1 -c <"$(tarball)" >root.tar.xz
	create c1 --template local --store nbd,size=64M -- --metadata "$HERE/meta.tar.xz" --fstree "$HERE/root.tar.xz"
	assert_specs c1 nbd:rootfs.qcow2
	boots c1
}

inner() { # COMMAND... - a template of ours
	printf '#!/bin/sh\n%s\n' "$1" >"$HERE/inner" && chmod +x "$HERE/inner"
}

testArgumentsBehindTwoDashesAreTheTemplates() {
	inner 'printf "<%s>\n" "$@" >"$HERE/arguments"; touch "${3#--rootfs=}/x"; cat >"$HERE/stdin"'
	export HERE
	echo answer >answer
	create c1 --store dir --template "$HERE/inner" -- --store 'a b' -- '' <answer
	assert_status 0
	assertEquals "<--path=$LXCPATH/c1>
<--name=c1>
<--rootfs=$LXCPATH/c1/rootfs>
<--store>
<a b>
<-->
<>" "$(cat arguments)"
}

testATemplateThatFails() {
	inner 'echo "lxc.uts.name = x" >>"${1#--path=}/config"; echo no luck >&2; sleep 1000 & exit 7'
	create c1 --template "$HERE/inner" --store loop,size=64M
	grep -v '^no luck$' "$SCRATCH/stderr" >"$SCRATCH/rest"
	cp "$SCRATCH/rest" "$SCRATCH/stderr"
	assert_failed --template "$HERE/inner" 7
	by_hand c1 --template "$HERE/inner" --store loop,size=64M
	assert_status 1
	assertEquals 'the config is as it was' "lxc.rootfs.path = dir:$LXCPATH/c1/rootfs" "$(cat "$LXCPATH/c1/config")"
	assertEquals "$(printf 'config\nrootfs')" "$(ls -A "$LXCPATH/c1")"
	assertTrue 'nothing is left' nothing_left
}

# What an inner template has mounted, as a cache of packages, does not belong to the container.
testWhatATemplateThatFailsHasMountedIsNotDeleted() {
	mkdir precious
	echo precious >precious/file
	inner 'mkdir "${3#--rootfs=}/mnt"; mount --bind "'"$HERE"'/precious" "${3#--rootfs=}/mnt"; exit 7'
	for _store in dir overlay loop,size=64M; do
		by_hand c1 --template "$HERE/inner" --store $_store
		assert_status 1
		assertEquals "$_store" precious "$(cat precious/file)"
		rm -rf --one-file-system "${LXCPATH:?}/c1"
		echo precious >precious/file
	done
	# The image's mount ended with the template's mount namespace; its record is for doctor.
	bdev doctor --fix
	assertTrue nothing_left
}

testATemplateThatLeavesAProcessBehind() {
	inner 'touch "${3#--rootfs=}/x"; cd "${3#--rootfs=}"; sleep 1000 >/dev/null 2>&1 & exit 0'
	create c1 --template "$HERE/inner" --store loop,size=64M
	assert_status 0
	assertTrue 'nothing is left' nothing_left
}

testATemplateThatLeavesAProcessInAMountNamespaceOfItsOwn() {
	inner 'touch "${3#--rootfs=}/x"; setsid unshare --mount sh -c "umount /proc; exec sleep 1000" >/dev/null 2>&1 & exit '"\$(cat '$HERE/code')"
	for _code in 0 7; do
		for _store in loop,size=64M dir; do
			echo "$_code" >code
			create c1 --template "$HERE/inner" --store "$_store"
			assert_status $((_code != 0))
			assertTrue "nothing of $_store is left" nothing_left
			assertNull "$_store" "$(pgrep -f '^sleep 1000$')"
			[ "$_code" -ne 0 ] || lxc-destroy -P "$LXCPATH" -n c1
		done
	done
}

testAProcOfAnotherPidNamespaceIsRefused() {
	inner 'touch "${3#--rootfs=}/x"'
	run unshare --pid --fork lxc-create -P "$LXCPATH" -n c1 -f "$HERE/conf" -t "$HERE/lxc-bdev" -- --template "$HERE/inner"
	assertNotEquals 0 "$status"
	assertContains "$err$out" "/proc is another pid namespace's"
}

testATemplateThatFillsNothingIsRefused() {
	inner :
	create c1 --template "$HERE/inner" --store loop,size=64M
	assert_failed empty
}

testATemplateThatMovesTheRoot() {
	inner 'touch "${3#--rootfs=}/x"; echo "lxc.rootfs.path = dir:/elsewhere" >>"${1#--path=}/config"'
	create c1 --template "$HERE/inner" --store dir
	assert_failed --template /elsewhere
}

# --- tarballs ---

testATarballKeepsOwnersModesAndAttributes() {
	for _store in dir loop,size=64M; do
		create c1 --store "$_store" --tarball "$(tarball)"
		start c1
		_root=/proc/$(lxc info c1 -pH)/root
		assertEquals '4711 4712' "$(stat -c '%u %g' "$_root/etc/owned")"
		assertEquals 4755 "$(stat -c %a "$_root/bin/busybox")"
		assertEquals kept "$(getfattr --absolute-names -n user.note --only-values "$_root/etc/owned")"
		assertEquals kept "$(getfattr --absolute-names -n trusted.note --only-values "$_root/etc/owned")"
		assertContains "$(getfacl -np "$_root/etc/owned")" user:4713:r
		stop c1
		lxc-destroy -P "$LXCPATH" -n c1
	done
}

testCompressedTarballs() {
	for _program in gzip xz zstd bzip2; do
		"$_program" -1 -c <"$(tarball)" >"$HERE/packed"
		create c1 --store dir --tarball "$HERE/packed"
		assert_status 0
		assertTrue "$_program" "[ -f '$LXCPATH/c1/root/etc/marker' ]"
		lxc-destroy -P "$LXCPATH" -n c1
	done
}

testARelativeTarball() {
	cp "$(tarball)" ./-t.tar
	create c1 --store dir --tarball -t.tar
	boots c1
}

testAFullDiskLeavesNothing() {
	mkdir big
	head -c 16M /dev/urandom >big/file
	tar -cf big.tar -C big .
	create c1 --store loop,size=8M --tarball "$HERE/big.tar"
	assert_failed --tarball 'No space left on device'
	create c1 --store nbd,size=8M --tarball "$HERE/big.tar"
	assert_failed --tarball 'No space left on device'
}

# --- images ---

testAnImageIsSharedReadOnly() {
	make_image "$HERE/a:b,c.img" ext4
	_before=$(cksum <"$HERE/a:b,c.img")
	create c1 --image "$HERE/a:b,c.img"
	create c2 --image "$HERE/a:b,c.img"
	assert_specs c1 "loop:$(printf '%s' "$HERE" | sed 's/[\\:,]/\\&/g')/a\\:b\\,c.img,ro" overlay:delta0
	start c1
	start c2
	assert_status 0
	stop c1
	stop c2
	boots c1
	boots c2
	assertEquals 'the image is untouched' "$_before" "$(cksum <"$HERE/a:b,c.img")"
}

testAnImageToWriteTo() {
	make_image image.img ext4
	create c1 --image image.img --store loop,rw
	assert_specs c1 "loop:$HERE/image.img"
	boots c1
	assertTrue 'the image stays' "[ -f '$HERE/image.img' ]"
	create c1 --image image.img --store loop,ro
	start c1
	inside c1 /bin/cat /root/new
	assertEquals 'it was written to' new "$out"
	stop c1
}

testACopyOfAnImage() {
	make_image image.raw ext4
	_before=$(cksum <image.raw)
	create c1 --image image.raw --copy
	assert_specs c1 loop:rootfs.raw
	boots c1
	assertEquals 'the image is untouched' "$_before" "$(cksum <image.raw)"
	create c1 --copy --image image.raw --store loop,ro
	assert_specs c1 loop:rootfs.raw,ro overlay:delta0
	boots c1
}

testQcow2() {
	make_image image.img ext4
	qemu-img convert -f raw -O qcow2 image.img image.qcow2
	create c1 --image image.qcow2
	assert_specs c1 "nbd:$HERE/image.qcow2,ro" overlay:delta0
	boots c1
	create c1 --image image.qcow2 --copy
	assert_specs c1 nbd:rootfs.qcow2
	boots c1
	mv image.qcow2 strange.name
	create c1 --image strange.name
	assert_failed --image strange.name
	create c1 --image strange.name --copy --store nbd,format=qcow2
	assert_specs c1 nbd:rootfs.name,format=qcow2
	boots c1
}

testAReadOnlyFileSystemHasAnOverlayAlsoAsACopy() {
	make_image image.sqfs squashfs
	create c1 --image image.sqfs
	boots c1
	create c1 --image image.sqfs --copy
	assert_specs c1 loop:rootfs.sqfs,ro overlay:delta0
	boots c1
	create c1 --image image.sqfs --store loop,rw
	assert_failed image.sqfs read-only
}

testAPartition() {
	truncate -s 80M disk.img
	printf 'label: gpt\nsize=8MiB\nsize=64MiB\n' | sfdisk -q disk.img
	mkfs.ext4 -q -d "$(shared_root)" -E offset=$((9 * 1024 * 1024)) disk.img 64M 2>/dev/null
	create c1 --image disk.img --store loop,partition=2
	assert_specs c1 "loop:$HERE/disk.img:2,ro" overlay:delta0
	boots c1
	create c1 --image disk.img --store nbd,partition=2 --copy
	assert_specs c1 nbd:rootfs.img:2
	boots c1
	create c1 --image disk.img
	assert_failed disk.img
}

testAFileOfZerosIsRefusedAsAnImage() {
	head -c 1M /dev/zero >image.img
	create c1 --image image.img
	assert_failed image.img
	create c1 --image image.img --copy
	assert_failed rootfs.img
}

# --- layers ---

testALayerIsFoundInTheContainersLxcpath() {
	"$LXC_BDEV" layer -P "$LXCPATH" apply base "$(tarball)" >/dev/null
	create c1 --layer base
	assert_status 0
	assert_specs c1 "layer:base,store=$LXCPATH/.bdev-layers" overlay:delta0
	create c2 --layer nosuch
	assert_status 1
	assertContains "$err" "--layer 'nosuch': there is no layer 'nosuch' in '$LXCPATH/.bdev-layers'"
}

# --- bases ---

testABaseDirectory() {
	create c1 --base "$(shared_root)"
	assert_specs c1 "dir:$(shared_root),ro" overlay:delta0
	boots c1
	assertFalse 'the base is untouched' "[ -e '$(shared_root)/root/new' ]"
}

testADirectoryOfImagesIsNotABase() {
	mkdir images
	truncate -s 1M images/a.qcow2
	create c1 --base "$HERE/images"
	assert_failed "--base '$HERE/images' is a directory of images, not a root file system" "--image '$HERE/images/a.qcow2'"
	rm images/a.qcow2
	make_image images/noextension ext4 8
	create c1 --base "$HERE/images"
	assert_failed 'is a directory of images' "--image '$HERE/images/noextension'"
	mkdir images/etc
	create c1 --base "$HERE/images"
	assert_status 0
}

testABaseContainer() {
	create base --store loop,size=64M --tarball "$(tarball)"
	create c1 --base base
	assert_specs c1 "container:$LXCPATH/base" overlay:delta0
	create c2 --base "$LXCPATH/base"
	start c1
	start c2
	assert_status 0
	stop c1
	stop c2
	boots c1
	boots c2
	boots base
}

# Created by hand, as LXC before 6.0 refuses the longer keys.
testTheEnvironmentOfABaseComesAlong() {
	by_hand base --store dir --tarball "$(tarball)"
	printf 'lxc.environment = A=1\nlxc.environment.runtime = B=2\nlxc.environment.hooks = C=3\n' >>"$LXCPATH/base/config"
	by_hand c1 --base base
	assert_status 0
	for _line in 'lxc.environment = A=1' 'lxc.environment.runtime = B=2' 'lxc.environment.hooks = C=3'; do
		assertContains "$(cat "$LXCPATH/c1/config")" "$_line"
	done
}

testABaseIsNeitherDestroyedNorWrittenToWhileItHasALinkedClone() {
	create base --store loop,size=64M --tarball "$(tarball)"
	create c1 --base base
	run lxc-destroy -P "$LXCPATH" -n base
	assertNotEquals 'not destroyed' 0 "$status"
	start base
	assertNotEquals 'not started' 0 "$status"
	assertContains "$(our_lines base pre-start)" "'base' has linked clones, which depend on what a start would write to: '$LXCPATH/c1'"
	run lxc-destroy -P "$LXCPATH" -n c1
	assert_status 0
	boots base
}

testUntilItsBaseKnowsAContainerItIsOneThatDoctorLists() {
	create base --store loop,size=64M --tarball "$(tarball)"
	run strace -f -s 300 -o trace -e trace=execve,unlink,unlinkat lxc-create -P "$LXCPATH" -n c1 -f "$HERE/conf" -t "$HERE/lxc-bdev" -- --base base
	assert_status 0
	assertEquals 'depend
rm' "$(sed -n 's/.*"depend", "--name".*/depend/p; s/.*unlink.*"[^"]*\.lxc-bdev\.cloning".*) = 0/rm/p' trace)"
}

testAContainerThatThePlanRefusesLeavesItsBaseFree() {
	create base --store loop,size=64M --tarball "$(tarball)"
	echo 'lxc.rootfs.options = subvol=x' >>conf
	create c1 --base base
	assertNotEquals 0 "$status"
	assertContains "$err" lxc.rootfs.options
	assertFalse '[ -e "$LXCPATH/c1" ]'
	start base
	assert_status 0
	stop base
}

# A message must not name the config or a file of the container: the failed creation has removed them.
testARefusalOfTheHelperNamesTheOption() {
	echo secret >elsewhere
	mkdir images
	qemu-img create -q -f qcow2 -b "$HERE/elsewhere" -F raw images/i.qcow2 8M
	for _copy in '' --copy; do
		# shellcheck disable=SC2086 # perhaps none
		create c1 --image images/i.qcow2 $_copy
		assert_failed "lxc-bdev: --image '$HERE/images/i.qcow2': image '" "names '$HERE/elsewhere' as its backing file"
		assertNotContains "$err" SPEC
	done
	create c1 --layer nosuch
	assert_failed "lxc-bdev: --layer 'nosuch': "
	assertNotContains "$err" config:
}

testAQcow2WithoutAFileSystemIsRefusedAtOnce() {
	qemu-img create -q -f qcow2 empty.qcow2 8M
	create c1 --image "$HERE/empty.qcow2"
	assertNotEquals 0 "$status"
	assertContains "$err" 'holds no file system'
	assertFalse '[ -e "$LXCPATH/c1" ]'
}

testABaseContainerOfLxcsOwn() {
	unblank
	lxc-create -P "$LXCPATH" -n base -f conf -t busybox >/dev/null 2>&1
	create c1 --base base
	assert_specs c1 "dir:$LXCPATH/base/rootfs,ro" overlay:delta0
	assertContains 'what its system needs comes along' "$(cat "$LXCPATH/c1/config")" 'lxc.signal.halt = SIGUSR1'
	assertContains "$(cat "$LXCPATH/c1/config")" 'lxc.uts.name = c1'
	boots c1 /etc/passwd
}

# --- its caller ---

testAClosedStandardInputAndASearchPathForDirectoriesDoNoHarm() {
	mkdir -p "$LXCPATH/c1/rootfs" elsewhere/store
	printf 'lxc.rootfs.path = dir:%s\n' "$LXCPATH/c1/rootfs" >"$LXCPATH/c1/config"
	run sh -c '"$@" <&-' sh env CDPATH="$HERE/elsewhere:/" "$HERE/lxc-bdev" --path "$LXCPATH/c1" --name c1 \
		--store loop,size=64M --tarball "$(tarball)"
	assert_status 0
	assertEquals '' "$err"
	boots c1 /etc/owned
}

# --- progress ---

# slow PROGRAM - make one in ./slow that takes two seconds longer.
slow() {
	mkdir -p slow
	printf '#!/bin/sh\n"%s" "$@" || exit\ndd if=/dev/zero of=/dev/null bs=1M count=7 2>/dev/null\nsleep 2\n' "$(command -v "$1")" >"slow/$1"
	chmod 0755 "slow/$1"
}
# on_a_terminal COMMAND... - run it on a terminal; $out is what that shows.
on_a_terminal() {
	printf 'exec' >typed
	for _word; do
		printf " '%s'" "$_word" >>typed
	done
	run script -qec "sh '$HERE/typed'" /dev/null
}

testLongWorkShowsItsProgressOnATerminal() {
	make_image image.img ext4
	slow cp
	slow mkfs.ext4
	slow tar
	PATH=$HERE/slow:$PATH on_a_terminal lxc-create -P "$LXCPATH" -n c1 -f "$HERE/conf" -t "$HERE/lxc-bdev" -- \
		--image "$HERE/image.img" --copy
	assert_status 0
	assertContains "$out" "lxc-bdev: copying '$HERE/image.img' ("
	assertContains "$out" ' MiB written'
	PATH=$HERE/slow:$PATH on_a_terminal lxc-create -P "$LXCPATH" -n c2 -f "$HERE/conf" -t "$HERE/lxc-bdev" -- \
		--tarball "$(tarball)"
	assert_status 0
	assertContains "$out" 'lxc-bdev: making the ext4 file system of 2G'
	assertContains "$out" "lxc-bdev: unpacking '$(tarball)' ("
	boots c1
	boots c2
}

# --- user namespaces ---

mapped_conf() {
	printf 'lxc.idmap = u 0 100000 65536\nlxc.idmap = g 0 100000 65536\n' >>conf
	run_by_everybody
}
run_by_everybody() { sed -i "s|^HELPER=.*|HELPER='$(for_everybody)'|" "$HERE/lxc-bdev"; }

# The template runs in the container's user namespace, where no image can be mounted.
testMapped() {
	mapped_conf
	for _store in dir overlay loop,size=64M nbd,size=64M loop,size=200M,fstype=btrfs; do
		create c1 --store "$_store" --tarball "$(tarball)"
		assert_status 0
		start c1
		assert_status 0
		_root=/proc/$(lxc info c1 -pH)/root
		assertEquals "$_store" '104711 104712' "$(stat -c '%u %g' "$_root/etc/owned")"
		assertEquals "$_store" '100000' "$(stat -c '%u' "$_root/.")"
		stop c1
		boots c1
	done
	create c1 --store loop,fstype=xfs,size=300M --tarball "$(tarball)"
	assert_failed xfs
}

testMappedImage() {
	mapped_conf
	make_image image.img ext4
	create c1 --image "$HERE/image.img" --copy
	boots c1
	create c1 --image "$HERE/image.img"
	assert_failed image.img
}

testMappedBusybox() {
	mapped_conf
	unblank
	create c1 --store loop,size=64M --template busybox
	boots c1 /etc/passwd
}

# The ids of the host's files would belong to nobody in the container.
testMappedLayerMustHaveTheContainersIds() {
	mapped_conf
	layer() { "$LXC_BDEV" layer --store "$HERE/store" "$@"; }
	layer apply plain "$(tarball)" >/dev/null
	layer apply shifted "$(tarball)" --idmap b:0:100000:65536 >/dev/null
	chmod o+x "$HERE/store" "$HERE/store/diff"
	create c1 --layer plain --layer-store "$HERE/store"
	assert_failed "--layer 'plain': its files do not have the ids of lxc.idmap"
	create c1 --layer nosuch --layer-store "$HERE/store"
	assert_failed "--layer 'nosuch'"
	create c1 --layer shifted --layer-store "$HERE/store"
	assert_status 0
	start c1
	assert_status 0
	inside c1 /bin/ls -ln /etc/marker /etc/owned
	assertEquals '0 0
4711 4712' "$(printf '%s\n' "$out" | awk '{ print $3, $4 }')"
	stop c1
}

# --- host names ---

testTheHostNameInsideIsTheContainersWhateverItIsMadeFrom() {
	cp -a "$(shared_root)" named
	echo other >named/etc/hostname
	tar -C named -cf named.tar .
	make_image named.img ext4 32 "$HERE/named"
	"$LXC_BDEV" layer -P "$LXCPATH" apply named named.tar >/dev/null
	for from in '--tarball named.tar' '--tarball named.tar --store dir' '--tarball named.tar --store overlay' \
		'--base ./named' '--layer named' '--image named.img' '--image named.img --copy'; do
		# shellcheck disable=SC2086 # words
		create c1 $from
		assert_status 0
		start c1
		assert_status 0
		inside c1 /bin/cat /etc/hostname
		assertEquals "$from" c1 "$out"
		stop c1
		assertFalse 'it is written once' "[ -e '$LXCPATH/c1/.lxc-bdev.hostname' ]"
		start c1
		inside c1 /bin/sh -c 'echo renamed >/etc/hostname'
		stop c1
		start c1
		inside c1 /bin/cat /etc/hostname
		assertEquals 'what the container says later stays' renamed "$out"
		stop c1
		run lxc-destroy -P "$LXCPATH" -n c1
	done
	assertEquals 'the base is untouched' other "$(cat named/etc/hostname)"
}

testTheHostNameOfAMappedContainerIsItsOwn() {
	mapped_conf
	cp -a "$(shared_root)" named
	echo other >named/etc/hostname
	tar -C named -cf named.tar .
	create c1 --tarball "$HERE/named.tar" --store dir
	assert_status 0
	start c1
	assert_status 0
	inside c1 /bin/sh -c 'cat /etc/hostname; ls -ln /etc/hostname'
	assertEquals 'c1 0' "$(printf '%s\n' "$out" | awk 'NR == 1 { name = $0 } NR == 2 { print name, $3 }')"
	stop c1
}

# --- bad input ---

testBadInputIsRefusedInOneLine() {
	while IFS='|' read -r _words _text; do
		# shellcheck disable=SC2086 # words
		create c1 $_words
		assert_failed "$_text"
	done <<-END
		--tarball /nonexistent|--tarball '/nonexistent'
		--image /nonexistent.img|--image '/nonexistent.img'
		--base nonexistent|--base 'nonexistent'
		--template nonexistent|--template 'nonexistent'
		--template a/b|--template 'a/b'
		--template bdev|--template 'bdev'
		|--template, --tarball, --image or --base
		--tarball /x --base /y|only one of
		--tarball|--tarball: missing value
		--tarball=|--tarball: empty value
		--tarball /x --tarball /y|--tarball: given twice
		--what|--what
		--what=1|--what
		--copy=1|--copy
		--copy --tarball /x|--copy
		-x|-x
		stray --tarball /x|'stray'
		--tarball /x -- stray|only --template
		--store lvm --tarball /x|--store 'lvm'
		--store tmpfs --tarball /x|'tmpfs'
		--store lo --tarball /x|'lo'
		--store , --tarball /x|--store ','
		--store loop,,size=1M --tarball /x|--store
		--store loop,size=2X --tarball /x|size '2X'
		--store loop,size=0 --tarball /x|size '0'
		--store loop,size=-1 --tarball /x|size '-1'
		--store loop,size= --tarball /x|size
		--store loop,size=1GG --tarball /x|size '1GG'
		--store loop,size=1.5G --tarball /x|size '1.5G'
		--store loop,size=99999999999G --tarball $(tarball | tr ' ' '?')|99999999999G
		--store loop,size=1 --tarball $(tarball | tr ' ' '?')|size=1
		--store loop,fstype=ntfs --tarball /x|fstype 'ntfs'
		--store loop,format=qcow2 --tarball /x|'format'
		--store nbd,format=floppy --tarball /x|format 'floppy'
		--store dir,size=1G --tarball /x|'size'
		--store loop,siez=1G --tarball /x|'siez'
		--store loop,size=1G,size=2G --tarball /x|'size' is given twice
		--store nbd,cache=none,format=qcow2,cache=none --tarball /x|'cache' is given twice
		--store loop,partition=1 --tarball /x|partition=
		--store loop,rw --tarball /x|rw
		--store loop --base /|--store 'loop'
		--store dir --image $HERE/conf|
		--store loop,size=1G --image /etc/passwd|size=
	END
}

testAFileOfAnotherKindIsRefusedWithTheOptionThatTakesIt() {
	make_image disk.img ext4 8
	qemu-img convert -f raw -O qcow2 disk.img disk.qcow2
	truncate -s 8M parts.img
	echo ',,L' | sfdisk -q parts.img
	tar -cf root.tar conf
	gzip -k root.tar
	cp root.tar.gz root.img
	xz -k disk.img
	gzip -k parts.img
	echo words >words
	while IFS='|' read -r _words _text; do
		# shellcheck disable=SC2086 # words
		create c1 --store dir $_words
		assert_failed "$_text"
	done <<-END
		--tarball disk.img|is an image of ext4, not a tar archive; use --image
		--tarball disk.qcow2|is a qcow2 image, not a tar archive; use --image
		--tarball parts.img|is an image with a dos partition table, not a tar archive; use --image
		--tarball disk.img.xz|is an image of ext4, not a tar archive; unpack it with xz and use --image
		--tarball parts.img.gz|is an image with a dos partition table, not a tar archive; unpack it with gzip and use --image
		--tarball words|tar
		--tarball $(shared_root | tr ' ' '?')|is a directory; use --base
	END
	while IFS='|' read -r _words _text; do
		# shellcheck disable=SC2086 # words
		create c1 $_words
		assert_failed "$_text"
	done <<-END
		--image root.tar|is a tar archive, not an image; use --tarball
		--image root.img|compressed by gzip; unpack it first, or use --tarball
		--image disk.img.xz|compressed by xz; unpack it first
		--image parts.img|name a partition
		--image $(shared_root | tr ' ' '?')|is a directory; use --base
	END
}

testOtherBackingStoresOfLxcAreRefused() {
	printf 'lxc.rootfs.path = overlay:/a:/b\n' >config
	by_hand c1 --store dir --tarball "$(tarball)"
	rm -r "$LXCPATH/c1/root"
	cp config "$LXCPATH/c1/config"
	run "$HERE/lxc-bdev" --path "$LXCPATH/c1" --name c1 --rootfs "$LXCPATH/c1/rootfs" --store dir --tarball "$(tarball)"
	assert_status 1
	assert_one_line overlay:/a:/b -B
	assertFalse "[ -e '$LXCPATH/c1/root' ]"
	rm -r "$LXCPATH/c1"
	run lxc-create -P "$LXCPATH" -n c1 -f conf -B loop -t "$HERE/lxc-bdev" -- --tarball "$(tarball)"
	assert_failed -B
}

testAStackInTheConfigIsRefused() {
	echo 'bdev.rootfs = dir:/x' >>conf
	create c1 --store dir --tarball "$(tarball)"
	assert_failed bdev.rootfs
}

testARootElsewhere() {
	run lxc-create -P "$LXCPATH" -n c1 -f conf --dir "$HERE/elsewhere" -t "$HERE/lxc-bdev" -- --store dir \
		--tarball "$(tarball)"
	mkdir -p "$LXCPATH/c1/rootfs"
	boots c1
}

# Run by hand, with the option that says that it is in a new namespace, it must not end processes of the caller's.
testTheInternalOptionIsCheckedAndEndsNoProcessOfTheCaller() {
	inner 'touch "${3#--rootfs=}/x"'
	by_hand c1 --store dir --template "$HERE/inner"
	rm -r "$LXCPATH/c1"
	mkdir -p "$LXCPATH/c1/rootfs"
	sleep 1000 &
	_pid=$!
	run "$HERE/lxc-bdev" --in-namespace --path "$LXCPATH/c1" --name c1 --store dir --template "$HERE/inner"
	assert_status 2
	run "$HERE/lxc-bdev" --in-namespace "$(readlink /proc/self/ns/mnt)" --path "$LXCPATH/c1" --name c1 --store dir --template "$HERE/inner"
	assert_status 0
	assertTrue 'others live' "kill -0 $_pid"
	kill "$_pid"
}

testAFullRootIsRefused() {
	mkdir -p "$LXCPATH/c1/rootfs"
	touch "$LXCPATH/c1/rootfs/x"
	run "$HERE/lxc-bdev" --path "$LXCPATH/c1" --name c1 --store dir --tarball "$(tarball)"
	assert_status 1
	assert_one_line "$LXCPATH/c1/rootfs"
	assertTrue "[ -e '$LXCPATH/c1/rootfs/x' ]"
}

testWithoutRootItIsRefused() {
	mkdir -p "$LXCPATH/c1/rootfs"
	run_by_everybody
	run setpriv --reuid 65534 --regid 65534 --clear-groups "$HERE/lxc-bdev" --path "$LXCPATH/c1" --name c1 --tarball "$(tarball)"
	assert_status 1
	assert_one_line root
}

testHelp() {
	run lxc-create -t "$HERE/lxc-bdev" -h
	assertContains "$out" 'LXC internal arguments'
	assertContains "$out" '--tarball <file>'
}

# --- signals ---

# interrupted SIGNAL DELAY STORE - send the template the signal after that time, or once the inner template runs. Nothing new
# is left but the mark, by which doctor finds the files that LXC leaves.
interrupted() {
	mkdir -p "$LXCPATH/c1/rootfs"
	printf 'lxc.rootfs.path = dir:%s\n' "$LXCPATH/c1/rootfs" >"$LXCPATH/c1/config"
	"$HERE/lxc-bdev" --path "$LXCPATH/c1" --name c1 --store "$3" --template "$HERE/inner" >/dev/null 2>&1 &
	_pid=$!
	if [ "$2" = template ]; then
		eventually [ -s pids ]
	else
		sleep "$2"
	fi
	kill -s "$1" "$_pid"
	wait "$_pid"
	status=$?
	assertNotEquals "$1 after $2" 0 "$status"
	assertEquals "$1 after $2" "$(printf 'config\nrootfs')" "$(find "$LXCPATH/c1" -mindepth 1 -maxdepth 1 ! -name .lxc-bdev.cloning -printf '%f\n' | sort)"
	assertEquals "lxc.rootfs.path = dir:$LXCPATH/c1/rootfs" "$(cat "$LXCPATH/c1/config")"
	assertTrue "$1 after $2 leaves $(left)" nothing_left
}

gone() { ! kill -0 "$1" 2>/dev/null; }

testASignalLeavesNothing() {
	inner 'echo x >"${3#--rootfs=}/x"; echo $$ >>"$HERE/pids"; sleep 1000'
	export HERE
	for _delay in 0.02 0.05 0.1 0.15 0.2 0.3 0.4 0.6; do
		interrupted TERM "$_delay" loop,size=64M
		interrupted HUP "$_delay" nbd,size=64M
	done
	rm -f pids
	interrupted TERM template overlay
	assertTrue 'it came as far as the template' "[ -s '$HERE/pids' ]"
	while read -r _pid; do
		assertTrue "process $_pid" "eventually gone $_pid"
	done <pids
}

# The signal arrives after a program has been started and before it does anything.
testWhatHadJustBegunAtASignalMakesNothingAfterIt() {
	inner 'touch "${3#--rootfs=}/x"'
	mkdir bin
	for _program in truncate mkfs.ext4 qemu-img; do
		printf '#!/bin/sh\n: >"%s/begun"\nsleep 0.5\nexec %s "$@"\n' "$HERE" "$(command -v "$_program")" >"bin/$_program"
		chmod 0755 "bin/$_program"
		rm -f begun
		mkdir -p "$LXCPATH/c1/rootfs"
		PATH="$HERE/bin:$PATH" "$HERE/lxc-bdev" --path "$LXCPATH/c1" --name c1 --store nbd,size=64M --template "$HERE/inner" >/dev/null 2>&1 &
		_pid=$!
		eventually [ -e begun ]
		kill -s HUP "$_pid"
		wait "$_pid"
		assertNotEquals "$_program" 0 "$?"
		sleep 1
		assertEquals "$_program" rootfs "$(find "$LXCPATH/c1" -mindepth 1 -maxdepth 1 ! -name .lxc-bdev.cloning -printf '%f\n' | sort)"
		rm -r bin/* "$LXCPATH/c1"
	done
}

# The template mounts the image to look into it, on the server and device that other containers share.
testASignalEndsNoneOfThoseWhoShareTheImage() {
	make_image raw ext4 32
	qemu-img convert -f raw -O qcow2 raw shared.qcow2
	export LXC_BDEV_NBD=fuse
	container c0 "nbd:$(printf '%s' "$HERE/shared.qcow2" | sed 's/ /\\ /g'),ro"
	start c0
	assert_status 0
	_init=$(lxc info c0 -pH)
	printf '#!/bin/sh\n[ "$1" != umount ] || [ -e "%s/begun" ] || { : >"%s/begun"; sleep 2; }\nexec "%s" "$@"\n' \
		"$HERE" "$HERE" "$LXC_BDEV" >slow
	chmod 0755 slow
	sed -i "s|^HELPER=.*|HELPER='$HERE/slow'|" lxc-bdev
	mkdir -p "$LXCPATH/c1/rootfs"
	./lxc-bdev --path "$LXCPATH/c1" --name c1 --image "$HERE/shared.qcow2" >/dev/null 2>&1 &
	_pid=$!
	assertTrue 'it is mounted' 'eventually [ -e begun ]'
	kill -s TERM "$_pid"
	wait "$_pid"
	assertNotEquals 0 "$?"
	assertTrue 'the container lives on' "kill -0 $_init"
	assertEquals 'and is the same' "$_init" "$(lxc info c0 -pH)"
	stop c0
	unset LXC_BDEV_NBD
}

# Also when only the last check of the config is left: doctor must find the container.
testASignalAtTheLastStepLeavesTheMarkOfWhatIsNotWhole() {
	printf '#!/bin/sh\n[ "$1" != plan ] || { : >"%s/begun"; sleep 2; }\nexec "%s" "$@"\n' "$HERE" "$LXC_BDEV" >slow
	chmod 0755 slow
	sed -i "s|^HELPER=.*|HELPER='$HERE/slow'|" lxc-bdev
	mkdir -p "$LXCPATH/c1/rootfs"
	"$HERE/lxc-bdev" --path "$LXCPATH/c1" --name c1 --store dir --tarball "$(tarball)" >/dev/null 2>&1 &
	_pid=$!
	eventually [ -e begun ]
	kill -s TERM "$_pid"
	wait "$_pid"
	assertEquals 143 "$?"
	bdev doctor -P "$LXCPATH"
	assert_status 1
	assertContains "$out$err" 'interrupted while it was made'
}

# No process is left that could undo anything, so the processes, the mount and the device must end by themselves.
testAKillOfTheTemplateEndsAllThatTheInnerTemplateHasStarted() {
	inner 'touch "${3#--rootfs=}/x"; trap "" TERM HUP
		setsid unshare --mount sh -c "umount /proc; echo \$\$ >>\"$HERE/pids\"; exec sleep 1000" >/dev/null 2>&1 &
		(setsid sh -c "echo \$\$ >>\"$HERE/pids\"; exec sleep 1000" >/dev/null 2>&1 &)
		echo $$ >>"$HERE/pids"; while :; do sleep 1; done'
	export HERE
	mkdir -p "$LXCPATH/c1/rootfs"
	"$HERE/lxc-bdev" --path "$LXCPATH/c1" --name c1 --store loop,size=64M --template "$HERE/inner" >/dev/null 2>&1 &
	_pid=$!
	assertTrue 'all run' 'eventually sh -c "[ \$(wc -l <pids) -eq 3 ]" 2>/dev/null'
	assertFalse 'a loop device is in use' no_loops
	kill -s KILL "$_pid"
	wait "$_pid" 2>/dev/null
	while read -r _pid; do
		assertTrue "process $_pid" "eventually gone $_pid"
	done <pids
	assertTrue 'the loop device is free' 'eventually no_loops'
	bdev doctor --fix
	assertTrue 'and doctor clears the record' nothing_left
}

testAKillLeavesNoMountAndNoDevice() {
	inner 'echo x >"${3#--rootfs=}/x"; echo $$ >"$HERE/pid"; exec sleep 1000'
	export HERE
	mkdir -p "$LXCPATH/c1/rootfs"
	"$HERE/lxc-bdev" --path "$LXCPATH/c1" --name c1 --store loop,size=64M --template "$HERE/inner" >/dev/null 2>&1 &
	_pid=$!
	eventually [ -s pid ]
	kill -s KILL "$_pid"
	wait "$_pid" 2>/dev/null
	kill -s KILL "$(cat pid)"
	assertTrue 'the loop device is free' 'eventually no_loops'
	bdev doctor --fix
	assertTrue 'and doctor clears the record' nothing_left
}

# shellcheck source=/dev/null
. shunit2
