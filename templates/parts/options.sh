# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
#
# options - the command line and the variables that hold it.
#
# For other parts: parse, check_options, make_paths_absolute, usage_error. They set $name, $path, $rootfs, $store, one of $template,
# $tarball, $image, $base and $layer, $layer_store, $copy, $arguments (how many words are for the inner template), $mapped
# (yes: this is the user namespace of lxc.idmap), $mapped_uid, $mapped_gid and $mapped_last.

usage() {
	cat <<'END'
Create an LXC container whose root file system lxc-bdev mounts; see lxc-bdev(8) and bdev.conf(5).

  lxc-create -t bdev -n NAME [-f CONFIG] -- [--store STORE] SOURCE

STORE is TYPE[,OPTION]... (default: loop, or the type that SOURCE needs):

  loop[,size=2G][,fstype=ext4]                 an image file with ext2, ext3, ext4, xfs or btrfs
  nbd[,size=2G][,fstype=ext4][,format=qcow2]   the same in an image format of QEMU
  dir                                          a directory
  overlay                                      a read-only base directory, and an overlay for the changes
  aufs                                         the same with aufs, on kernels that have it

  Sizes are bytes, or take the units K, M, G and T (powers of 1024).
  Other options of the type (see lxc-bdev types) are copied into the config.

SOURCE is exactly one of

  [ --template <name> [-- <arguments>...] ]: An installed LXC template, or the absolute path of one
  [ --tarball <file> ]: A tar archive of a root file system: plain, gz, xz, zst or bz2
  [ --image <file> [--copy] ]: An image with a root file system. It is shared: the container uses it read-only where it
      is, with an overlay for the changes. With --copy the container gets a writable copy of its own.
      --store loop or nbd (default: by the extension of the file), and these options:
        format=FORMAT   the image format, if the extension does not tell it
        partition=N     the root file system is partition N
        rw              write to the image itself; then only one container at a time can use it
        ro              use an overlay for the changes, above a copy too
  [ --base <container>|<directory> ]: A linked clone of another container or of a directory, which is used read-only,
      with an overlay for the changes. A container name without a '/' is one of the same lxcpath. The base can neither
      be started for writing nor destroyed before this container is destroyed.
  [ --layer <id> [--layer-store <directory>] ]: A layer of a layer store and its lower layers, used read-only, with an
      overlay for the changes; see lxc-bdev-layer(8). The default store is LXC's.

Special arguments:

  [ -h | --help ]: Print this help message and exit.

LXC internal arguments:

  [ --name <name> ]: The container name
  [ --path <path> ]: The path to the container
  [ --rootfs <rootfs> ]: The path to the container's rootfs (default: <path>/rootfs)
  [ --mapped-uid <map> ]: A uid map (user namespaces)
  [ --mapped-gid <map> ]: A gid map (user namespaces)
END
}

# usage_error TEXT - end with an error line and the exit status for wrong usage.
usage_error() {
	printf 'lxc-bdev: %s\n' "$1" >&2
	exit 2
}

# set_value OPTION VALUE VARIABLE - set the variable, once, to a value that can be written to a config.
set_value() {
	case $2 in
	'') usage_error "$1: empty value" ;;
	*[[:cntrl:]]*) usage_error "$1: control character in the value" ;;
	esac
	eval "[ ! \"\$$3\" ]" || usage_error "$1: given twice"
	eval "$3=\$2"
}

# parse ARGUMENT... - set the variables of the options.
parse() {
	name='' path='' rootfs='' mapped_uid='' mapped_gid='' mapped_last=''
	store='' template='' tarball='' image='' base='' layer='' layer_store='' copy='' arguments=0
	while [ $# -gt 0 ]; do
		option=$1
		shift
		case $option in
		-h | --help)
			usage
			exit 0
			;;
		--copy)
			copy=yes
			continue
			;;
		--)
			arguments=$#
			break
			;;
		--*=*)
			argument=${option#*=}
			option=${option%%=*}
			;;
		--name | --path | --rootfs | --mapped-uid | --mapped-gid | --store | --template | --tarball | --image | --base | --layer | --layer-store | -n | -p)
			[ $# -gt 0 ] || usage_error "$option: missing value"
			argument=$1
			shift
			;;
		-*) usage_error "unknown option '$option'; see lxc-create -t bdev -h" ;;
		*) usage_error "unexpected argument '$option'; arguments for a --template come after '--'" ;;
		esac
		case $option in
		-n | --name) set_value --name "$argument" name ;;
		-p | --path) set_value --path "$argument" path ;;
		--rootfs) set_value --rootfs "$argument" rootfs ;;
		--mapped-uid) set_value --mapped-uid "$argument" mapped_uid ;;
		--mapped-gid) set_value --mapped-gid "$argument" mapped_gid ;;
		--store) set_value --store "$argument" store ;;
		--template) set_value --template "$argument" template ;;
		--tarball) set_value --tarball "$argument" tarball ;;
		--image) set_value --image "$argument" image ;;
		--base) set_value --base "$argument" base ;;
		--layer) set_value --layer "$argument" layer ;;
		--layer-store) set_value --layer-store "$argument" layer_store ;;
		*) usage_error "option '$option' is unknown or takes no value; see lxc-create -t bdev -h" ;;
		esac
	done
	# LXC appends its own options to the arguments of the inner template.
	while [ $# -gt 4 ]; do
		shift
	done
	if [ $# -eq 4 ] && [ "$1" = --mapped-uid ] && [ "$3" = --mapped-gid ]; then
		mapped_uid=$2 mapped_gid=$4 mapped_last=yes
	fi
}

# Refuse wrong combinations of options. No file is looked at yet.
check_options() {
	case ${template:+t}${tarball:+f}${image:+i}${base:+b}${layer:+l} in
	?) ;;
	'') usage_error 'missing content of the container; use --layer, --template, --tarball, --image or --base' ;;
	*) usage_error 'conflicting options; use only one of --template, --tarball, --image, --base and --layer' ;;
	esac
	[ ! "$layer_store" ] || [ "$layer" ] || usage_error '--layer-store: only with --layer'
	[ ! "$copy" ] || [ "$image" ] || usage_error '--copy: only with --image'
	[ "$template" ] || [ "$arguments" -eq 0 ] || usage_error "'--': only --template takes arguments"
	{ [ "$name" ] && [ "$path" ]; } || usage_error 'missing --name or --path; run this template with lxc-create -t bdev'
	: "${rootfs:=$path/rootfs}"
	case $path:$rootfs in
	/*:/*) ;;
	*) usage_error "'$path' is not an absolute path; use one with lxc-create -P" ;;
	esac
	case $mapped_uid in
	'' | -1) mapped='' ;;
	*) mapped=yes ;;
	esac
}

# Make the paths that are relative to the caller's directory absolute: the template works in that of the container.
make_paths_absolute() {
	for file in tarball image; do
		eval "case \$$file in '' | /*) ;; *) $file=\$PWD/\$$file ;; esac"
	done
	case $base in
	/*) ;;
	*/*) base=$PWD/$base ;;
	esac
	case $layer_store in
	'' | /*) ;;
	*) layer_store=$PWD/$layer_store ;;
	esac
}
