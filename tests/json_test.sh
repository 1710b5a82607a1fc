#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# What --json writes is what lxc-bdev-json(5) says, and has all that the text has.
# shellcheck source=tests/lib.sh
. "$(dirname -- "$0")/lib.sh"
# shellcheck source=tests/clone.sh
. "$ROOT/tests/clone.sh"

MAN=$ROOT/man/lxc-bdev-json.5

# schema SECTION - of the manual, as JSON: {"stack[].spec": {"types": ["string"], "optional": false}}
schema() {
	awk -v want="$1" '/^\.S[hs] / {on = $0 == ".Ss " want} on && /^\.It Va / {
		key = $3; optional = "false"; types = ""
		for (i = 5; i <= NF; i++)
			if ($i == "optional") optional = "true"
			else if ($i != "or") types = types (types == "" ? "" : ",") "\"" $i "\""
		printf "%s\"%s\": {\"types\": [%s], \"optional\": %s}", (n++ ? "," : "{"), key, types, optional
	} END {print n ? "}" : "{}"}' "$MAN"
}

# assert_schema SECTION - $out is JSON, and each of its members is in the manual with that type, and the reverse.
assert_schema() {
	schema "$1" >schema.json
	assertTrue "members of $1 were found" "[ \$(jq length schema.json) -ge 1 ]"
	printf '%s\n' "$out" >output.json
	jq -r --slurpfile schema schema.json '
		def name: map(if type == "number" then "[]" else "." + . end) | join("") | ltrimstr("[]") | ltrimstr(".");
		$schema[0] as $known
		| . as $all
		| [paths] | map(select((. | name) != "")) as $paths
		| ($paths[] | . as $path | ($all | getpath($path) | type) as $type | name
			| select(($type == "object" and endswith("[]")) | not)
			| if $known[.] == null then "\(.): not in the manual"
			  elif ($known[.].types | index($type)) == null then "\(.): \($type)" else empty end),
		  ($known | to_entries[] | select((.value.optional or (.key | endswith("[]"))) | not) | .key
			| (split(".") | .[-1]) as $member | (split(".") | .[:-1] | join(".")) as $parent
			| . as $key
			| ([[]] + [$all | paths(type == "object")])[] as $path
			| select(($path | name) == $parent and ($all | getpath($path) | type == "object" and (has($member) | not)))
			| "\($key): missing in \($path)")' output.json >complaints 2>&1
	assertEquals "$1, status of jq" 0 $?
	assertEquals "$1: $(cat output.json)" '' "$(sort -u complaints)"
}

# assert_in_json TEXT... - each is a value somewhere in $out, or a part of one.
assert_in_json() {
	for _text; do
		printf '%s\n' "$out" | jq -e --arg text "$_text" \
			'[.. | scalars | tostring | select(contains($text))] | length > 0' >/dev/null
		assertEquals "'$_text' is in $out" 0 $?
	done
}

testEveryVerbWithJsonIsInTheManual() {
	"$LXC_BDEV" help --complete | awk -F '\t' '$1 == "option" && $3 == "--json" {print $2}' >verbs
	assertTrue 'verbs were found' '[ $(wc -l <verbs) -ge 12 ]'
	while IFS= read -r verb; do
		[ "$verb" != 'layer metadata' ] || continue # as layer list
		grep -qxF ".Ss $verb" "$MAN" || echo "$verb"
	done <verbs >missing
	assertEquals 'verbs without a section' '' "$(cat missing)"
	sed -n 's/^\.Ss //p' "$MAN" | while IFS= read -r verb; do
		grep -qxF "$verb" verbs || echo "$verb"
	done >missing
	assertEquals 'sections without a verb' '' "$(cat missing)"
}

testTheTestSeesWhatIsWrong() {
	for json in '[{"kind":"mount"}]' '[{"kind":1,"name":"a","directory":null,"problem":"p","cleared":true}]' \
		'[{"kind":"a","name":"a","directory":null,"problem":"p","cleared":true,"more":1}]'; do
		(
			fail() { :; }
			out=$json
			assert_schema doctor >/dev/null 2>&1
		)
		schema doctor >schema.json
		assertNotEquals "$json" '' "$(cat complaints)"
	done
}

