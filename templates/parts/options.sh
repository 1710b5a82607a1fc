# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
#
# options - the command line: what it may say, and the variables that say it afterwards.
#
# For others: parse, check_options, make_absolute, usage_error.

usage() {
	cat <<'END'
Make an LXC container whose root file system lxc-bdev mounts; see lxc-bdev(8) and bdev.conf(5).

  lxc-create -t bdev -n NAME [-f CONFIG] -- [--store STORE] SOURCE

STORE is TYPE[,OPTION]... (default: loop, or what SOURCE needs):

  loop[,size=2G][,fstype=ext4]                 an image file with ext2, ext3, ext4, xfs or btrfs
  nbd[,size=2G][,fstype=ext4][,format=qcow2]   the same, in a format of QEMU's
  dir                                          a directory
  overlay                                      a directory that stays as it is, and the changes in a second one
  aufs                                         the same with the kernel's aufs, where it has one

  Other options that the type has (see lxc-bdev types) go into the config as they are.

SOURCE is exactly one of

  [ --template <name> [-- <arguments>...] ]: An installed LXC template, or the absolute path of one
  [ --tarball <file> ]: A root file system packed by tar: plain, gz, xz, zst or bz2
  [ --image <file> [--copy] ]: An image that holds a root file system. It is shared: it is used where it is, read-only,
      with the container's changes in an overlay above it. With --copy the container gets its own, writable copy.
      --store loop or nbd (default: by the file's extension), and its options:
        format=FORMAT   where the extension does not say it
        partition=N     the root file system is the Nth partition
        rw              write to the image itself; then it serves one container at a time
        ro              also above a copy: changes in an overlay
  [ --base <container>|<directory> ]: The root of another container, or a directory, read-only, with the container's
      changes in an overlay above it. A container without a '/' in it is one of the same lxcpath. It can be neither
      started for writing nor destroyed until this one is.
  [ --layer <id> [--layer-store <directory>] ]: A layer of a layer store, with all that it lies on, read-only, with the
      container's changes in an overlay above it; see lxc-bdev-layer(8). The default store is LXC's.

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

usage_error() {
	printf 'lxc-bdev: %s\n' "$1" >&2
	exit 2
}

# set_value OPTION VALUE VARIABLE
set_value() {
	case $2 in
	'') usage_error "$1: its value is empty" ;;
	*[[:cntrl:]]*) usage_error "$1: control characters in its value" ;;
	esac
	eval "[ ! \"\$$3\" ]" || usage_error "$1: given twice"
	eval "$3=\$2"
}

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
			[ $# -gt 0 ] || usage_error "$option: its value is missing"
			argument=$1
			shift
			;;
		-*) usage_error "$option: unknown option; see lxc-create -t bdev -h" ;;
		*) usage_error "'$option': not an option; arguments for a --template come after '--'" ;;
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
		*) usage_error "$option: unknown option, or one without a value; see lxc-create -t bdev -h" ;;
		esac
	done
	# LXC puts its own last, behind the arguments of the inner template.
	while [ $# -gt 4 ]; do
		shift
	done
	if [ $# -eq 4 ] && [ "$1" = --mapped-uid ] && [ "$3" = --mapped-gid ]; then
		mapped_uid=$2 mapped_gid=$4 mapped_last=yes
	fi
}

# What can be said without looking at any file.
check_options() {
	case ${template:+t}${tarball:+f}${image:+i}${base:+b}${layer:+l} in
	?) ;;
	'') usage_error 'say what is in the container: --layer, --template, --tarball, --image or --base' ;;
	*) usage_error 'only one of --template, --tarball, --image, --base and --layer' ;;
	esac
	[ ! "$layer_store" ] || [ "$layer" ] || usage_error '--layer-store: only with --layer'
	[ ! "$copy" ] || [ "$image" ] || usage_error '--copy: only with --image'
	[ "$template" ] || [ "$arguments" -eq 0 ] || usage_error "'--': only --template takes arguments"
	{ [ "$name" ] && [ "$path" ]; } || usage_error '--name and --path are missing: it is run by lxc-create -t bdev'
	: "${rootfs:=$path/rootfs}"
	case $path:$rootfs in
	/*:/*) ;;
	*) usage_error "'$path': no absolute path; lxc-create -P wants one" ;;
	esac
	case $mapped_uid in
	'' | -1) mapped='' ;;
	*) mapped=yes ;;
	esac
}

# The template works in the container's directory; the caller's paths are relative to the caller's.
make_absolute() {
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
