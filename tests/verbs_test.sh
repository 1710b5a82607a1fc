#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The command line: exit statuses, messages, JSON, and what is refused.
# shellcheck source=tests/lib.sh
. "$(dirname -- "$0")/lib.sh"
# shellcheck source=tests/clone.sh
. "$ROOT/tests/clone.sh"

TOOLS=$ROOT/build/tests/tools

setUpEach() {
	mkdir m lower
	echo content >lower/marker
}

assert_usage() { # TEXT... - exit 2 and one line
	assert_status 2
	assertEquals 'stdout' '' "$out"
	assert_one_line "$@"
}

assert_refused() { # TEXT...
	assert_status 1
	assertEquals 'stdout' '' "$out"
	assert_one_line "$@"
}

# --- usage ---

testHelp() {
	for option in --help -h; do
		bdev $option
		assert_status 0
		assertEquals 'stderr' '' "$err"
		help=$out
		assertNotContains 'hooks are not for people' "$help" pre-start
		for verb in mount umount plan status types doctor; do
			assertContains "$help" "  $verb "
			bdev $verb $option
			assert_status 0
			assertContains "$out" "usage: lxc-bdev $verb"
		done
		assertNotContains 'hooks are not for people' "$out" pre-start
	done
}

testTheHelpOfAVerbHasItsOwnOptionsAndThoseOfAllVerbs() {
	bdev plan --help
	assert_status 0
	plan_help=$out
	for option in --name --lxcpath --config --json --logfile --quiet --help --version; do
		assertContains "$out" "$option"
	done
	for option in --fix --tmpfs --store --dry-run; do
		assertNotContains "$out" "$option"
	done
	bdev help plan
	assertEquals "$plan_help" "$out"
	bdev layer apply --help
	assert_status 0
	assertContains "$out" 'usage: lxc-bdev layer apply'
	assertContains "$out" --max-bytes
	assertNotContains "$out" --output
	apply_help=$out
	for words in 'help layer apply' 'layer help apply' 'layer --store x apply --help'; do
		# shellcheck disable=SC2086 # words
		bdev $words
		assertEquals "$words" "$apply_help" "$out"
	done
	bdev help
	help=$out
	bdev --help
	assertEquals "$help" "$out"
}

testVersionIsShownByEveryVerb() {
	bdev --version
	version=$out
	for words in version 'status --version' 'mount --version' 'layer --version' 'layer version' 'layer apply --version'; do
		# shellcheck disable=SC2086 # words
		bdev $words
		assert_status 0
		assertEquals "$words" "$version" "$out"
	done
}

testAMistypedVerbOrOptionIsAnsweredWithTheNearestOne() {
	bdev stauts
	assert_usage "unknown verb 'stauts'; did you mean 'status'?"
	bdev moun dir:lower m
	assert_usage "unknown verb 'moun'; did you mean 'mount'?"
	bdev layer aply x
	assert_usage "layer: unknown verb 'aply'; did you mean 'apply'?"
	bdev help doktor
	assert_usage "unknown verb 'doktor'; did you mean 'doctor'?"
	bdev plan c1 --jsno
	assert_usage "unknown option '--jsno'; did you mean '--json'?"
	bdev layer apply x --max-byte=1 --parnt=x
	assert_usage "unknown option '--parnt'; did you mean '--parent'?"
	bdev xyzzy
	assert_usage "unknown verb 'xyzzy'; see lxc-bdev --help"
	bdev plan --xyzzy
	assert_usage "unknown option '--xyzzy'; see lxc-bdev plan --help"
	bdev plan c1 --json=yes
	assert_usage "option '--json' takes no value"
}

testALetterMeansOneThingInAllVerbs() {
	bdev help --complete
	assert_status 0
	printf '%s\n' "$out" | awk -F '\t' '$1 == "option" && $4 != "-" {print $4, $3}' | sort -u >letters
	assertTrue "$(cat letters)" '[ $(wc -l <letters) -ge 10 ]'
	assertEquals 'letters with two meanings' '' "$(cut -d ' ' -f 1 letters | uniq -d)"
	assertEquals 'options with two letters' '' "$(cut -d ' ' -f 2 letters | sort | uniq -d)"
}

