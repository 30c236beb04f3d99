#!/usr/bin/env bash
# The presets of all loggers have the same rules, but for their name and where the logger puts its own fields.
set -eu
cd "$(dirname "$0")/../../conf/presets"
rules_of() { # NAME
    local key=${1//-/_}
    sed -n '/^# ---- from here to the tests/,/^tests:/p' "$1.yaml" |
        sed -e "s/^\(      timestamp\): .*/\1/" -e "s/^\(        message\): .*/\1/" -e "s/^\(      f\): .*/\1/" \
            -e "s/${key}_sentiment/SENTIMENT/g" -e "s/${key}_names/NAMES/g" -e "s/name: $1-/name: /"
}
for name in winston bunyan structlog python-json-logger zap zerolog logback-ecs logback-logstash serilog-clef; do
    diff <(rules_of pino) <(rules_of "$name") || { echo "pino and $name differ" >&2 && exit 1; }
done
[ "$(rules_of pino | wc -l)" -gt 100 ]
