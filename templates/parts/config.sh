# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
#
# config - read and write the container's config.
#
# For others: config_value, escape, check_config, write_config.

# config_value FILE KEY - its last value.
config_value() {
	sed -n "s/^[[:blank:]]*$(printf '%s' "$2" | sed 's/\./\\./g')[[:blank:]]*=[[:blank:]]*//p" "$1" 2>/dev/null | tail -n 1
}
has_key() { grep -q "^[[:blank:]]*$1[[:blank:]]*=" config; }

# escape PATH - as it is written in a spec.
escape() { printf '%s\n' "$1" | sed 's/[\\:,]/\\&/g; s/ $/\\ /'; }

check_config() {
	[ ! -e config ] || [ -f config ] || fail "'$path/config' is no file"
	if [ -f config ] && has_key 'bdev\.rootfs'; then
		fail "'$path/config' has a bdev.rootfs line already: leave it out of what lxc-create -f names"
	fi
	check_rootfs_path 'lxc.rootfs.path is' ": leave out lxc-create's -B"
}

# check_rootfs_path BEFORE AFTER - lxc.rootfs.path must be where we were told to fill: the inner template may have had other ideas.
check_rootfs_path() {
	root=$(config_value config lxc.rootfs.path)
	case $root in
	'' | "$rootfs" | "dir:$rootfs") ;;
	*)
		fail "$1 '$root'$2"
		;;
	esac
}

# What a container needs that no template wrote a config for. What its config says already stays.
write_common() {
	if [ "$base" ] && [ "$base_config" ]; then
		# What the base's template found that its system needs; not what makes it that container.
		grep -E '^[[:blank:]]*lxc\.(include|arch|signal\.[a-z]+|mount\.(auto|entry)|cap\.(drop|keep)|tty\.max|pty\.max|autodev|environment(\.[a-z]+)?|init\.cmd)[[:blank:]]*=' \
			"$base_config" | grep -vF /bdev.conf | while IFS= read -r line; do
			key=$(printf '%s' "${line%%=*}" | tr -d '[:blank:]')
			case $key in
			lxc.include | lxc.environment | lxc.environment.* | lxc.mount.entry) grep -qxF -e "$line" config || printf '%s\n' "$line" ;;
			*) has_key "$(printf '%s' "$key" | sed 's/\./\\./g')" || printf '%s\n' "$line" ;;
			esac
		done >.lxc-bdev.out
		cat .lxc-bdev.out >>config
	elif ! grep -q '^[[:blank:]]*lxc\.include[[:blank:]]*=.*common\.conf' config; then
		printf 'lxc.include = %s/common.conf\n' "$CONFIG_DIR" >>config
		[ ! "$mapped" ] || printf 'lxc.include = %s/userns.conf\n' "$CONFIG_DIR" >>config
	fi
	has_key 'lxc\.uts\.name' ||
		printf 'lxc.uts.name = %s\n' "$(printf '%s' "$name" | tr -c 'a-zA-Z0-9.' - | cut -c 1-63)" >>config
}

# What fills the root brings a host name of its own, which systemd prefers to LXC's: the first start writes the container's.
# Another template has seen to that.
leave_hostname() {
	hostname=$(config_value config lxc.uts.name)
	[ ! "$template" ] && [ "$hostname" ] || return 0
	rm -f .lxc-bdev.hostname
	claim .lxc-bdev.hostname
	printf '%s\n' "$hostname" >.lxc-bdev.hostname
	chmod 0600 .lxc-bdev.hostname
}

# As lxc-copy -s does, by LXC's own records: the base is not destroyed, nor written to, while this container is there.
record_base() {
	{ [ "$base" ] && [ "$base_config" ]; } || return 0
	case $from in
	/*) ;;
	*) from=$(cd -- "$from" && pwd) ;;
	esac
	while [ "${from%/}" != "$from" ]; do from=${from%/}; done
	[ -w "$from" ] || return 0
	# Recorded before the mark of an unfinished container is removed: a base knows every finished linked clone.
	"$HELPER" depend --name "$name" --config "$path/config" --source "$from" || exit 1
}

write_config() {
	check_rootfs_path "--template '$template': it made lxc.rootfs.path" ", not '$rootfs'"
	[ ! -s config ] || [ ! "$(tail -c 1 config)" ] || echo >>config
	[ "$template" ] || write_common
	has_key 'lxc\.rootfs\.path' || printf 'lxc.rootfs.path = dir:%s\n' "$rootfs" >>config
	[ ! "$idmap_root" ] || has_key 'lxc\.rootfs\.options' || echo 'lxc.rootfs.options = idmap=container' >>config
	# A file that the config includes may include it, too.
	hooked=$("$HELPER" hooked --config config) || exit 1
	[ "$hooked" = yes ] || printf 'lxc.include = %s/bdev.conf\n' "$CONFIG_DIR" >>config
	printf '%s\n' "$specs" | sed 's/^/bdev.rootfs = /' >>config
	leave_hostname
	record_base
	rm -f .lxc-bdev.cloning
	# What the start would refuse is refused now. In a user namespace that cannot be asked.
	[ "$mapped" ] || helper plan -n "$name" -f "$path/config" || exit 1
}