testEveryOptionHasAHelpLineAndOneMeaningOfItsValue() {
	bdev help --complete
	printf '%s\n' "$out" | awk -F '\t' '$1 == "option" && ($6 == "" || NF != 6)' >bad
	assertEquals 'without a summary' '' "$(cat bad)"
	printf '%s\n' "$out" | awk -F '\t' '$1 == "option" {print $3, $5 == "-"}' | sort -u | cut -d ' ' -f 1 | uniq -d >bad
	assertEquals 'take a value in one verb, and none in another' '' "$(cat bad)"
	printf '%s\n' "$out" | awk -F '\t' '$1 == "verb" && ($4 == "" || $4 == "-" || NF != 4)' >bad
	assertEquals 'verbs without a summary' '' "$(cat bad)"
}

testTheNameOfAContainerMayBeAWord() {
	container c1 dir:lower
	bdev status -P "$LXCPATH" c1
	assert_status 0
	assertEquals "c1  ($LXCPATH/c1)  not running" "$out"
	bdev status c1 -P "$LXCPATH" -n c1
	assert_status 0
	mkdir "$LXCPATH/c1/lower"
	bdev plan c1 -P "$LXCPATH"
	assert_status 0
	assertContains "$out" 'dir:lower'
	bdev commit c1 layer1 -P "$LXCPATH"
	assert_refused "commit: $LXCPATH/c1/config"
	bdev convert c1 overlay -P "$LXCPATH"
	assert_status 0
	assertContains "$out" 'c1: nothing to convert'
	for words in 'status c1 -n c2' 'plan c1 -n c2' 'commit -n c1 c2 layer1' 'convert -n c2 c1 overlay' 'ephemeral -n c2 c1'; do
		# shellcheck disable=SC2086 # words
		bdev $words -P "$LXCPATH"
		assert_usage "conflicting container names 'c"
	done
	for words in plan commit 'commit layer1' ephemeral 'ephemeral -- true'; do
		# shellcheck disable=SC2086 # words
		bdev $words -P "$LXCPATH"
		assert_status 2
		assert_one_line "missing container name; use -n NAME"
	done
	bdev plan c1 c2
	assert_usage 'usage: lxc-bdev plan [OPTION]... NAME'
	bdev ephemeral c1 c2
	assert_usage "unexpected 'c2'" 'a command comes after --'
}

testQuietShowsErrorsAlone() {
	container c1 "dir:$(shared_root)"
	touch "$LXCPATH/c1/rootfs/file"
	bdev plan c1 -P "$LXCPATH"
	assert_one_line 'contains files'
	for option in -q --quiet; do
		bdev plan c1 -P "$LXCPATH" "$option"
		assert_status 0
		assertEquals '' "$err"
		assertContains "$out" attach
		bdev plan c2 -P "$LXCPATH" "$option"
		assert_status 1
		assert_one_line "container 'c2'"
	done
}

testVersion() {
	bdev --version
	assert_status 0
	assertTrue "$out" "expr '$out' : '[0-9][0-9.]*\$' >/dev/null"
	version=$out
	hook --version
	assertEquals "$version" "$out"
}

testTheCommandHasNoVerbsOfHooksAndTheHooksProgramNoOthers() {
	for verb in pre-start post-stop clone destroy; do
		bdev $verb --name c1 --config "$HERE/config"
		assert_usage "unknown verb '$verb'"
	done
	hook status
	assert_usage "unknown verb 'status'; see lxc-bdev-hook --help"
	hook --help
	assert_status 0
	for verb in pre-start post-stop clone destroy; do
		assertContains "$out" "  $verb "
	done
}

testWrongUsage() {
	bdev
	assert_usage 'missing verb'
	bdev nosuch
	assert_usage "unknown verb 'nosuch'"
	bdev moun dir:lower m
	assert_usage "unknown verb 'moun'"
	bdev --nosuch
	assert_usage "'--nosuch'"
	bdev mount --nosuch dir:lower m
	assert_usage "unknown option '--nosuch'"
	bdev mount -x dir:lower m
	assert_usage "unknown option '-x'"
	bdev mount --json dir:lower m
	assert_usage "unknown option '--json'"
	bdev status --fix
	assert_usage "unknown option '--fix'"
	bdev plan -n
	assert_usage "option '-n' needs a value"
	bdev plan
	assert_usage '-n NAME'
	bdev mount
	assert_usage 'usage: lxc-bdev mount SPEC... TARGET'
	bdev mount m
	assert_usage 'usage: lxc-bdev mount SPEC... TARGET'
	bdev umount
	assert_usage 'usage: lxc-bdev umount TARGET'
	bdev umount m m
	assert_usage 'usage: lxc-bdev umount TARGET'
	bdev mount dir m
	assert_usage "argument 1: 'dir': not of the form"
	bdev types more
	assert_usage 'usage: lxc-bdev types'
}

