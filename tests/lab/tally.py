# SPDX-License-Identifier: Apache-2.0
"""Counting what ran: `tally.py cmocka CTEST-OUTPUT` and `tally.py pytest JUNIT-XML` print the names of what failed or was
skipped and, last, `counts PASSED FAILED SKIPPED`."""
import re
import sys
import xml.etree.ElementTree


def cmocka(path):
    """cmocka's lines in the output of `ctest -V`; a program that failed without naming a test counts as one failure."""
    with open(path, errors="replace", encoding="utf-8") as output:
        lines = output.read().splitlines()
    programs, runs, blamed = {}, [], {}
    for line in lines:
        if start := re.match(r"\s*Start\s+(\d+): (\S+)", line):
            programs[start.group(1)] = start.group(2)
        elif test := re.match(r"(\d+): \[\s*(RUN|OK|SKIPPED)\s*\] ([^:]+)$", line):
            number, what, name = test.groups()
            if what == "RUN":
                runs.append([number, name.strip(), "FAILED"])       # until it says otherwise: it may crash
            elif runs and runs[-1][:2] == [number, name.strip()]:
                runs[-1][2] = what
        elif end := re.match(r"\s*\d+/\d+ Test\s+#(\d+): .*?\*\*\*(.*?)\s+[\d.]+ sec", line):
            blamed[end.group(1)] = end.group(2)
    passed = sum(what == "OK" for _number, _name, what in runs)
    skipped = [(number, name) for number, name, what in runs if what == "SKIPPED"]
    failed = [(number, name) for number, name, what in runs if what == "FAILED"]
    failed += [(number, f"(the program: {why})") for number, why in blamed.items() if number not in {n for n, _name in failed}]
    for kind, names in (("failed", failed), ("skipped", skipped)):
        for number, name in names:
            print(f"{kind}: {programs.get(number, number)}: {name}")
    return passed, len(failed), len(skipped)


def pytest(path):
    passed = failed = skipped = 0
    for case in xml.etree.ElementTree.parse(path).iter("testcase"):
        name = f"{case.get('classname', '').rpartition('.')[2]}::{case.get('name')}"
        skip = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
            print(f"failed: {name}")
        elif skip is not None:
            skipped += 1
            print(f"skipped: {name}: {skip.get('message')}")
        else:
            passed += 1
    return passed, failed, skipped


if __name__ == "__main__":
    print("counts", *{"cmocka": cmocka, "pytest": pytest}[sys.argv[1]](sys.argv[2]))
