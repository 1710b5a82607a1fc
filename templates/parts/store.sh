# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
#
# store - take --store apart and check it.
#
# For others: parse_store, store_error, known_type, check_new_store, check_delta_store; afterwards $type, $size, $fstype, $format,
# $partition, $mode, and in $rest the options that go into the config as they are.

store_error() { usage_error "--store '$store': $1"; }

# words TEXT - TEXT with its commas made blanks; no value has a blank in it.
words() { printf '%s\n' "$1" | tr ',' ' '; }

known_type() { "$HELPER" types | grep -q "^$1:" || usage_error "--store '$store': this lxc-bdev has no type '$1'"; }

# has_option OPTION - whether $type has it, by the table of `lxc-bdev types`.
has_option() {
	"$HELPER" types | awk -v type="$type" -v option="$1" '
		/^[^\t]/ { split($0, head, ":"); in_type = head[1] == type }
		in_type && /^\t/ { split($1, word, "="); if (word[1] == option) found = 1 }
		END { exit !found }'
}

# Take --store apart: $type, and $size, $fstype, $format, $partition, $mode, and in $rest what is for the spec.
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
		*=) store_error "the value of '${word%=}' is empty" ;;
		size=*) size=$argument ;;
		fstype=*) fstype=$argument ;;
		format=*) format=$argument ;;
		partition=*) partition=$argument ;;
		rw | ro) mode=$word ;;
		*)
			has_option "${word%%=*}" || store_error "'$type' has no option '${word%%=*}'"
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
	store_error "'$type' has no option '$wrong'"
}

check_size() {
	case ${size%[kKmMgGtT]} in
	*[!0-9]* | 0* | '' | ?????????????????*)
		store_error "size '$size' is no number of bytes (K, M, G and T behind it are units of 1024)"
		;;
	esac
	size=$(printf '%s' "$size" | tr kmgt KMGT)
}

# Its start would refuse it, but that is after all has been filled. A module is loaded by its first mount.
possible_aufs() {
	grep -qw aufs /proc/filesystems || grep -q '/aufs\.ko' "/lib/modules/$(uname -r)/modules.dep" 2>/dev/null ||
		store_error 'this kernel has no aufs; boot one that has it, or take overlay (deltas that are there: lxc-bdev convert)'
}

check_new_store() {
	[ ! "$partition" ] || store_error 'partition= is for --image'
	[ ! "$mode" ] || store_error "$mode is for --image"
	only_for size "$size" loop nbd
	only_for fstype "$fstype" loop nbd
	only_for format "$format" nbd
	case $type in
	dir | overlay) return 0 ;;
	aufs)
		possible_aufs
		return 0
		;;
	loop | nbd) ;;
	*) store_error "no store can be made of the type '$type'; it is one of dir, loop, nbd, overlay and aufs" ;;
	esac
	: "${size:=2G}" "${fstype:=ext4}"
	check_size
	case $fstype in
	ext[234]) need "mkfs.$fstype" e2fsprogs ;;
	xfs) need mkfs.xfs xfsprogs ;;
	btrfs) need mkfs.btrfs btrfs-progs ;;
	*) store_error "fstype '$fstype' is none of ext2, ext3, ext4, xfs and btrfs" ;;
	esac
	[ "$type" = nbd ] || return 0
	: "${format:=qcow2}"
	case $format in
	raw | qcow2 | qed | vdi | vmdk | vhdx | vpc) ;;
	*) store_error "format '$format' is none of raw, qcow2, qed, vdi, vmdk, vhdx and vpc" ;;
	esac
	need qemu-img qemu-utils
	need qemu-nbd qemu-utils
}

# check_delta_store OPTION - the type of the delta above what OPTION names.
check_delta_store() {
	: "${store:=overlay}"
	parse_store
	known_type "$type"
	case $type in
	overlay | aufs) ;;
	*) store_error "above a $1 it is overlay or aufs" ;;
	esac
	check_new_store
}
