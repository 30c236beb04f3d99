#!/usr/bin/env bash
# clang-tidy finds nothing in the program: tests/lint/tidy.sh DIRECTORY [OPTION...]
#   DIRECTORY   of a build, for its compile_commands.json
#   OPTION      of clang-tidy
set -u
cd "$(dirname "$0")/../.."
build=${1:?a build directory}
shift
git ls-files 'agent/*.c' 'parsers/*.c' 'conf/*.c' | xargs -P "$(nproc)" -n 4 clang-tidy --quiet -p "$build" "$@" 2> /dev/null
