#!/usr/bin/env bash
# compare.sh BINARY NAME [--write]: the preset NAME is valid without a warning, its own tests pass, none of the lines in
# NAME.jsonl is rejected or invalid, and what `map --all` makes of them is NAME.expect, to the letter.
set -u
binary=$(realpath "$1") name=$2 write=${3:-}
cd "$(dirname "$0")" || exit 1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export RAINDROP_WRITE_KEY=rk_test
fail() { echo "$name: $1" >&2 && exit 1; }

said=$("$binary" check --preset "$name" "$name.jsonl" 2>&1) || fail "$said"
grep -q warning <<< "$said" && fail "$said"
"$binary" test --preset "$name" "$name.jsonl" > "$work/tests" 2>&1 || fail "$(cat "$work/tests")"
tail -n 1 "$work/tests" | grep -qE '^[1-9][0-9]* passed, 0 failed$' || fail "it has no tests"

"$binary" map --all --preset "$name" - < "$name.jsonl" > "$work/calls" 2> "$work/errors" || fail "$(cat "$work/errors")"
grep -E '"outcome":"(rejected|invalid)"' "$work/calls" && fail "a line that should not have been refused"
[ "$write" = --write ] && cp "$work/calls" "$name.expect"
diff -u "$name.expect" "$work/calls" || fail "the calls differ from $name.expect"
printf '%s: %d lines, %d calls\n' "$name" "$(wc -l < "$name.jsonl")" "$(grep -c '"endpoint"' "$work/calls")"
