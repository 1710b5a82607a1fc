# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
#
# config - read and write LXC configs.
#
# For other parts: config_value, escape, check_config, write_config. All but config_value are about the new container's.

# config_value FILE KEY - print the last value of the key.
config_value() {
	sed -n "s/^[[:blank:]]*$(printf '%s' "$2" | sed 's/\./\\./g')[[:blank:]]*=[[:blank:]]*//p" "$1" 2>/dev/null | tail -n 1
}

# has_key PATTERN - whether the config has a line with this key.
has_key() { grep -q "^[[:blank:]]*$1[[:blank:]]*=" config; }

# escape PATH - print it as it is written in a spec.
escape() { printf '%s\n' "$1" | sed 's/[\\:,]/\\&/g; s/ $/\\ /'; }

# Refuse a config, as lxc-create has made it, that has a root file system already.
check_config() {
	[ ! -e config ] || [ -f config ] || fail "'$path/config' is not a file"
	if [ -f config ] && has_key 'bdev\.rootfs'; then
		fail "'$path/config' has a bdev.rootfs line already; remove it from the file that lxc-create -f names"
	fi
	check_rootfs_path 'lxc.rootfs.path is' "; leave out lxc-create's -B"
}

# check_rootfs_path BEFORE AFTER - refuse a lxc.rootfs.path other than $rootfs, with BEFORE, its value and AFTER.
check_rootfs_path() {
	root=$(config_value config lxc.rootfs.path)
	case $root in
	'' | "$rootfs" | "dir:$rootfs") ;;
	*) fail "$1 '$root'$2" ;;
	esac
}

# Write what a container needs that had no inner template. What its config says already stays.
write_common() {
	if [ "$base" ] && [ "$base_config" ]; then
		# What the system of the base needs, as its template has written it; not what makes it that container.
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

# Leave the host name for the first start, which writes it into the root file system: systemd prefers the one that it finds
# there to LXC's. An inner template has written it itself.
leave_hostname() {
	hostname=$(config_value config lxc.uts.name)
	[ ! "$template" ] && [ "$hostname" ] || return 0
	rm -f .lxc-bdev.hostname
	claim .lxc-bdev.hostname
	printf '%s\n' "$hostname" >.lxc-bdev.hostname
	chmod 0600 .lxc-bdev.hostname
}

# Write $specs and what they need, and refuse now what the start would refuse.
write_config() {
	check_rootfs_path "--template '$template' has set lxc.rootfs.path to" ", not to '$rootfs'"
	[ ! -s config ] || [ ! "$(tail -c 1 config)" ] || echo >>config
	[ "$template" ] || write_common
	has_key 'lxc\.rootfs\.path' || printf 'lxc.rootfs.path = dir:%s\n' "$rootfs" >>config
	[ ! "$idmap_root" ] || has_key 'lxc\.rootfs\.options' || echo 'lxc.rootfs.options = idmap=container' >>config
	# A file that the config includes may include bdev.conf, too.
	hooked=$("$HELPER" hooked --config config) || exit 1
	[ "$hooked" = yes ] || printf 'lxc.include = %s/bdev.conf\n' "$CONFIG_DIR" >>config
	printf '%s\n' "$specs" | sed 's/^/bdev.rootfs = /' >>config
	leave_hostname
	# The mark goes last: a base knows every finished linked clone.
	record_base
	remove_mark
	# In a user namespace the plan cannot be asked for.
	[ "$mapped" ] || helper plan -n "$name" -f "$path/config" || exit 1
}
