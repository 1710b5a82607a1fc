# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
#
# fill - make a new store (an image with a file system, or a directory), mount it on $rootfs, fill it and unmount it.
#
# For other parts: new_store, mount_image, unmount_store. new_store sets $specs, the lines of bdev.rootfs, and $idmap_root (yes:
# the ids in the store are those that the container sees).

# make_image [DIRECTORY] - make the image $filled with a file system of $size, and DIRECTORY's files in it.
make_image() {
	raw=$filled
	[ "$type" = loop ] || [ "$format" = raw ] || raw=filesystem
	claim "$raw"
	quietly "--store '$store': cannot make a file of size=$size; use a smaller size=" '' truncate -s "$size" "$raw"
	case $fstype in
	# The file is a hole, so its journal is zero already.
	ext*) set -- "mkfs.$fstype" -q -F -E lazy_journal_init=1 ${1:+-d "$1"} "$raw" ;;
	xfs) set -- mkfs.xfs -q "$raw" ;;
	btrfs) set -- mkfs.btrfs -q ${1:+--rootdir "$1"} "$raw" ;;
	esac
	quietly "--store '$store': cannot make the $fstype file system in size=$size; use a larger size=" \
		"making the $fstype file system of $size" "$@"
	if [ "$raw" != "$filled" ]; then
		claim "$filled"
		# vpc would round the size, and cut the file system off.
		[ "$format" != vpc ] || set -- -o force_size=on
		[ "$format" = vpc ] || set --
		quietly "--store '$store': cannot convert the file system into a $format image; check the free space of '$path'" \
			"converting the file system into a $format image" \
			qemu-img convert -f raw -O "$format" "$@" "$raw" "$filled"
		rm -f -- "$raw"
	fi
	chmod 0600 "$filled"
}

# mount_directory NAME - make a directory to fill, and mount it on $rootfs.
mount_directory() {
	claim "$1"
	mkdir -m 0755 "$1"
	mounted=bind
	# Without the setuid bit of mount(8) and umount(8): in a user namespace, that is another root.
	quietly "cannot mount '$path/$1' on '$rootfs'; check the permissions of both" '' \
		setpriv --no-new-privs -- mount --bind "$1" "$rootfs"
}

# mount_image SPEC - mount it on $rootfs.
mount_image() {
	mounted=image
	helper mount "$1" "$rootfs" || exit 1
}

# Unmount what is mounted on $rootfs. Returns 0 or not, as the program that does it.
unmount_store() {
	case $mounted in
	bind) setpriv --no-new-privs -- umount -- "$rootfs" ;;
	image) "$HELPER" umount "$rootfs" ;;
	esac && mounted=''
}

# new_store [ARGUMENT...] - make the store and fill it; the arguments are for the inner template.
new_store() {
	case $type in
	dir) filled=root specs=dir:root ;;
	overlay | aufs) filled=base specs="dir:base,ro
$type:delta0$rest" ;;
	loop) filled=rootfs.img specs="loop:rootfs.img$rest" ;;
	nbd) filled=rootfs.$format specs="nbd:rootfs.$format$rest" ;;
	esac
	case $type in
	loop | nbd)
		if [ "$mapped" ]; then
			# No image can be mounted in a user namespace: gather the files, and let mkfs copy them. It
			# writes the ids as the container sees them, and idmap=container shifts them at the start.
			[ "$fstype" != xfs ] ||
				store_error 'an xfs image cannot be filled with lxc.idmap; use ext4 or btrfs'
			mount_directory fill
			fill "$@"
			make_image fill
			rm -rf --one-file-system -- fill
			idmap_root=yes
		else
			make_image
			mount_image "$type:$filled"
			fill "$@"
		fi
		;;
	*)
		mount_directory "$filled"
		fill "$@"
		;;
	esac
}

# fill [ARGUMENT...] - fill what is mounted on $rootfs, and unmount it.
fill() {
	if [ "$template" ]; then
		run_template "$@"
	else
		unpack
	fi
	[ "$(find "$rootfs" -mindepth 1 -maxdepth 1 ! -name lost+found | head -n 1)" ] ||
		fail "${template:+--template '$template'}${tarball:+--tarball '$tarball'}: the root file system is empty afterwards; check its content"
	# Errors of writing back are seen here, and nowhere later.
	quietly "--store '$store': cannot write the files to disk; check the free space of '$path' and the kernel log" \
		'writing the files to disk' sync -f "$rootfs"
	unmount_store || fail "cannot unmount '$rootfs'; check who uses it with fuser -m"
}
