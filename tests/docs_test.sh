#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Manual pages, README, --help and completion agree with the program, and every example works.
# shellcheck source=tests/lib.sh
. "$(dirname -- "$0")/lib.sh"

MAN8=$ROOT/man/lxc-bdev.8
MAN8LAYER=$ROOT/man/lxc-bdev-layer.8
MAN5=$ROOT/man/bdev.conf.5
README=$ROOT/README.md
HACKING=$ROOT/HACKING.md

# The examples name /srv: in this file's mount namespace that is a directory of ours, whose path has no blanks.
oneTimeSetUp() {
	mkdir -p "$SCRATCH/srv" && mount --bind "$SCRATCH/srv" /srv || exit
	PATH=$ROOT/build:$PATH
}

oneTimeTearDown() {
	! mountpoint -q /srv || umount -l /srv
}

setUpEach() {
	LXCPATH=/srv/lxc
	mkdir -p "$LXCPATH"
}

tearDownEach() {
	sort -u "$SCRATCH/started" | while IFS= read -r _c; do
		is_stopped "$_c" || stop "$_c" </dev/null >/dev/null 2>&1
	done
	! mountpoint -q /srv/mnt || "$LXC_BDEV" umount /srv/mnt
	rm -rf --one-file-system -- "$SCRATCH/srv"/*
	: >"$SCRATCH/started"
}

# table PROGRAM - lines of the tables of verbs and options, as awk selects them.
table() { "$LXC_BDEV" help --complete | awk -F '\t' "$1"; }
help_verbs() { table '$1 == "verb" && $2 !~ / / {print $2}'; }
layer_verbs() { table '$1 == "verb" && sub(/^layer /, "", $2) {print $2}'; }
types() { "$LXC_BDEV" types | sed -n 's/^\([a-z]*\):.*/\1/p'; }

# type_options TYPE - "NAME" or "NAME=VALUE" on a line each, without those of all types.
type_options() {
	"$LXC_BDEV" types | awk -F '\t' -v type="$1" '$1 != "" {on = index($1, type ":") == 1; next} on {print $2}'
}

# man_section FILE HEADING - that .Sh or .Ss, up to the next.
man_section() { awk -v want="$2" '/^\.S[hs] / {on = index($0, " " want) == 4} on' "$1"; }

# readme_type TYPE - its row in the table of types.
readme_type() { grep "^| \`$1:" "$README"; }

# readme_blocks LANGUAGE - each block as a file of that suffix in $HERE/readme, in order.
readme_blocks() {
	mkdir -p "$HERE/readme"
	awk -v dir="$HERE/readme" -v lang="$1" '
		/^```/ {on = 0}
		on {print >file}
		$0 == "```" lang {on = 1; file = sprintf("%s/%02d.%s", dir, ++n, lang)}' "$README"
}

testHackingSaysWhatTheTestsCover() {
	"$ROOT/tests/covers" | while IFS= read -r _row; do
		grep -qxF -- "$_row" "$HACKING" || echo "$_row"
	done >missing
	assertEquals 'rows that HACKING.md lacks' '' "$(cat missing)"
}

# readme_files - what the README's commands make below /srv, made by those commands.
readme_files() {
	readme_blocks sh
	conf=$(bdev_conf)
	# The template as it is installed.
	mkdir -p /srv/config
	cp "$conf" /srv/config/bdev.conf
	printf 'lxc.include = %s/common.conf\n' "$LXC_COMMON" >/srv/config/common.conf
	install_template /srv/template "/srv/config"
	echo web1 >>"$SCRATCH/started"
	for _block in "$HERE"/readme/*.sh; do
		{
			echo "P=$LXCPATH"
			sed -e "s|^P=/var/lib/lxc\$|P=$LXCPATH|" -e "s|/usr/share/lxc/config/bdev.conf|$conf|" \
				-e 's|/tmp/try.conf|/srv/try.conf|' -e 's|-t bdev |-t /srv/template |' "$_block"
		} >"$_block.here"
		assertFalse "$(basename "$_block") would work in /var/lib/lxc" "grep -F /var/lib/lxc '$_block.here'"
		! grep -q -F /var/lib/lxc "$_block.here" || return
		run sh -eu "$_block.here" </dev/null
		assertEquals "$(cat "$_block"; printf '\n%s\n%s' "$out" "$err")" 0 "$status"
		printf '%s\n' "$out" >"$_block.out"
	done
}

testReadmeCommandsWorkInOrder() {
	readme_files
	assertTrue 'the blocks were found' "[ -e '$HERE/readme/06.sh.out' ]"
	assertContains 'the plan is shown' "$(cat "$HERE"/readme/01.sh.out)" "mount overlay: 1 lower, upper 'delta' on the tmpfs"
	assertContains 'the tree is shown' "$(cat "$HERE"/readme/01.sh.out)" '     └─ loop:/srv/images/busybox.img,ro  locked ro  /dev/loop'
	assertContains 'and is gone after a stop' "$(cat "$HERE"/readme/02.sh.out)" 'not running'
	run lxc-destroy -P "$LXCPATH" -n web1
	assert_status 0
	assertTrue 'what is shared is never deleted' '[ -s /srv/images/busybox.img ]'
	assertTrue 'nor below a directory' '[ -e /srv/roots/busybox/bin/busybox ]'
}

testReadmeContainersStart() {
	readme_files
	readme_blocks conf
	n=0
	for _block in "$HERE"/readme/*.conf; do
		n=$((n + 1))
		container "r$n"
		grep '^bdev\.' "$_block" >>"$LXCPATH/r$n/config"
		run "$LXC_BDEV" plan -P "$LXCPATH" -n "r$n"
		# The one example that needs a kernel of its own.
		if grep -q '^bdev.rootfs = aufs:' "$_block" && ! grep -qw aufs /proc/filesystems; then
			assertEquals "plan of $(cat "$_block"): $err" 3 "$status"
			continue
		fi
		assertEquals "plan of $(cat "$_block"): $err" 0 "$status"
		start "r$n"
		assertEquals "start of $(cat "$_block"): $err" 0 "$status"
		inside "r$n" /bin/busybox test -x /sbin/init
		assertEquals "the root of $(cat "$_block")" 0 "$status"
		stop "r$n"
	done
	assertTrue "$n examples" "[ $n -ge 8 ]"
}

testReadmeHasAWorkedExampleOfEachType() {
	readme_blocks conf
	for _type in $(types); do
		assertTrue "an example of $_type" "grep -q '^bdev.rootfs = $_type:' '$HERE'/readme/*.conf"
		assertEquals "$_type has one row in the table of types" 1 "$(readme_type "$_type" | wc -l)"
		for _option in $(type_options "$_type" | sed 's/=.*/=/'); do
			assertContains "$_type's row" "$(readme_type "$_type")" "\`$_option\`"
		done
	done
}

testReadmeNamesEachVerb() {
	for _verb in $(help_verbs); do
		assertTrue "lxc-bdev $_verb" "grep -q 'lxc-bdev $_verb' '$README'"
	done
}

testManualPagesAreWellFormed() {
	run mandoc -T lint -W warning "$ROOT"/man/*
	assertEquals "$out" 0 "$status"
}

testEachVerbIsInTheManual() {
	assertNotNull 'verbs' "$(help_verbs)"
	for _verb in $(help_verbs); do
		assertContains "$_verb in the synopsis" "$(man_section "$MAN8" SYNOPSIS)" ".Cm $_verb"
		assertContains "$_verb described" "$(man_section "$MAN8" DESCRIPTION)" ".It Cm $_verb"
	done
}

testEachVerbOfLayerIsInItsManual() {
	layer_verbs >"$HERE/verbs"
	assertTrue 'verbs were found' "[ $(wc -l <"$HERE/verbs") -ge 10 ]"
	while IFS= read -r _verb; do
		assertTrue "$_verb" "grep -q '^\\.It \\(Xo \\)\\?Cm $_verb\\( \\|\$\\)' '$MAN8LAYER'"
	done <"$HERE/verbs"
}

testTheManualHasNoOtherVerbs() {
	for _verb in $(man_section "$MAN8" SYNOPSIS | sed -n 's/^\.Cm \([a-z-]*\).*/\1/p'); do
		assertContains "--help" " $(help_verbs | tr '\n' ' ')" " $_verb "
	done
}

# options_of NAME - "--option -l VALUE" of each option of a verb that is for people, or with - of all verbs.
options_of() { table '$1 == "option" && $2 == "'"$1"'" {print $3, $4, $5}'; }

# Its .It line has its letter and a value if it takes one. Each is said in the manual of its verb.
testEachOptionIsInTheManual() {
	assertContains 'options' "$(options_of -)" --logfile
	for _verb in - $(help_verbs) $(layer_verbs | sed 's/^/layer:/'); do
		case $_verb in
		layer:*) _man="$MAN8 $MAN8LAYER" ;;
		*) _man=$MAN8 ;;
		esac
		options_of "$(echo "$_verb" | tr : ' ')" >"$HERE/options"
		while read -r _option _letter _value; do
			_line="Fl ${_option#-}"
			[ "$_letter" = - ] || _line="Fl ${_letter#-} , $_line"
			case $_value in
			-) _line="$_line\\( Op \\| ,\\|\$\\)" ;;
			\[*) _line="$_line Ns Op = Ns Ar" ;;
			*) _line="$_line Ns = Ns \\(Ar\\|Cm\\) " ;;
			esac
			# shellcheck disable=SC2086 # names of files
			grep -q -e "^\\.\\(It \\)\\?\\(Cm import \\|Cm check \\|Op \\)\\?$_line" -e "Oo $_line" -e "Op $_line" $_man ||
				echo "$_verb $_option: $_line"
		done <"$HERE/options" >>"$HERE/missing"
	done
	assertEquals 'options that the manuals lack' '' "$(cat "$HERE/missing")"
}

