# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh disable=SC2154
#
# suite.sh - the test file of a guest: a User-Mode Linux is booted once and runs $FILES; each test in them, and in those
# that they source ($SOURCES), is one here. Source it after lib.sh, with the two set.

SHARE=$SCRATCH/share

suite() {
	# shellcheck disable=SC2086
	for _test in $(cd "$ROOT" && sed -n 's/^\(test[A-Za-z0-9]*\)() *{.*/\1/p' $FILES ${SOURCES-}); do
		eval "$_test() { reports_pass $_test; }"
		suite_addTest "$_test"
	done
	suite_addTest testItEndsWithNothingLeftBehind
}

oneTimeSetUp() {
	command -v linux.uml >/dev/null || return 0
	mkdir "$SHARE"
	# shellcheck disable=SC2086
	"$ROOT/tests/uml/run" "$SHARE" $FILES || cat "$SHARE/console"
	# Without the tests' names, which are ours too.
	[ ! -e "$SHARE/log" ] || grep -v '^test' "$SHARE/log"
}

needs_uml() {
	command -v linux.uml >/dev/null || skip 'linux.uml is missing (package user-mode-linux)'
	[ -z "$_skipped" ]
}

# reports_pass TEST - what the guest says of it; a guest that did not get there says nothing.
reports_pass() {
	needs_uml || return 0
	_result=$(grep -e " $1\$" -e " $1:" "$SHARE/results")
	case $_result in
	skip*) skip "${_result#*: }" ;;
	*) assertEquals "pass $1" "$_result" ;;
	esac
}

testItEndsWithNothingLeftBehind() {
	needs_uml || return 0
	for file in $FILES; do
		assertContains "$(cat "$SHARE/results")" "clean ${file##*/}"
	done
	assertEquals end "$(tail -n 1 "$SHARE/results")"
	assertNotContains "$(cat "$SHARE/log")" 'Call Trace'
}
