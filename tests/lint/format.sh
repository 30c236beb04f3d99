#!/usr/bin/env bash
# Every C file is as clang-format would write it.
set -u
cd "$(dirname "$0")/../.."
git ls-files '*.c' '*.h' | xargs clang-format --dry-run --Werror 2>&1 | head -n 40
exit "${PIPESTATUS[1]}"