testTheManualsHaveNoOtherOptionsOfVerbs() {
	table '$1 == "option" {print $3}' | sort -u >"$HERE/known"
	{
		man_section "$MAN8" SYNOPSIS
		man_section "$MAN8" OPTIONS
		cat "$MAN8LAYER"
	} | grep -o 'Fl -[a-z][a-z-]*' | sed 's/Fl -/--/' | sort -u | while read -r _option; do
		grep -qxF -e "$_option" "$HERE/known" || echo "$_option"
	done >"$HERE/unknown"
	assertEquals 'options that no verb has' '' "$(cat "$HERE/unknown")"
}

testEachTypeAndItsOptionsAreInTheManual() {
	assertNotNull 'types' "$(types)"
	for _type in $(types); do
		_section=$(man_section "$MAN5" "$_type:")
		assertNotNull "a section on $_type" "$_section"
		for _option in $(type_options "$_type"); do
			case $_option in
			*=*\|*) _line=".It Cm ${_option%%=*} Ns = Ns Cm $(printf '%s' "${_option#*=}" | sed 's/|/ Ns | Ns Cm /g')" ;;
			*=*) _line=".It Cm ${_option%%=*} Ns = Ns Ar ${_option#*=}" ;;
			*) _line=".It Cm $_option" ;;
			esac
			assertContains "section $_type" "$_section" "$_line"
		done
	done
}

