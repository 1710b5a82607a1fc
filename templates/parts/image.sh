# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
#
# image - an image that has a root file system already: shared read-only, copied, or written to.
#
# For other parts: use_image. It sets $specs and $idmap_root.

# Find out how the image is used: by --store, else by the file's extension. Sets $type, $mode and $extension.
check_image() {
	check_file image "$image"
	[ ! "$size" ] || store_error "size= is not for --image: an image keeps its size"
	! is_tar "$image" || fail "--image '$image' is a tar archive, not an image; use --tarball"
	unpacker=$(unpacker_of "$image")
	[ ! "$unpacker" ] ||
		fail "--image '$image' is compressed by ${unpacker% *}; unpack it first, or use --tarball if it is a tar archive"
	extension=$(extension_of "$image")
	case $extension in
	raw | img) known=raw ;;
	squashfs | sqfs | sfs | erofs) known=$extension ;;
	vhd) known=vpc ;;
	qcow2 | qed | vdi | vmdk | vhdx | vpc) known=$extension ;;
	*) known='' ;;
	esac
	choose_image_type
	case $partition in
	*[!0-9]* | 0* | ????*) store_error "invalid partition '$partition'; use its number, from 1 on" ;;
	esac
	case $known in
	squashfs | sqfs | sfs | erofs)
		[ "$mode" != rw ] || store_error "'$image' has a read-only file system; leave out rw"
		mode=ro
		;;
	esac
	if [ ! "$mode" ]; then
		mode=ro
		[ ! "$copy" ] || mode=rw
	fi
}

# Set $type to loop or nbd, by format= or the format that the extension tells, and refuse a pair that cannot be.
choose_image_type() {
	case ${format:-$known} in
	'') [ "$type" = loop ] || usage_error "--image '$image': unknown format, by its extension; use --store loop or --store nbd,format=FORMAT" ;;
	raw | squashfs | sqfs | sfs | erofs) : "${type:=loop}" ;;
	qcow2 | qed | vdi | vmdk | vhdx | vpc)
		: "${type:=nbd}"
		[ "$type" != loop ] || store_error "'$image' is a ${format:-$known} image; use nbd"
		;;
	*) store_error "unknown format '$format'; use raw, qcow2, qed, vdi, vmdk, vhdx or vpc" ;;
	esac
	case $type in
	nbd)
		case ${format:-$known} in
		raw | qcow2 | qed | vdi | vmdk | vhdx | vpc) ;;
		*) store_error "missing format of '$image'; use format=FORMAT" ;;
		esac
		need qemu-nbd qemu-utils
		;;
	loop) ;;
	*) store_error "with --image the type is loop or nbd" ;;
	esac
}

# Copy the image into the container's directory. Sets $spec to the file's name there.
copy_image() {
	spec=rootfs${extension:+.$extension}
	# An extension that is no plain word does not belong in a config.
	case $spec in
	*[!a-z0-9.]*) spec=rootfs.img ;;
	esac
	[ "$spec" != rootfs ] || spec=rootfs.img
	claim "$spec"
	quietly "--image '$image': cannot be copied; check the free space of '$path'" \
		"copying '$image' ($(size_of "$image"))" \
		cp --reflink=auto --sparse=always -- "$image" "$spec"
	chmod 0600 "$spec"
}

use_image() {
	parse_store
	[ ! "$type" ] || check_type
	check_image
	spec=$(escape "$image")
	[ ! "$copy" ] || copy_image
	spec=$type:$spec${partition:+:$partition}
	# The copy may have another extension than the image.
	[ "$type" = loop ] || [ ! "$format" ] || spec=$spec,format=$format
	spec=$spec${fstype:+,fstype=$fstype}$rest
	specs=$spec
	# The content of a QEMU image is only seen by a mount; `lxc-bdev plan` does not look at it.
	if [ "$type" = nbd ] && [ ! "$mapped" ]; then
		mount_image "$spec,ro"
		unmount_store
	fi
	if [ "$mode" = ro ]; then
		specs="$spec,ro
overlay:delta0"
		[ ! "$mapped" ] || fail "--image '$image': with lxc.idmap it cannot be the lower of an overlay, as the kernel cannot map its ids there; use --copy, or rw"
	else
		idmap_root=$mapped
	fi
}
