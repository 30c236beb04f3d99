#!/usr/bin/env python3
"""Writes unicode_case.inc: Unicode's simple case mappings as runs. Run it by hand when Python's Unicode is newer.

Python knows the full mappings (one character to several). Where a full one has one character it is also the simple
one; the others are told by the title case ("ᾀ" is "ἈΙ" in upper case, and "ᾈ" simply), or have no simple mapping.
"""
import sys
import unicodedata


def simple_upper(c):
    for mapped in (c.upper(), c.title()):
        if len(mapped) == 1:
            return mapped
    return c


def simple_lower(c):
    return "i" if c == "\u0130" else c.lower()


def runs(mapping):
    result = []
    for code in range(0x80, 0x110000):
        mapped = code if 0xD800 <= code <= 0xDFFF else ord(mapping(chr(code)))
        if mapped == code:
            continue
        delta = mapped - code
        if result:
            first, last, last_delta, step = result[-1]
            gap = code - last
            if delta == last_delta and gap <= 2 and (first == last or gap == step):
                result[-1] = (first, code, delta, gap)
                continue
        result.append((code, code, delta, 1))
    return result


def main():
    print(f"/* Made by unicode_case.py from Unicode {unicodedata.unidata_version}. */")
    for name, mapping in (("to_lower", simple_lower), ("to_upper", simple_upper)):
        print(f"static const struct case_run {name}[] = {{")
        for first, last, delta, step in runs(mapping):
            print(f"    {{0x{first:x}, 0x{last:x}, {delta}, {step}}},")
        print("};")


if __name__ == "__main__":
    sys.exit(main())