testHooksWithoutTheirArguments() {
	for hook in pre-start post-stop clone destroy; do
		hook $hook
		assert_usage '--name'
		hook $hook --name c1 --config "$HERE/config" c1 lxc other
		assert_usage "$hook"
	done
}

# exits WANTED - the command line on stdin does, with one line on stderr.
exits() {
	while IFS= read -r _words; do
		eval "bdev $_words"
		assertEquals "lxc-bdev $_words: $err" "$1" "$status"
		[ "$(wc -l <"$SCRATCH/stderr")" -eq 1 ] || fail "lxc-bdev $_words: stderr: $err"
	done
}

# One rule for all verbs: what the text alone shows to be wrong is 2, what is found on the host is 1.
testMalformedIsStatus2InEveryVerb() {
	container malformed nonsense:x
	container option 'dir:lower,nosuch=1'
	container value 'tmpfs:.,size=abc' overlay:up
	container key dir:lower
	echo 'bdev.nosuch = 1' >>"$LXCPATH/key/config"
	container c1 dir:lower
	mkdir "$LXCPATH/c1/lower"
	exits 2 <<-'END'
		mount nonsense:lower m
		mount dir m
		mount dir:lower,nosuch=1 m
		mount dir:lower,ro=1 m
		mount dir:a:b m
		mount loop:image,offset m
		mount loop:image,offset=x m
		mount loop:image:0 m
		mount dir:lower,ro tmpfs:.,size=abc overlay:up m
		mount container:relative m
		mount 'layer:bad id' m
		mount
		mount m
		umount
		umount m m
		plan -n ''
		plan ''
		plan -n a/b
		plan a/b
		plan -P ''
		plan -n malformed -P "$LXCPATH"
		plan -n option -P "$LXCPATH"
		plan -n value -P "$LXCPATH"
		plan -n key -P "$LXCPATH"
		plan -n c1 -P "$LXCPATH" -f ''
		status -n ''
		status a/b
		status -f x
		status c1 c2
		types more
		types --json=x
		doctor more
		doctor -P ''
		doctor --json --nosuch
		ephemeral
		ephemeral -P "$LXCPATH" -N a/b c1
		ephemeral -P "$LXCPATH" -N '' c1
		ephemeral -P "$LXCPATH" --tmpfs=abc c1
		ephemeral -P "$LXCPATH" --tmpfs= c1
		ephemeral -P "$LXCPATH" --backing=dir c1
		ephemeral -P "$LXCPATH" --tmpfs --keepdata c1
		ephemeral -P "$LXCPATH" -n a/b
		ephemeral -P "$LXCPATH" malformed
		convert
		convert overlay
		convert nosuch lower
		convert -n c1 nosuch
		convert -n a/b overlay
		convert --check
		convert overlay lower m --to=x
		commit
		commit c1
		commit c1 'bad id' more
		commit -n a/b id
		commit -P "$LXCPATH" malformed id
		layer nosuch
		layer create
		layer --store s create 'bad id'
		layer --store s create -- -x
		layer --store s create a --parent 'bad id'
		layer --store '' list
		layer --store s --driver nosuch create a
		layer --store s apply a --idmap=x /dev/null
		layer --store s apply a --max-bytes=x /dev/null
		layer --store s apply a --digest=x /dev/null
		layer --store s apply 'bad id' /dev/null
		layer import
		layer import --aufs=
		layer squash a..b
		layer list --nosuch
		layer list -l LOUD
	END
	"$LXC_BDEV" layer --store s create a
	exits 2 <<-'END'
		layer --store s get 'bad id'
		layer --store s get a --holder 'a b'
		layer --store s put 'bad id' --holder h
		layer --store s remove 'bad id'
		layer --store s metadata 'bad id'
		layer --store s changes 'bad id'
		layer --store s diff 'bad id' --output x
		layer --store s export 'bad id' --output x
		layer --store s squash ab new
		layer --store s squash a..a 'bad id'
		layer --store s diffsize 'bad id'
	END
	exits 1 <<-'END'
		mount dir:gone m
		mount loop:lower m
		mount dir:lower gone
		umount gone
		plan gone
		plan -n c1 -P gone
		status gone
		ephemeral gone
		convert overlay gone
		commit gone id
		layer --store s get gone
		layer --store s metadata gone
		layer --store s create b --parent gone
		layer --store s create a
		layer --store s squash a..gone new
		layer --store s apply b gone.tar
		types -o gone/log
	END
	assertEquals 'containers that were made' 'c1 key malformed option value' "$(cd "$LXCPATH" && echo *)"
}

