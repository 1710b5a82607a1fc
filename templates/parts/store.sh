# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
#
# store - the option --store: take it apart and check it, before anything is made.
#
# For other parts: parse_store, check_type, check_new_store, check_delta_store, store_error. They set $type, $size, $fstype,
# $format, $partition, $mode (rw, ro or nothing), and in $rest the options that are copied into the config.

store_error() { usage_error "--store '$store': $1"; }

# words TEXT - print TEXT with blanks for its commas. No value has a blank in it.
words() { printf '%s\n' "$1" | tr ',' ' '; }

# Refuse a type that lxc-bdev does not know.
check_type() {
	"$HELPER" types | grep -q "^$type:" ||
		store_error "unknown type '$type'; lxc-bdev types lists the types"
}

# has_option OPTION - whether $type has it, by the table of `lxc-bdev types`.
has_option() {
	"$HELPER" types | awk -v type="$type" -v option="$1" '
		/^[^\t]/ { split($0, head, ":"); in_type = head[1] == type }
		in_type && /^\t/ { split($1, word, "="); if (word[1] == option) found = 1 }
		END { exit !found }'
}

# Set the variables of --store.
parse_store() {
	type=${store%%,*} size='' fstype='' format='' partition='' mode='' rest=''
	case $store in
	*[[:blank:]\\]* | *,,* | *, | ,*) store_error 'not of the form TYPE[,OPTION]...' ;;
	*,*) ;;
	*) return 0 ;;
	esac
	seen=,
	for word in $(words "${store#*,}"); do
		argument=${word#*=}
		case $seen in
		*",${word%%=*},"*) store_error "'${word%%=*}' is given twice" ;;
		esac
		seen=$seen${word%%=*},
		case $word in
		*=) store_error "empty value of '${word%=}'" ;;
		size=*) size=$argument ;;
		fstype=*) fstype=$argument ;;
		format=*) format=$argument ;;
		partition=*) partition=$argument ;;
		rw | ro) mode=$word ;;
		*)
			has_option "${word%%=*}" || store_error "type '$type' has no option '${word%%=*}'"
			rest="$rest,$word"
			;;
		esac
	done
}

# only_for OPTION VALUE TYPE... - refuse the option when $type is none of these.
only_for() {
	[ "$2" ] || return 0
	wrong=$1
	shift 2
	for one; do
		[ "$type" != "$one" ] || return 0
	done
	store_error "type '$type' has no option '$wrong'"
}

check_size() {
	case ${size%[kKmMgGtT]} in
	*[!0-9]* | 0* | '' | ?????????????????*)
		store_error "invalid size '$size'; use bytes, or the units K, M, G and T, as in 2G"
		;;
	esac
	size=$(printf '%s' "$size" | tr kmgt KMGT)
}

# Refuse aufs on a kernel without it. The start would refuse it, too, but only after the store has been filled.
check_aufs() {
	# A module is loaded by its first mount.
	grep -qw aufs /proc/filesystems || grep -q '/aufs\.ko' "/lib/modules/$(uname -r)/modules.dep" 2>/dev/null ||
		store_error 'this kernel has no aufs; boot one that has it, or use overlay (for existing deltas: lxc-bdev convert)'
}

# Refuse a store that cannot be made, and set the defaults of its options.
check_new_store() {
	[ ! "$partition" ] || store_error 'partition= needs --image'
	[ ! "$mode" ] || store_error "$mode needs --image"
	only_for size "$size" loop nbd
	only_for fstype "$fstype" loop nbd
	only_for format "$format" nbd
	case $type in
	dir | overlay) return 0 ;;
	aufs)
		check_aufs
		return 0
		;;
	loop | nbd) ;;
	*) store_error "a store of type '$type' cannot be made; use dir, loop, nbd, overlay or aufs" ;;
	esac
	: "${size:=2G}" "${fstype:=ext4}"
	check_size
	case $fstype in
	ext[234]) need "mkfs.$fstype" e2fsprogs ;;
	xfs) need mkfs.xfs xfsprogs ;;
	btrfs) need mkfs.btrfs btrfs-progs ;;
	*) store_error "unknown fstype '$fstype'; use ext2, ext3, ext4, xfs or btrfs" ;;
	esac
	[ "$type" = nbd ] || return 0
	: "${format:=qcow2}"
	case $format in
	raw | qcow2 | qed | vdi | vmdk | vhdx | vpc) ;;
	*) store_error "unknown format '$format'; use raw, qcow2, qed, vdi, vmdk, vhdx or vpc" ;;
	esac
	need qemu-img qemu-utils
	need qemu-nbd qemu-utils
}

# check_delta_store OPTION - check the store for the changes above the read-only root that OPTION names.
check_delta_store() {
	: "${store:=overlay}"
	parse_store
	check_type
	case $type in
	overlay | aufs) ;;
	*) store_error "with $1 the type is overlay or aufs" ;;
	esac
	check_new_store
}