testTheManualHasNoOtherOptions() {
	for _type in $(types); do
		_known=" $(type_options "$_type" | sed 's/=.*//' | tr '\n' ' ')"
		for _option in $(man_section "$MAN5" "$_type:" | sed -n 's/^\.It Cm \([a-z0-9_-]*\).*/\1/p'); do
			assertContains "options of $_type" "$_known" " $_option "
		done
	done
}

testEachHookLineIsInTheManual() {
	sed -n 's/^\(lxc\.[a-z.-]*\) *=.*/\1/p' "$ROOT/config/bdev.conf.in" >"$HERE/keys"
	assertTrue 'keys were found' "[ -s '$HERE/keys' ]"
	while IFS= read -r _key; do
		assertTrue "$_key" "grep -q '^\\.It Ic $_key\\( \\|\$\\)' '$MAN5'"
	done <"$HERE/keys"
}

# The examples of bdev.conf(5), planned for containers of their own.
testManualExamplesParse() {
	mkdir -p /srv/images /srv/roots /srv/deltas/web1
	cp -a "$(shared_root)" /srv/roots/base
	make_image /srv/images/base.img ext4
	make_image /srv/images/app.sqfs squashfs
	cp /srv/images/base.img '/srv/images/a:b,c.img'
	truncate -s 90M /srv/images/disk.img
	printf 'label: gpt\nsize=8MiB\nsize=64MiB\n' | sfdisk -q /srv/images/disk.img
	dd if=/srv/images/base.img of=/srv/images/disk.img bs=1M seek=9 conv=notrunc,sparse status=none
	qemu-img convert -f raw -O qcow2 /srv/images/disk.img /srv/images/debian-12.qcow2
	man_section "$MAN5" EXAMPLES | awk -v dir="$HERE" '
		/^\.Bd/ {file = dir "/" ++n ".specs"}
		/^bdev\.rootfs/ {gsub(/\\e/, "\\"); print >file}'
	assertTrue 'examples were found' "[ -e '$HERE/6.specs' ]"
	n=0
	for _specs in "$HERE"/*.specs; do
		n=$((n + 1))
		container "m$n"
		cat "$_specs" >>"$LXCPATH/m$n/config"
		bdev plan -P "$LXCPATH" -n "m$n"
		assertEquals "$(cat "$_specs"): $err" 0 "$status"
	done
}

# Each text of DIAGNOSTICS is in the source, so that a reader who searches for a message finds it.
testDiagnosticsAreMessagesOfTheProgram() {
	cat "$ROOT"/helper/*.c "$ROOT"/helper/*/*.c | tr -d '\n\t' | sed 's/" *"//g; s/%[0-9.]*l*[a-z]//g' >"$HERE/source"
	sed -n 's/^\.It Sy //p' "$MAN8" | sed 's/\.\.\.//g; s/10 s$/ s/' | tr ';' '\n' | sed 's/^ *//' >"$HERE/texts"
	assertTrue 'texts were found' "[ $(wc -l <"$HERE/texts") -ge 10 ]"
	while IFS= read -r _text; do
		assertTrue "$_text" "grep -q -F -e \"$_text\" '$HERE/source'"
	done <"$HERE/texts"
}