testNotPossibleOnThisHostIsStatus3() {
	make_image image ext4 8 "$PWD/lower"
	run strace -o /dev/null -e inject=fsopen:error=ENODEV "$LXC_BDEV" mount loop:image m
	assert_status 3
	assert_one_line 'this kernel has no ext4'
	run strace -o /dev/null -e inject=fsopen:error=ENODEV "$LXC_BDEV" mount dir:lower,ro overlay:up m
	assert_status 3
	assert_one_line 'this kernel has no overlay'
	run strace -o /dev/null -P /dev/loop-control -e inject=open,openat:error=ENOENT "$LXC_BDEV" mount loop:image m
	assert_status 3
	assert_one_line 'this kernel has no loop devices'
	assertTrue 'nothing is left' nothing_left
}

testStdoutThatCannotBeWrittenIsAnError() {
	run sh -c '"$1" types >/dev/full' sh "$LXC_BDEV"
	assert_status 1
	assert_one_line 'write to stdout'
}

testClosedDescriptors() {
	run sh -c '"$1" mount dir:lower m <&- >&- 2>&-' sh "$LXC_BDEV"
	assert_status 0
	assertEquals content "$(cat m/marker)"
	run sh -c '"$1" umount m <&- >&- 2>&-' sh "$LXC_BDEV"
	assert_status 0
	run sh -c '"$1" umount m 2>&-' sh "$LXC_BDEV"
	assert_status 1
}

# --- targets ---

testTargetThatIsNone() {
	echo text >file
	bdev mount dir:lower gone
	assert_refused "'gone'" 'No such file or directory'
	bdev mount dir:lower file
	assert_refused "'$HERE/file'" 'Not a directory'
	bdev umount gone
	assert_refused "'gone'" 'No such file or directory'
	bdev umount file
	assert_refused "'$HERE/file'"
}

testTargetByOtherNames() {
	ln -s m link
	bdev mount dir:lower link
	assert_status 0
	bdev umount lower/../m/.
	assert_status 0
	assertTrue 'nothing is left' nothing_left
}

testTargetNames() {
	for name in 'a b' "a'b" 'a\b' 'a:b' 'a%sb' "$(printf 'a\tb')" "$(printf 'a\nb')" "$(printf '%0255d' 0)" -n; do
		mkdir -- "$name"
		bdev mount dir:lower -- "./$name"
		assertEquals "$name: $err" 0 "$status"
		bdev umount "./$name"
		assertEquals "$name: $err" 0 "$status"
		assertTrue "$name: something is left" nothing_left
	done
}

testUmountOfWhatIsNotOursIsRefused() {
	mount -t tmpfs tmpfs m
	bdev umount m
	assert_refused "'$HERE/m': nothing of lxc-bdev is mounted there"
	assertTrue 'it is still mounted' 'mountpoint -q m'
	umount m
	bdev umount m
	assert_refused "'$HERE/m': nothing of lxc-bdev is mounted there"
	mkdir lower/sub
	bdev mount dir:lower m
	bdev umount m/sub
	assert_refused "'$HERE/m/sub': nothing of lxc-bdev is mounted there"
}

testUmountOfAStackThatIsGoneClearsItsRecord() {
	mount --bind m m
	bdev mount "dir:$HERE/lower" m
	assert_status 0
	umount m
	bdev umount m
	assert_status 0
	bdev doctor
	assert_status 0
	umount m
}

testUmountNeedsNoInotifyWatch() {
	bdev mount dir:lower,ro overlay:up m
	assert_status 0
	run strace -o /dev/null -e inject=inotify_add_watch:error=ENOSPC "$LXC_BDEV" umount m
	assert_status 0
	assertFalse 'mounted' 'mountpoint -q m'
}

testDoctorElsewhereSparesAMountOfAnotherNamespace() {
	bdev mount "dir:$HERE/lower" m
	assert_status 0
	run unshare -m "$LXC_BDEV" doctor --fix
	bdev umount m
	assert_status 0
	assertFalse 'mounted' 'mountpoint -q m'
}

testUmountBelowAnotherMountIsRefused() {
	bdev mount dir:lower m
	mount -t tmpfs tmpfs m
	bdev umount m
	assert_refused "'$HERE/m': something else is mounted over the stack; umount that first"
	assertEquals 'both are still mounted' 2 "$(mounts_here | wc -l)"
	umount m
	bdev umount m
	assert_status 0
	assertTrue 'nothing is left' nothing_left
}

