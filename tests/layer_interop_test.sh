#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# containers-storage and we apply each other's diffs, and show the same.
# shellcheck source=tests/lib.sh
. "$(dirname -- "$0")/lib.sh"

oneTimeSetUp() {
	command -v containers-storage >/dev/null || no_storage=1
}
setUpEach() { store=$HERE/store; }
tearDownEach() {
	[ "${CS-}" ] || return 0
	theirs shutdown >/dev/null 2>&1
	umount -R -l "$CS"
}
layer() { bdev layer --store "$store" "$@"; }
# It makes its root's mount private, and takes no blank in its path: in this file's mount namespace, /srv is ours.
theirs() { containers-storage --graph "$CS/graph" --run "$CS/run" --storage-driver overlay "$@"; }

# tree DIR - all names with all that belongs to them; what theirs does not carry (ACLs, user.*) is not in these trees.
tree() {
	(cd "$1" && find . -mindepth 1 -printf '%P %y %m %U:%G %s %l %Ts\n' | sed -E 's/^([^ ]* d [^ ]* [^ ]*) [0-9]*/\1/' | sort &&
		find . -type f -exec md5sum {} + | sort && xattrs -e hex)
}

make_trees() {
	mkdir -p one/bin one/etc/gone one/etc/again one/var/opq/deep two
	echo tool >one/bin/tool
	chmod 4755 one/bin/tool
	cp /bin/busybox one/bin/ping
	setcap cap_net_raw+ep one/bin/ping
	ln one/bin/tool one/bin/tool2
	ln -s tool one/bin/link
	ln -s /nowhere one/etc/dangling
	mkfifo one/var/fifo
	mknod one/var/null c 1 3
	truncate -s 200K one/var/holes
	echo data >>one/var/holes
	for _f in etc/gone/x etc/again/old var/opq/old var/opq/deep/old etc/keep; do echo $_f >one/$_f; done
	_long=$(printf '%0120d' 0)
	mkdir -p "one/$_long/$_long"
	echo long >"one/$_long/$_long/$_long"
	chown -R 1000:1001 one/etc
	touch -d @1000000000 one/etc/keep
}
change() { # DIR
	[ "$1" ] && [ -e "$1/bin/ping" ] || { fail "no tree at '$1'" && return; }
	rm -r "$1/etc/gone" "$1/etc/again" "$1/bin/tool2"
	mkdir "$1/etc/again"
	echo new >"$1/etc/again/new"
	rm -r "$1/var/opq"
	mkdir "$1/var/opq"
	echo more >>"$1/bin/tool"
	chmod 0600 "$1/etc/keep"
	mv "$1/etc/keep" "$1/etc/kept"
}

testTheirDiffsAndOursShowTheSame() {
	[ -z "${no_storage-}" ] || { skip 'containers-storage is not installed' && return; }
	CS=/srv
	mkdir cs && mount --bind cs "$CS" || { fail 'a place for it' && return; }
	make_trees
	tar --xattrs --xattrs-include='*' -C one -cf one.tar .

	# Theirs to us.
	theirs create-layer -i base >/dev/null 2>&1
	run theirs applydiff -f one.tar base
	assert_status 0
	theirs create-layer -i top base >/dev/null 2>&1
	_at=$(theirs mount top)
	change "$_at"
	tree "$_at" >wanted
	theirs unmount top >/dev/null
	theirs diff -u base >base.tar
	theirs diff -u top >top.tar
	layer apply base base.tar
	assert_status 0
	layer apply top top.tar --parent base
	assert_status 0
	layer get top --holder h
	tree "$out" >seen
	layer put top --holder h
	assertEquals 'their diffs' '' "$(diff wanted seen)"
	assertTrue 'there is something to compare' "[ $(wc -l <wanted) -gt 20 ]"

	# And ours to them.
	layer create-rw ours --parent base
	layer get ours --holder h
	change "$out"
	tree "$out" >wanted
	layer put ours --holder h
	layer diff base --output base.tar
	layer diff ours --output ours.tar
	assert_status 0
	theirs create-layer -i base2 >/dev/null 2>&1
	run theirs applydiff -f base.tar base2
	assert_status 0
	theirs create-layer -i ours2 base2 >/dev/null 2>&1
	run theirs applydiff -f ours.tar ours2
	assert_status 0
	_at=$(theirs mount ours2)
	tree "$_at" >seen
	theirs unmount ours2 >/dev/null
	assertEquals 'our diffs' '' "$(diff wanted seen)"
	assertEquals 'hard links' 1 "$(tar tvf base.tar | grep -c '^h')"
}

. shunit2
