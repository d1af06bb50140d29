# SPDX-License-Identifier: Apache-2.0
"""Rules about the source tree itself, one check each: what the program may never contain, who may include whom.

`python3 -m lab.tree [BUILD-DIRECTORY]` prints a line per check and, last, the counts for tests/run.sh.
"""
import pathlib
import re
import subprocess
import sys
import tempfile

from .place import TOP

PROGRAM = ("agent", "backup", "include")
BANNED = ("strcpy", "strcat", "sprintf", "vsprintf", "strtok", "strtok_r", "atoi", "atol", "gets", "gmtime", "localtime", "system",
          "popen", "mysql_kill")
TOP_LEVEL = {"agent", "include", "backup", "tests", "packaging", "conf", ".ci", "CMakeLists.txt", "CMakePresets.json",
             "README.md", "LICENSE", "NOTICE", "CHANGELOG.md", "DESIGN.md", "FORMAT.md", ".gitignore", ".clang-format",
             ".clang-tidy", ".editorconfig"}

# Headers of include/slackwater by the module they belong to; a header missing here fails the check, so the table stays whole.
MODULES = {
    "base": {"array", "buf", "digest", "error", "event", "fs", "hash", "hex", "jsonx", "run", "slot", "strlist", "units"},
    "server": {"conn", "dialect", "gtid", "optfile"},
    "store": {"store"}, "stream": {"age", "stream"}, "applier": {"applier", "checkpoint", "claim", "journal"},
    "catalog": {"catalog", "retention", "stored"},
    "engine": {"engine"}, "observe": {"observe"}, "seed": {"seed"}, "proof": {"proof"}, "recover": {"recover"}, "story": {"snapshot"},
}
# Dependencies point down only.
MAY_USE = {
    "base": {"base"},
    "server": {"server", "base"},
    "store": {"store", "base"},
    "stream": {"stream", "store", "base"},
    "applier": {"applier", "server", "base"},
    "observe": {"observe", "applier", "server", "base"},
    "catalog": {"catalog", "applier", "stream", "store", "server", "base"},
    "engine": {"engine", "catalog", "applier", "stream", "store", "server", "base"},
    "recover": {"recover", "applier", "server", "base"},
    "seed": {"seed", "engine", "catalog", "applier", "stream", "store", "server", "base"},
    "proof": {"proof", "seed", "engine", "catalog", "applier", "stream", "store", "server", "base"},
    "story": {"story", "proof", "seed", "recover", "engine", "catalog", "applier", "stream", "store", "server", "base"},
}
MAY_USE["agent"] = MAY_USE["story"] | {"agent", "observe"}

_TOKENS = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def sources(*folders, endings=(".c", ".h")):
    for folder in folders:
        yield from sorted(p for p in (TOP / folder).rglob("*") if p.suffix in endings and "build" not in p.parts)


def code(text):
    """C without comments and with every string emptied; lines keep their numbers."""
    def replace(match):
        token = match.group()
        return ('""' if token[0] == '"' else " ") + "\n" * token.count("\n")
    return _TOKENS.sub(replace, text)


def strings(text):
    """The string literals of a C text, neighbours joined as the compiler joins them."""
    return re.findall(r'"((?:\\.|[^"\\\n])*)"', re.sub(r'"\s*"', "", _TOKENS.sub(
        lambda m: m.group() if m.group()[0] == '"' else " ", text)))


def places(pattern, text, path):
    for number, line in enumerate(text.split("\n"), 1):
        if pattern.search(line):
            yield f"{path.relative_to(TOP)}:{number}: {line.strip()}"


def no_kill_statement():
    """No KILL in any string of the program: nothing is ever killed."""
    return [f"{path.relative_to(TOP)}: \"{text}\"" for path in sources(*PROGRAM)
            for text in strings(path.read_text()) if re.search(r"\bkill\b", text, re.I)]


def no_kill_in_the_binary(build):
    """The same asked of what was built: its read-only data."""
    with tempfile.NamedTemporaryFile() as section:
        subprocess.run(["objcopy", "-O", "binary", "--only-section=.rodata", build / "slackwater", section.name], check=True)
        data = pathlib.Path(section.name).read_bytes()
    assert len(data) > 1000, "no read-only data was found in the program"
    return [m.group().decode(errors="replace") for m in re.finditer(rb"[\x20-\x7e]*\bkill\b[\x20-\x7e]*", data, re.I)]