testUmountOfABusyStackSaysSo() {
	bdev mount dir:lower m
	exec 9<m/marker
	bdev umount m
	assert_refused "umount '$HERE/m'" 'Device or resource busy'
	assertEquals content "$(cat m/marker)"
	exec 9<&-
	bdev umount m
	assert_status 0
}

testUmountWithAMountInsideSaysSo() {
	mkdir lower/sub
	bdev mount dir:lower m
	mount -t tmpfs tmpfs m/sub
	bdev umount m
	assert_refused "umount '$HERE/m'" 'Device or resource busy'
	umount m/sub
	bdev umount m
	assert_status 0
}

testMountOverAStackOfOursIsRefused() {
	mkdir other
	bdev mount dir:lower m
	bdev mount dir:other m
	assert_refused "'$HERE/m': a stack is mounted there already"
	assertEquals content "$(cat m/marker)"
	mount -t tmpfs tmpfs m
	bdev mount dir:other m
	assert_refused "'$HERE/m'"
	umount m
}

testMountAfterUmountByHand() {
	bdev mount dir:lower m
	umount m
	bdev status
	assertContains "$out" 'left over'
	bdev mount dir:lower m
	assert_status 0
	assertEquals content "$(cat m/marker)"
}

testStrangerMountedWhereOursWasIsLeftAlone() {
	bdev mount dir:lower m
	umount m
	mount -t tmpfs tmpfs m
	bdev umount m
	assertTrue 'still mounted' 'mountpoint -q m'
	umount m
}

testTwoAtOnceOnOneTarget() {
	for i in 1 2 3 4 5 6 7 8; do
		"$LXC_BDEV" mount dir:lower m 2>"err$i" && echo $i >>won &
	done
	wait
	assertEquals "$(cat err*)" 1 "$(wc -l <won)"
	assertEquals 'mounts' 1 "$(mounts_here | wc -l)"
}

testOfTwoAtOnceOneWaitsForTheOther() {
	strace -o /dev/null -e trace=move_mount -e inject=move_mount:delay_enter=2500000 "$LXC_BDEV" mount dir:lower m 2>err1 &
	first=$!
	eventually sh -c 'grep -q "^attachment" /run/lxc-bdev/*/journal 2>/dev/null'
	bdev umount m
	assertContains "$err" "waiting for another lxc-bdev that works on it"
	assert_status 0
	wait "$first"
	assertEquals "the first: $(cat err1)" 0 $?
	assertEquals 'mounts' '' "$(mounts_here)"
	assertTrue no_journals
}

# --- doctor ---

testDoctorFindsAndFixes() {
	bdev mount dir:lower m
	bdev doctor
	assert_status 0
	assertEquals '' "$out"
	umount m
	bdev doctor
	assert_status 1
	assertContains "$out" "mount '$HERE/m'"
	assertFalse 'it only looks' no_journals
	bdev doctor --fix
	assert_status 0
	assertContains "$out" "mount '$HERE/m'"
	assertTrue 'nothing is left' nothing_left
	bdev doctor
	assert_status 0
}

testDoctorLeavesWhatIsInUse() {
	bdev mount dir:lower m
	bdev doctor --fix
	assert_status 0
	assertEquals content "$(cat m/marker)"
	bdev umount m
	assert_status 0
}

