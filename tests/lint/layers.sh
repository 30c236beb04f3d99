#!/usr/bin/env bash
# Keeps the layers apart: parsers know nothing of conf or the agent, conf nothing of the agent, neither does I/O, and each
# library's header is included where it belongs only.
set -u
cd "$(dirname "$0")/../.."
bad=0
# forbid WHERE PATTERN WHY: no file below WHERE includes a header that matches.
forbid() {
    local found
    found=$(grep -rnE --include='*.[ch]' "^#include [<\"]($2)[>\"]" $1) || return 0
    printf '%s\n' "$found"
    echo "  ^ $3"
    bad=1
}
# only HEADER FILES...: nobody else includes it.
only() {
    local header=$1 found
    shift
    found=$(grep -rlE --include='*.[ch]' "^#include <$header>" parsers conf agent | grep -vxF "$(printf '%s\n' "$@")") || return 0
    printf '%s\n' "$found"
    echo "  ^ include <$header>, which belongs to: $*"
    bad=1
}
forbid parsers '(uv|curl/curl|yaml|microhttpd|unistd|fcntl|sys/.*|time|syslog|pthread)\.h' 'parsers are pure: no I/O, no clock, no threads'
forbid parsers '(config|rules|yaml_tree|diagnostics|log|error)\.h|(follow|map|deliver|state|admin|cli)/.*' 'parsers know nothing of conf and agent'
forbid conf '(uv|curl/curl|microhttpd)\.h' 'conf is pure'
forbid conf '(log|error|agent)\.h|(follow|map|deliver|state|admin|cli)/.*' 'conf knows nothing of the agent'
only jsmn.h parsers/json/json_doc.c
only yaml.h conf/yaml_tree.c
only pcre2.h parsers/expr/regex.c
only openssl/evp.h parsers/base/digest.c
only curl/curl.h agent/deliver/curl_transport.c agent/deliver/curl_loop.c agent/deliver/curl_loop.h
exit $bad