# tab LINE - what bash offers at the end of the line, split into words as readline does, one a line.
tab() {
	run bash -c '
		. /usr/share/bash-completion/bash_completion && . "$1" || exit
		compopt() { :; }
		COMP_LINE=$2 COMP_POINT=${#2} COMP_TYPE=9 COMP_KEY=9
		mapfile -t COMP_WORDS < <(printf "%s" "$2" | sed "s/\([:=][:=]*\)/ \1 /g; s/  */ /g" | tr " " "\n")
		[[ $2 != *[\ :=] ]] || COMP_WORDS+=("")
		COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
		_lxc_bdev lxc-bdev "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
		printf "%s\n" "${COMPREPLY[@]}"
	' bash "$ROOT/config/bash-completion/lxc-bdev" "$1"
}

testCompletionOffersEachVerb() {
	tab 'lxc-bdev '
	for _verb in $(help_verbs); do
		assertContains " $(printf '%s' "$out" | tr '\n' ' ') " " $_verb "
	done
}

testCompletionOffersEachTypeAndItsOptions() {
	tab 'lxc-bdev mount '
	for _type in $(types); do
		assertContains " $(printf '%s' "$out" | tr '\n' ' ') " " $_type: "
	done
	for _type in $(types); do
		tab "lxc-bdev mount $_type:x,"
		assertContains "ro of $_type" "$out" x,ro
		for _option in $(type_options "$_type" | sed 's/=.*/=/'); do
			assertContains "options of $_type" "$out" "x,$_option"
		done
	done
	tab 'lxc-bdev mount tmpfs:.,keep='
	assertEquals 'values' 'reboot
no' "$out"
}

testCompletionOffersTheVerbsOwnOptions() {
	tab 'lxc-bdev doctor --'
	assertContains "$out" --fix
	assertNotContains "$out" --newname
	tab 'lxc-bdev plan -'
	assertContains "$out" --json
	assertContains "$out" -P
}

testCompletionOffersLayersAndWhatIsDoneWithThem() {
	"$LXC_BDEV" layer --store "$HERE/store" create one
	tab "lxc-bdev layer --store store remove o"
	assertEquals one "$out"
	tab "lxc-bdev layer --store store create two --parent o"
	assertEquals one "$out"
	tab 'lxc-bdev layer apply x --'
	for _option in --parent= --idmap= --max-bytes= --json; do
		assertContains "$out" "$_option"
	done
	tab 'lxc-bdev layer import --c'
	assertEquals --copy "$out"
	tab 'lxc-bdev layer h'
	assertEquals help "$out"
}
testCompletionOffersFormsAndThenDirectoriesToConvert() {
	mkdir overlaid
	tab 'lxc-bdev convert o'
	assertEquals overlay "$out"
	tab 'lxc-bdev convert overlay o'
	assertEquals overlaid/ "$out"
	tab 'lxc-bdev convert --d'
	assertEquals --dry-run "$out"
}

testCompletionOffersEachOptionOfEachVerb() {
	table '$1 == "option" && $2 != "-" {print $2 ":" $3}' | sort >"$HERE/wanted"
	table '$1 == "hidden" {print "^" $2 ":"}' >"$HERE/hidden"
	grep -v -f "$HERE/hidden" "$HERE/wanted" | while IFS=: read -r _verb _option; do
		[ "$_verb" = "${_last-}" ] || tab "lxc-bdev $_verb --"
		_last=$_verb
		case " $(printf '%s' "$out" | tr '\n=' '  ') " in *" $_option "*) ;; *) echo "$_verb $_option" ;; esac
	done >"$HERE/missing"
	assertEquals 'options that completion lacks' '' "$(cat "$HERE/missing")"
}

testCompletionOffersValuesThatAreWords() {
	tab 'lxc-bdev ephemeral --backing a'
	assertEquals aufs "$out"
	tab 'lxc-bdev status --logpriority=W'
	assertEquals WARN "$out"
	tab 'lxc-bdev status -l W'
	assertEquals WARN "$out"
	tab 'lxc-bdev help layer app'
	assertEquals apply "$out"
}

testCompletionOffersContainersBelowTheLxcpath() {
	container "c1"
	container "d1"
	tab "lxc-bdev status -P $LXCPATH -n c"
	assertEquals c1 "$out"
	tab "lxc-bdev status -P $LXCPATH c"
	assertEquals c1 "$out"
	tab "lxc-bdev plan -P $LXCPATH --name=c"
	assertEquals 'behind the =' c1 "$out"
}

testCompletionOffersFilesAsSources() {
	touch file1.img
	tab 'lxc-bdev mount loop:fi'
	assertEquals file1.img "$out"
}

# shellcheck source=/dev/null
. shunit2