testDoctorLeavesAMountThatIsInProgress() {
	bdev mount dir:lower m
	umount m
	for lock in /run/lxc-bdev/*; do :; done
	flock "$lock" "$LXC_BDEV" doctor --fix >out
	assertEquals 'status' 0 $?
	assertEquals '' "$(cat out)"
	assertFalse 'the record is there' no_journals
	flock "$lock" "$LXC_BDEV" status >out
	assertContains "$(cat out)" 'starting or stopping'
	bdev doctor --fix
	assertContains "$out" "mount '$HERE/m'"
	assertTrue 'nothing is left' nothing_left
}

# --- status ---

testStatusShowsWhatALinkedCloneWritesToAndDependsOn() {
	stored base loop
	container clone 'dir:x'
	printf 'bdev.rootfs =\nbdev.rootfs = container:%s/base\nbdev.rootfs = overlay:delta0\n' "$LXCPATH" \
		>>"$LXCPATH/clone/config"
	start clone
	assert_status 0
	inside clone dd if=/dev/zero of=/big bs=1024 count=2048
	assert_status 0
	bdev status -P "$LXCPATH" -n clone
	assert_status 0
	assertContains "$out" "
  overlay:delta0
  └─ loop:i.img  of $LXCPATH/base  locked ro  /dev/loop"
	assertContains "$out" "
  depends on the container in $LXCPATH/base"
	bdev status -P "$LXCPATH" -n clone --json
	assertEquals "$out" "[null,\"$LXCPATH/base\",\"ro\",null,\"overlay:delta0\"]" "$(printf '%s' "$out" |
		jq -c '.[0] | [.delta, .depends_on[0], .stack[0].lock, .stack[1].container, .stack[1].spec]')"
	assertEquals "$LXCPATH/base" "$(printf '%s' "$out" | jq -r '.[0].stack[0].container')"
	stop clone
}

testStatusShowsTheDeltaOfACloneBySnapshot() {
	stored base loop
	copy -n base -N clone -s -B overlay
	assert_status 0
	start clone
	assert_status 0
	bdev status -P "$LXCPATH" -n clone
	assertContains "$out" "
  LXC's overlay, delta '$LXCPATH/clone/"
	assertContains "$out" "
  └─ loop:i.img  of $LXCPATH/base  locked ro"
	bdev status -P "$LXCPATH" -n clone --json
	assertContains "$(printf '%s' "$out" | jq -r '.[0].delta')" "$LXCPATH/clone/"
	stop clone
}

# used_by NAME - what status says that it holds, in KiB.
used_by() { "$LXC_BDEV" status -P "$LXCPATH" -n "$1" --json | jq '.[0].used / 1024 | floor'; }

testUsedIsWhatTheContainerHoldsAndNotItsHost() {
	container c1 "dir:$(shared_root),ro" overlay:delta
	container c2 dir:tree
	cp -a "$(shared_root)" "$LXCPATH/c2/tree"
	stored c3 loop
	copy -n c3 -N c4 -s -B overlay
	container c5 "dir:$(shared_root),ro" tmpfs:. overlay:delta
	for c in c1 c2 c4 c5; do
		start "$c"
		assert_status 0
		before=$(used_by "$c")
		inside "$c" dd if=/dev/zero of=/big bs=1024 count=2048
		inside "$c" sync
		after=$(used_by "$c")
		assertTrue "$c: $before KiB, then $after" "[ $after -ge $((before + 2048)) ] && [ $after -lt $((before + 2200)) ]"
		assertTrue "$c: $before" "[ $before -lt 8192 ]"
		stop "$c"
	done
}

testUsedOfWhatNothingWritesToIsNotKnown() {
	container c1 "dir:$(shared_root),ro"
	start c1
	assert_status 0
	assertEquals null "$("$LXC_BDEV" status -P "$LXCPATH" -n c1 --json | jq '.[0].used')"
	bdev status -P "$LXCPATH" -n c1
	assertNotContains "$out" used
	stop c1
}

testStatusOfAFileNeedsTheContainersName() {
	container c1 dir:lower
	bdev status -f "$LXCPATH/c1/config"
	assert_usage "-f '$LXCPATH/c1/config'" '-n NAME'
	bdev status -n c1 -f "$LXCPATH/c1/config"
	assert_status 0
	assertEquals "c1  ($LXCPATH/c1)  not running" "$out"
}

# --- plan and start: warnings ---

testFilesThatTheStackHidesAreToldByPlanAndStart() {
	container c1 "dir:$(shared_root)"
	bdev plan -P "$LXCPATH" -n c1
	assert_status 0
	assertEquals '' "$err"
	touch "$LXCPATH/c1/rootfs/file"
	bdev plan -P "$LXCPATH" -n c1
	assert_status 0
	assert_one_line "$LXCPATH/c1/config: lxc.rootfs.path '$LXCPATH/c1/rootfs' contains files ('file')"
	start c1
	assert_status 0
	assertContains "$(our_lines c1 pre-start)" "'$LXCPATH/c1/rootfs' contains files"
	assertEquals 'said once' 1 "$(our_lines c1 pre-start | wc -l)"
	stop c1
}

testTrailingCommentIsWarnedOf() {
	mkdir "$LXCPATH/x" 'lower # mine'
	container c1 "dir:$HERE/lower # mine"
	bdev plan -P "$LXCPATH" -n c1
	assert_status 0
	assert_one_line "$LXCPATH/c1/config:" "part of the value"
	container c2 "dir:$(shared_root) # mine"
	bdev plan -P "$LXCPATH" -n c2
	assert_status 1
	assertContains "$err" "put a comment on a line of its own"
	container c3 "dir:$(shared_root),ro" overlay:a#b
	bdev plan -P "$LXCPATH" -n c3
	assert_status 0
	assertEquals '' "$err"
}

# --- JSON ---

testJsonIsValid() {
	name='q"u\o	te'
	mkdir "$name"
	bdev mount 'dir:q"u\\o	te' m # a TAB is a control character
	assert_status 2
	mkdir 'q"u\o te' && bdev mount 'dir:q"u\\o te' m
	assert_status 0
	container c1 'dir:q"u\\o te'
	mkdir "$LXCPATH/c1/q\"u\\o te"
	for verb in types status "plan -P '$LXCPATH' -n c1" "status -P '$LXCPATH' -n c1"; do
		eval "bdev $verb --json"
		assert_status 0
		printf '%s\n' "$out" | jq -e 'type == "array"' >/dev/null
		assertEquals "$verb: $out" 0 $?
	done
	assertEquals '"dir:q\"u\\\\o te"' "$("$LXC_BDEV" status --json | jq '.[0].stack[0].spec')"
}

testStatusOfAnLxcpathShowsItsContainersAlone() {
	container c1 "dir:$(shared_root),ro" overlay:delta0
	start c1
	mkdir other
	bdev status -P "$LXCPATH"
	assertContains "$out" "c1  ($LXCPATH/c1)"
	for _other in other "$LXCPATH/c1" "${LXCPATH%?}"; do
		mkdir -p "$_other"
		bdev status -P "$_other"
		assert_status 0
		assertEquals "$_other" '' "$out"
	done
}

testAnLxcpathThatDoesNotExistIsAnError() {
	for _verb in status doctor 'doctor --fix'; do
		# shellcheck disable=SC2086 # a verb and its option
		bdev $_verb -P "$HERE/nosuch"
		assert_status 1
		assert_one_line "lxcpath '$HERE/nosuch'" 'No such file or directory'
	done
}

testStatusSaysOfAContainerWithoutABdevRootfsThatLxcHasItsRoot() {
	container c1
	bdev status -P "$LXCPATH" -n c1
	assert_status 0
	assertContains "$out" 'no bdev.rootfs in its config'
	assertNotContains "$out" 'not running'
}

testPlanOfWhatIsNotWholeSaysSoFirst() {
	container c1
	: >"$LXCPATH/c1/.lxc-bdev.cloning"
	bdev plan -P "$LXCPATH" -n c1
	assert_status 1
	assert_one_line 'making it was interrupted'
}

testEmptyStatusIsAnEmptyList() {
	bdev status --json
	assertEquals '[]' "$(printf '%s' "$out" | jq -c .)"
	bdev status
	assert_status 0
	assertEquals '' "$out"
}

testTypesInJsonAreThoseInText() {
	bdev types --json
	assertEquals "$("$LXC_BDEV" types | sed -n 's/^\([a-z0-9]*\):.*/\1/p')" "$(printf '%s' "$out" | jq -r '.[].type')"
}

