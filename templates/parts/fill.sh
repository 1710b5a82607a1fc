# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
#
# fill - make a new store (an image with a file system, or a directory), mount it and fill it.
#
# For others: new_store, mount_image, unmount_store.

# make_image [DIRECTORY] - the file $filled: a file system of $size, which may hold DIRECTORY's files.
make_image() {
	raw=$filled
	[ "$type" = loop ] || [ "$format" = raw ] || raw=filesystem
	claim "$raw"
	quietly "--store '$store'" truncate -s "$size" "$raw"
	case $fstype in
	# The file is a hole, so its journal is zero already.
	ext*) set -- "mkfs.$fstype" -q -F -E lazy_journal_init=1 ${1:+-d "$1"} "$raw" ;;
	xfs) set -- mkfs.xfs -q "$raw" ;;
	btrfs) set -- mkfs.btrfs -q ${1:+--rootdir "$1"} "$raw" ;;
	esac
	quietly "--store '$store': $1" "$@"
	if [ "$raw" != "$filled" ]; then
		claim "$filled"
		# vpc would round the size, and cut the file system off.
		[ "$format" != vpc ] || set -- -o force_size=on
		[ "$format" = vpc ] || set --
		quietly "--store '$store': qemu-img" qemu-img convert -f raw -O "$format" "$@" "$raw" "$filled"
		rm -f -- "$raw"
	fi
	chmod 0600 "$filled"
}

# A directory to fill, on the rootfs path.
mount_directory() {
	claim "$1"
	mkdir -m 0755 "$1"
	mounted=bind
	quietly "mount '$path/$1'" as_we_are mount --bind "$1" "$rootfs"
	shown=$(shown_at "$rootfs")
}

mount_image() {
	mounted=image
	helper mount "$1" "$rootfs" || exit 1
	shown=$(shown_at "$rootfs")
}

unmount_store() {
	case $mounted in
	bind) as_we_are umount -- "$rootfs" ;;
	image) "$HELPER" umount "$rootfs" ;;
	esac && mounted='' shown=''
}

# Make the store, fill it, and say in $specs what it is, one spec a line.
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
				store_error 'with lxc.idmap, fstype xfs cannot be filled; take ext4 or btrfs'
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

fill() {
	if [ "$template" ]; then
		run_template "$@"
	else
		unpack
	fi
	[ "$(find "$rootfs" -mindepth 1 -maxdepth 1 ! -name lost+found | head -n 1)" ] ||
		fail 'what was to fill the root file system left it empty'
	# Errors of writing back are seen here, and nowhere later.
	quietly "--store '$store'" sync -f "$rootfs"
	end_others
	unmount_store || fail "'$rootfs' cannot be unmounted"
}
