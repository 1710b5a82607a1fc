# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
#
# image - an image that holds a root file system already: shared, or copied.
#
# For others: use_image.

# An image as it is: its type and format by --store, else by its extension.
check_image() {
	check_file image "$image"
	[ ! "$size" ] || store_error "size= is not for --image: an image keeps its size"
	[ "$(bytes "$image" 257 5)" != 7573746172 ] ||
		fail "--image '$image': it is no image but a tar archive; take --tarball"
	unpacker=$(unpacker_of "$image")
	[ ! "$unpacker" ] ||
		fail "--image '$image': it is compressed by ${unpacker% *}; unpack it first, or take --tarball if it is a tar archive"
	extension=${image##*/}
	case $extension in
	*.*) extension=$(printf '%s' "${extension##*.}" | tr '[:upper:]' '[:lower:]') ;;
	*) extension='' ;;
	esac
	case $extension in
	raw | img) known=raw ;;
	squashfs | sqfs | sfs | erofs) known=$extension ;;
	vhd) known=vpc ;;
	qcow2 | qed | vdi | vmdk | vhdx | vpc) known=$extension ;;
	*) known='' ;;
	esac
	case ${format:-$known} in
	'') [ "$type" = loop ] || usage_error "--image '$image': its extension tells no format; say --store loop, or --store nbd,format=FORMAT" ;;
	raw | squashfs | sqfs | sfs | erofs) : "${type:=loop}" ;;
	qcow2 | qed | vdi | vmdk | vhdx | vpc)
		: "${type:=nbd}"
		[ "$type" != loop ] || store_error "'$image' is a ${format:-$known} image, which nbd reads"
		;;
	*) store_error "format '$format' is none of raw, qcow2, qed, vdi, vmdk, vhdx and vpc" ;;
	esac
	case $type in
	nbd)
		case ${format:-$known} in
		raw | qcow2 | qed | vdi | vmdk | vhdx | vpc) ;;
		*) store_error "'$image': nbd wants format= for it" ;;
		esac
		need qemu-nbd qemu-utils
		;;
	loop) ;;
	*) store_error "an image is used by loop or nbd" ;;
	esac
	case $partition in
	*[!0-9]* | 0* | ????*) store_error "partition '$partition' is no number of a partition" ;;
	esac
	case $known in
	squashfs | sqfs | sfs | erofs)
		[ "$mode" != rw ] || store_error "'$image' is read-only of its own"
		mode=ro
		;;
	esac
	if [ ! "$mode" ]; then
		mode=ro
		[ ! "$copy" ] || mode=rw
	fi
}

use_image() {
	parse_store
	[ ! "$type" ] || known_type "$type"
	check_image
	spec=$(escape "$image")
	if [ "$copy" ]; then
		spec=rootfs${extension:+.$extension}
		# What is no plain word needs no place in a config.
		case $spec in
		*[!a-z0-9.]*) spec=rootfs.img ;;
		esac
		[ "$spec" != rootfs ] || spec=rootfs.img
		claim "$spec"
		quietly "--image '$image'" cp --reflink=auto --sparse=always -- "$image" "$spec"
		chmod 0600 "$spec"
	fi
	spec=$type:$spec${partition:+:$partition}
	# The extension that the copy has may be another one than the image's.
	[ "$type" = loop ] || [ ! "$format" ] || spec=$spec,format=$format
	spec=$spec${fstype:+,fstype=$fstype}$rest
	specs=$spec
	# What QEMU's images hold, only a mount shows; planning does not ask.
	if [ "$type" = nbd ] && [ ! "$mapped" ]; then
		mount_image "$spec,ro"
		unmount_store
	fi
	if [ "$mode" = ro ]; then
		specs="$spec,ro
overlay:delta0"
		[ ! "$mapped" ] || fail "--image '$image': with lxc.idmap it cannot lie below an overlay, whose ids no kernel maps; take --copy, or rw"
	else
		idmap_root=$mapped
	fi
}