def no_banned_function():
    pattern = re.compile(r"(?<![\w.>])(?:" + "|".join(BANNED) + r")\s*\(")
    return [found for path in sources(*PROGRAM) for found in places(pattern, code(path.read_text()), path)]


def _module(path):
    parts = path.relative_to(TOP).parts
    if parts[0] == "agent":
        return "agent"
    if parts[0] == "include":
        return next((m for m, names in MODULES.items() if path.stem in names), None)
    return parts[1] if len(parts) > 2 else "story"


def includes_point_down():
    found = []
    for path in sources(*PROGRAM):
        module = _module(path)
        if module not in MAY_USE:
            found.append(f"{path.relative_to(TOP)} belongs to no module that is known here")
            continue
        for name in re.findall(r'^\s*#\s*include\s+"([^"]+)"', path.read_text(), re.M):
            if name.startswith("slackwater/"):
                used = _module(TOP / "include" / name)
            else:       # what is not in include/ is seen by its own folder only, or by name of a folder below
                beside = path.parent / name
                above = TOP / "agent" / name
                used = _module(next((p for p in (beside, above) if p.exists()), TOP / "backup" / name))
            if used not in MAY_USE[module]:
                found.append(f"{path.relative_to(TOP)} ({module}) includes {name} ({used})")
    return found


def only_the_agent_prints():
    pattern = re.compile(r"(?<![\w.>])(?:printf|puts|putchar|perror|syslog|exit|_exit)\s*\(|\bstderr\b")
    return [found for path in sources("backup") for found in places(pattern, code(path.read_text()), path)
            if not (path.name == "child.c" and "_exit(127)" in found)]      # of a process that could not become a server


def licence_in_each_file():
    return [str(p.relative_to(TOP)) for p in sources(*PROGRAM, "tests", "packaging", endings=(".c", ".h", ".py", ".sh"))
            if "SPDX-License-Identifier: Apache-2.0" not in p.read_text()[:400]]


def nothing_left_to_do():
    pattern = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b")
    return [found for path in sources(*PROGRAM, "tests", "packaging", endings=(".c", ".h", ".py", ".sh"))
            for found in places(pattern, path.read_text(), path)]


def functions_fit_a_screen(limit=80):
    """From a brace in the first column to the next closing one."""
    found = []
    for path in sources("agent", "backup"):
        start = None
        for number, line in enumerate(code(path.read_text()).split("\n"), 1):
            if line.startswith("{"):
                start = number
            elif line.startswith("}") and start:
                if number - start > limit:
                    found.append(f"{path.relative_to(TOP)}:{start}: {number - start} lines")
                start = None
    return found


def exports_carry_a_name(build):
    """foo.c exports foo_* only, or a function of its folder's name, or one that a header of include/ declares."""
    listing = subprocess.run(["nm", "-A", "--defined-only", "--extern-only", build / "libslackwater_core.a"], capture_output=True,
                             text=True, check=True).stdout
    folders = {path.stem: path.parent.name for path in sources("backup", endings=(".c",))}
    public = set(re.findall(r"\b(\w+)\(", " ".join(code(path.read_text()) for path in sources("include"))))
    functions = re.findall(r":([\w-]+)\.c\.o:\s*\w+ T (\w+)$", listing, re.M)
    assert functions, "nm found no function"
    return [f"{file}.c exports {name}" for file, name in functions
            if not name.startswith((file.split("_")[0] + "_", folders.get(file, "") + "_")) and name not in public]


def layout_of_the_top():
    known = subprocess.run(["git", "-c", "safe.directory=*", "-C", TOP, "ls-files"], capture_output=True, text=True, check=False)
    names = {line.split("/")[0] for line in known.stdout.splitlines()} if known.returncode == 0 else \
        {p.name for p in TOP.iterdir() if not p.name.startswith("build") and p.name != ".git"}
    return sorted(names - TOP_LEVEL)


def main():
    build = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else None
    checks = [no_kill_statement, no_banned_function, includes_point_down, only_the_agent_prints, licence_in_each_file,
              nothing_left_to_do, functions_fit_a_screen, layout_of_the_top]
    if build:
        checks += [no_kill_in_the_binary, exports_carry_a_name]
    failed = 0
    for check in checks:
        found = check(build) if check in (no_kill_in_the_binary, exports_carry_a_name) else check()
        failed += bool(found)
        print(f"{'FAILED' if found else 'ok':6} {check.__name__}")
        for line in found[:20]:
            print(f"       {line}")
    print(f"counts {len(checks) - failed} {failed} 0")


if __name__ == "__main__":
    main()