testPlanNamesPhaseAndUndoOfEachStep() {
	container c1 loop:image,ro tmpfs:. overlay:delta
	make_image "$LXCPATH/c1/image" ext4 8 "$PWD/lower"
	bdev plan -P "$LXCPATH" -n c1 --json
	assertEquals 'pre-start pre-start pre-start pre-start' "$(printf '%s' "$out" | jq -r '[.[].phase] | join(" ")')"
	assertEquals 'each has an undo' true "$(printf '%s' "$out" | jq 'all(.[]; .undo != "" and .step != "")')"
}

# --- messages ---

testErrorsOnceOnStderrAndOnceToSyslog() {
	# A /dev of our own in a namespace of our own.
	# shellcheck disable=SC2016 # for the inner shell
	run unshare --mount sh -c '
		mount -t tmpfs tmpfs /dev && mknod -m 666 /dev/null c 1 3 || exit 9
		"$1/devlog" /dev/log >syslog &
		until [ -S /dev/log ]; do sleep 0.01; done
		status=0
		"$2" umount m || status=$?
		"$2" types >/dev/null
		i=0
		until [ -s syslog ] || [ $((i += 1)) -gt 2000 ]; do sleep 0.01; done
		kill $!
		exit $status' sh "$TOOLS" "$LXC_BDEV"
	assert_refused "lxc-bdev: umount: '$HERE/m': nothing of lxc-bdev is mounted there"
	assertEquals "messages: $(cat syslog)" 1 "$(wc -l <syslog)"
	assertContains "$(cat syslog)" "umount: '$HERE/m': nothing of lxc-bdev is mounted there"
	assertEquals 'daemon.err' '<27>' "$(cut -c -4 syslog)"
}