testPlanStatusTypesAndDoctor() {
	make_image image ext4
	mkdir m m2
	stored base loop
	container c1 'container:'"$LXCPATH/base" overlay:delta
	start c1
	assert_status 0
	bdev mount loop:image,ro m
	assert_status 0
	container c2 dir:lower
	bdev status -P "$LXCPATH" c2 --json
	assert_status 0
	assert_schema status
	assert_in_json c2 "$LXCPATH/c2" 'not running'
	bdev types --json
	assert_schema types
	bdev plan c1 -P "$LXCPATH" --json
	assert_status 0
	assert_schema plan
	"$LXC_BDEV" plan c1 -P "$LXCPATH" >text
	printf '%s\n' "$out" >plan.json
	assertEquals 'the text from the JSON' "$(jq -r 'to_entries[] | "\(.key + 1). \(.value.phase)\t\(.value.step)",
		(if .value.spec then "\t\tfrom: \(.value.spec) (\(.value.where))" else empty end), "\t\tundone by: \(.value.undo)"' plan.json)" "$(cat text)"
	bdev status --json
	assert_status 0
	assert_schema status
	assertEquals 'stacks' 2 "$(printf '%s\n' "$out" | jq length)"
	assert_in_json c1 "$LXCPATH/c1" mounted "$HERE/m" loop:image,ro overlay:delta ro /dev/loop "$LXCPATH/base"
	# Each monitor and device that the text has.
	for word in $("$LXC_BDEV" status | grep -o -e 'monitor [0-9]*' -e '/dev/loop[0-9]*' | sed 's/monitor //'); do
		assert_in_json "$word"
	done
	bdev doctor --json
	assert_status 0
	assertEquals '[]' "$(printf '%s\n' "$out" | jq -c .)"
	umount m
	bdev doctor --json
	assert_status 1
	assert_schema doctor
	assert_in_json mount "$HERE/m" 'ended without lxc-bdev umount' false
	bdev doctor --fix --json
	assert_status 0
	assert_schema doctor
	assert_in_json true
	bdev doctor --json
	assert_status 0
	stop c1
}

testLayers() {
	mkdir tree && echo one >tree/file
	tar -C tree -cf one.tar .
	store=$HERE/store
	bdev layer apply one one.tar --store "$store" --json
	assert_status 0
	assert_schema 'layer apply'
	"$LXC_BDEV" layer apply two one.tar --parent one --store "$store" >/dev/null
	bdev layer get two --holder me --store "$store" --json
	assert_schema 'layer get'
	bdev layer list --store "$store" --json
	assert_schema 'layer list'
	bdev layer metadata two --store "$store" --json
	assert_schema 'layer list'
	for word in $("$LXC_BDEV" layer metadata two --store "$store" | grep -e ^id -e ^parent -e ^size -e ^created -e ^driver -e ^holder |
		cut -d ' ' -f 2); do
		assert_in_json "$word"
	done
	bdev layer status --store "$store" --json
	assert_schema 'layer status'
	for word in $("$LXC_BDEV" layer status --store "$store" | grep -v ^root | cut -d ' ' -f 2) "$store"; do
		assert_in_json "$word"
	done
	bdev layer changes two --store "$store" --json
	assert_schema 'layer changes'
	assertEquals "$("$LXC_BDEV" layer changes two --store "$store")" "$(printf '%s\n' "$out" | jq -r '.[] | "\(.kind) \(.path)"')"
	bdev layer diffsize two --store "$store" --json
	assert_schema 'layer diffsize'
	"$LXC_BDEV" layer put two --holder me --store "$store"
	mkdir "$store/diff/stray"
	bdev layer check --store "$store" --json
	assert_status 1
	assert_schema 'layer check'
	assert_in_json stray
	mkdir -p d/layers d/diff/a d/mnt/a && : >d/layers/a
	bdev layer import --aufs d --driver overlay --json
	assert_status 0
	assert_schema 'layer import'
}

# counts_of TEXT... - each "N KIND" stands in $out as a count of that kind.
counts_of() {
	for _text; do
		assertEquals "${_text#* } in $out" "${_text%% *}" "$(printf '%s\n' "$out" | jq ".[0].counts[\"${_text#* }\"]")"
	done
}

testConvert() {
	for format in aufs overlay; do
		mkdir -p "$format/opaque" && echo one >"$format/file"
	done
	: >aufs/.wh.gone && : >aufs/opaque/.wh..wh..opq && : >aufs/.wh.file
	bdev convert --check aufs --json
	assert_status 1
	assert_schema convert
	counts_of '2 whiteout' '1 opaque' '1 problem'
	assert_in_json "$HERE/aufs" aufs file
	bdev convert --dry-run overlay aufs --json
	assert_status 0
	assert_schema convert
	counts_of '2 whiteout' '1 opaque' '1 hidden'
	"$LXC_BDEV" convert --dry-run overlay aufs | sed '$d' | sort >text
	assertEquals 'the text from the JSON' "$(cat text)" \
		"$(printf '%s\n' "$out" | jq -r '.[].found[] | "\(.kind) \(.path)" + if .why then ": \(.why)" else "" end' | sort)"
	bdev convert overlay aufs overlay --json
	assert_status 0
	assert_schema convert
	assertEquals 'formats' 'overlay plain' "$(printf '%s\n' "$out" | jq -r '.[].format' | paste -sd ' ')"
	bdev convert aufs aufs --to copy --json
	assert_schema convert
	assert_in_json copy
}

testConvertOfAContainer() {
	container c1 dir:lower,ro aufs:delta
	mkdir -p "$LXCPATH/c1/lower" "$LXCPATH/c1/delta" && : >"$LXCPATH/c1/delta/.wh.gone"
	bdev convert -P "$LXCPATH" c1 overlay --dry-run --json
	assert_status 0
	assert_schema convert
	counts_of '1 delta' '1 line'
	assert_in_json c1 "$LXCPATH/c1/config" overlay:delta gone
	bdev convert -P "$LXCPATH" c1 overlay --json
	assert_status 0
	assert_schema convert
	counts_of '1 delta' '1 line'
}

# shellcheck source=/dev/null
. shunit2
