# SPDX-License-Identifier: Apache-2.0
"""Counting what ran: `tally.py cmocka CTEST-OUTPUT` and `tally.py pytest JUNIT-XML` print the names of what failed or was
skipped and, last, `counts PASSED FAILED SKIPPED`; `tally.py failed JUNIT-XML` the node ids of what failed. Of several JUnit files a later one
counts for the tests in it."""
import re
import sys
import xml.etree.ElementTree


def cmocka(path):
    """cmocka's lines in the output of `ctest -V`; a program that failed without naming a test counts as one failure."""
    with open(path, errors="replace", encoding="utf-8") as output:
        lines = output.read().splitlines()
    programs, runs, last, blamed = {}, [], {}, {}     # last: of each program, since several run at once
    for line in lines:
        if start := re.match(r"\s*Start\s+(\d+): (\S+)", line):
            programs[start.group(1)] = start.group(2)
        elif test := re.match(r"(\d+): \[\s*(RUN|OK|SKIPPED)\s*\] ([^:]+)$", line):
            number, what, name = test.groups()
            if what == "RUN":
                last[number] = [number, name.strip(), "FAILED"]     # until it says otherwise: it may crash
                runs.append(last[number])
            elif number in last and last[number][1] == name.strip():
                last[number][2] = what
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


def _outcomes(path):
    """{node id: (what, message)} of a JUnit file."""
    found = {}
    for case in xml.etree.ElementTree.parse(path).iter("testcase"):
        node = case.get("classname", "").replace(".", "/") + ".py::" + case.get("name")
        skip = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            found[node] = ("failed", None)
        elif found.get(node, ("",))[0] != "failed":     # a test whose teardown failed stands there twice
            found[node] = ("passed", None) if skip is None else ("skipped", skip.get("message"))
    return found


def pytest(path, *again):
    """A test that failed and then passed when it was run once more is counted as passed, and named."""
    found = _outcomes(path)
    for later in again:
        for node, outcome in _outcomes(later).items():
            if found.get(node, ("",))[0] == "failed" and outcome[0] == "passed":
                print(f"passed only when run again: {node}")
            found[node] = outcome
    for node, (what, message) in found.items():
        if what != "passed":
            print(f"{what}: {node}" + (f": {message}" if message else ""))
    return tuple(sum(what == kind for what, _message in found.values()) for kind in ("passed", "failed", "skipped"))


def failed(path):
    """The node ids of what failed, one a line."""
    print(*(node for node, (what, _message) in _outcomes(path).items() if what == "failed"), sep="\n")


if __name__ == "__main__":
    if sys.argv[1] == "failed":
        failed(sys.argv[2])
    else:
        print("counts", *{"cmocka": cmocka, "pytest": pytest}[sys.argv[1]](*sys.argv[2:]))