testLogFile() {
	echo before >log
	bdev umount m -o log
	assert_status 1
	assertEquals "before
$err" "$(cat log)"
	bdev umount -o gone/log m
	assert_refused "open log file 'gone/log'" 'No such file or directory'
	bdev umount --logfile=log m
	assertEquals 3 "$(wc -l <log)"
}

testLogPriority() {
	for level in TRACE DEBUG INFO NOTICE WARN ERROR CRIT ALERT FATAL debug; do
		bdev types -l $level
		assertEquals "$level: $err" 0 "$status"
	done
	bdev types -l LOUD
	assert_usage "log priority 'LOUD'"
}

testWarningsAreHiddenFromErrorOn() {
	for level in WARN ERROR; do
		bdev mount dir:lower m
		# Somebody works on m for longer than is worth mentioning, which is 1 s.
		flock /run/lxc-bdev/m.* sleep 4 &
		eventually locked
		bdev umount m -l $level
		assert_status 0
		wait
		if [ $level = WARN ]; then
			assert_one_line "'$HERE/m': waiting for another lxc-bdev that works on it"
		else
			assertEquals '' "$err"
		fi
	done
}
locked() { ! flock -n /run/lxc-bdev/m.* true; }

testMessagesAreOneLine() {
	name=$(printf 'a\nlxc-bdev: all is well\033[2J')
	bdev umount "$name"
	assert_status 1
	assert_one_line "'a?lxc-bdev: all is well?[2J'"
}

# --- what is installed ---

testNothingInstalledIsPrivileged() {
	(cd "$ROOT" && make -s install DESTDIR="$HERE/dest dir" PREFIX=/usr) >install.log 2>&1
	assertEquals "make install: $(cat install.log)" 0 $?
	assertTrue 'the program is there' "[ -x 'dest dir/usr/bin/lxc-bdev' ]"
	assertTrue "the hooks' program is there" "[ -x 'dest dir/usr/libexec/lxc-bdev/lxc-bdev-hook' ]"
	conf=$(find 'dest dir' -name bdev.conf)
	assertEquals 'its hooks' 4 "$(sed -n "s|^lxc.hook.*= '\(.*\)'/|\1/|p" "$conf" | tee scripts | wc -l)"
	while IFS= read -r script; do
		assertTrue "$script" "[ -x 'dest dir$script' ]"
		assertContains "$(cat "dest dir$script")" "'/usr/libexec/lxc-bdev/lxc-bdev-hook'"
	done <scripts
	assertEquals 'setuid or setgid' '' "$(find 'dest dir' -type f -perm /6000)"
	assertEquals 'file capabilities' '' "$(getfattr -R -h -m '^security.capability$' 'dest dir')"
	assertEquals 'writable by others' '' "$(find 'dest dir' -type f -perm /022)"
}

testWithoutPrivilegeItSaysWhatItNeeds() {
	program=$(for_everybody)
	run setpriv --reuid=65534 --regid=65534 --clear-groups "$program" types
	assert_status 0
	chmod 0755 m lower
	run setpriv --reuid=65534 --regid=65534 --clear-groups "$program" mount dir:/ /mnt
	assert_status 1
	assert_one_line 'root'
}

testPeakMemoryIsBelow6MB() {
	[ -z "${SAN-}" ] || {
		skip 'the sanitizers need memory of their own'
		return
	}
	! grep -q fsanitize "$ROOT/build/flags" || return 0
	make_image image ext4 8 "$PWD/lower"
	run "$TOOLS/peak" peak "$LXC_BDEV" mount loop:image,ro tmpfs:. overlay:up m
	assert_status 0
	assertTrue "mount: $(cat peak) KiB" "[ $(cat peak) -gt 100 ] && [ $(cat peak) -lt 6000 ]"
	run "$TOOLS/peak" peak "$LXC_BDEV" umount m
	assertTrue "umount: $(cat peak) KiB" "[ $(cat peak) -lt 6000 ]"
	mkdir l
	specs=$(for i in $(seq 500); do mkdir "l/$i" && printf 'l/%d:' "$i"; done)
	run "$TOOLS/peak" peak "$LXC_BDEV" mount "overlay:${specs}up" m
	assert_status 0
	assertTrue "500 lowers: $(cat peak) KiB" "[ $(cat peak) -lt 6000 ]"
}

# shellcheck source=/dev/null
. shunit2
