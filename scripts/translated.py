#!/usr/bin/env python3
"""Files for other compilers, from the rows of `wgrad lab all --emit LANGUAGE --json`, and what those compilers say of them.
scripts/spirv.sh and scripts/dx12.sh call it.

usage: translated.py write FOLDER [--settings]   writes the rows of standard input into FOLDER, a file each; without
                                                 --settings only those of the values that stand in the shaders
       translated.py jobs FOLDER                 prints what there is to compile for DX12: compiler, profile, entry, file
       translated.py mend FOLDER                 takes the known fault of naga out of the modules that spirv-val refuses for
                                                 it, so that it sees what comes behind, and prints their names
       translated.py spirv FOLDER                reads the verdicts of spirv-val, FILE.val beside each FILE
       translated.py dx12 FOLDER                 reads the verdicts of FXC and DXC, FOLDER/*.said

Each row is a line: compiler, verdict, milliseconds of processor time, arrays in memory,
instructions, file, message, with tabs between them.
Exit status 1: some were refused, or there were none.
"""

import json
import pathlib
import re
import struct
import sys

EXTENSIONS = {"spirv": "spv", "spirv-1.6": "spv", "hlsl": "hlsl", "hlsl6": "hlsl"}

# naga gives arrays and structures of workgroup, private and function memory a layout (ArrayStride, Offset), which SPIR-V
# forbids; drivers overlook it. Known to its authors.
KNOWN = "VUID-StandaloneSpirv-None-10684"

OP_DECORATE, OP_MEMBER_DECORATE, ARRAY_STRIDE, OFFSET = 71, 72, 6, 35

# DXC has a namespace of this name since its version 1.8, and naga does not rename variables that are called so. DXC gets
# these texts with the variable renamed, in files of their own.
NAMESPACE = re.compile(r"\bdx\b")
RENAMED = ".renamed.hlsl"

# Texts that each compiler must refuse: a check of the check.
CANARY = "canary"


def name_of(row):
    """The file's name without its extension."""
    return re.sub(r"[^\w.=-]", "_", f"{row['op']}.{row['variant']}")


def is_setting(variant):
    """Whether the name has values that differ from those of the text."""
    return ":" in variant


def write(folder, lines, settings):
    """Writes the files and returns their number."""
    folder.mkdir(parents=True, exist_ok=True)
    count = 0
    for line in lines:
        row = json.loads(line)
        if is_setting(row["variant"]) and not settings:
            continue
        path = folder / f"{name_of(row)}.{EXTENSIONS[row['language']]}"
        if row["words"] is not None:
            path.write_bytes(struct.pack(f"<{len(row['words'])}I", *row["words"]))
        else:
            marks = f"// features {' '.join(row['features'])}\n"
            path.write_text(marks + row["text"])
        count += 1
    return count


def entry_of(text):
    """The entry point of an HLSL text."""
    match = re.search(r"\[numthreads\([^)]*\)\]\s*void (\w+)\(", text)
    if not match:
        raise ValueError("it has no [numthreads(..)] void NAME(..)")
    return match[1]


def jobs(folder):
    """Compiler, profile, entry point and file of everything that is to be compiled."""
    canary = folder / f"{CANARY}.hlsl"
    canary.write_text("[numthreads(1, 1, 1)]\nvoid main() { nothing_of_this_name(); }\n")
    found = []
    for path in sorted(folder.glob("*.hlsl")):
        if path.name.endswith(RENAMED):
            continue
        text = path.read_text()
        features = text.splitlines()[0].split()[2:] if text.startswith("// features") else []
        entry = entry_of(text)
        profile = "cs_6_2" if "shader-f16" in features else "cs_6_0"
        given = path
        if NAMESPACE.search(text):
            given = path.with_name(path.stem + RENAMED)
            given.write_text(NAMESPACE.sub("dx_", text))
        found.append(("dxc", profile, entry, given.name))
        # Neither is in shader model 5.
        if not {"subgroups", "shader-f16"} & set(features):
            found.append(("fxc", "cs_5_1", entry, path.name))
    return found


def without_layout(words, number):
    """The words of a module without the layout of the type of this number: its ArrayStride, its members' offsets."""
    kept, at = list(words[:5]), 5
    while at < len(words):
        length, operation = words[at] >> 16, words[at] & 0xFFFF
        if not length:
            raise ValueError(f"word {at} is no instruction")
        stride = operation == OP_DECORATE and words[at + 1 : at + 3] == (number, ARRAY_STRIDE)
        offset = operation == OP_MEMBER_DECORATE and words[at + 1] == number and words[at + 3] == OFFSET
        if not stride and not offset:
            kept += words[at : at + length]
        at += length
    return kept


def mend(folder):
    """Takes the known fault out of the modules that are refused for it. Returns their paths."""
    mended = []
    for path in sorted(folder.rglob("*.spv")):
        said = path.with_name(path.name + ".val")
        words = said.read_text() if said.exists() else ""
        number = re.search(r"on type '(\d+)", words)
        if KNOWN not in words or not number:
            continue
        module = path.read_bytes()
        before = struct.unpack(f"<{len(module) // 4}I", module)
        after = without_layout(before, int(number[1]))
        if len(after) == len(before):
            continue
        path.write_bytes(struct.pack(f"<{len(after)}I", *after))
        path.with_name(path.name + ".known").touch()
        said.unlink()
        mended.append(path)
    return mended


def spirv(folder):
    """What spirv-val refused, how many modules it accepted, how many of naga's had the known fault."""
    wrong, passed, known = [], 0, 0
    for path in sorted(folder.rglob("*.spv")):
        said = path.with_name(path.name + ".val")
        words = said.read_text().strip() if said.exists() else "no verdict"
        where = f"{path.parent.name}/{path.name}"
        if path.stem == CANARY:
            if not words:
                wrong.append(f"{where} is no module and was accepted: this spirv-val cannot be relied on")
        elif not words:
            passed += 1
            known += path.with_name(path.name + ".known").exists()
        else:
            wrong.append(f"{where}: {words}")
    return wrong, passed, known


class Dx12:
    """What FXC and DXC said."""

    def __init__(self, folder):
        self.rows, self.wrong = [], []
        wanted = {(compiler, file) for compiler, _, _, file in jobs(folder)}
        for path in sorted(folder.glob("*.said")):
            for line in path.read_text(errors="replace").splitlines():
                parts = line.rstrip("\r").split("\t")
                if len(parts) == 7:
                    self.take(*parts)
                    wanted.discard((parts[0], parts[5]))
        self.wrong += [f"{compiler}: no answer for {file}: it crashed or took too long" for compiler, file in sorted(wanted)]

    def take(self, compiler, verdict, milliseconds, arrays, instructions, file, message):
        """One line of a compiler."""
        if file == f"{CANARY}.hlsl":
            if verdict == "ok":
                self.wrong.append(f"{compiler} accepted an undeclared function: it cannot be relied on")
        elif verdict == "ok":
            self.rows.append((compiler, int(milliseconds), int(arrays), int(instructions), file.removesuffix(".hlsl")))
        else:
            self.wrong.append(f"{compiler}: {file}: {message}")

    def text(self):
        """The counts, the slowest, and what keeps arrays in memory."""
        lines = []
        for compiler in ("fxc", "dxc"):
            rows = [row for row in self.rows if row[0] == compiler]
            if not rows:
                lines.append(f"{compiler}: compiled nothing")
                continue
            total = sum(row[1] for row in rows) / 1000
            slowest = sorted(rows, key=lambda row: -row[1])[:5]
            slow = ", ".join(f"{name} {ms / 1000:.1f} s" for _, ms, _, _, name in slowest)
            arrays = [f"{name} {arrays}" for _, _, arrays, _, name in rows if arrays]
            lines.append(f"{compiler}: {len(rows)} accepted in {total:.1f} s; slowest: {slow}")
            renamed = sum(name.endswith(RENAMED.removesuffix(".hlsl")) for *_, name in rows)
            if renamed:
                lines.append(f"{compiler}: {renamed} of them with their variable dx renamed, which naga leaves and DXC 1.8 refuses")
            lines.append(f"{compiler}: {len(arrays)} keep arrays in memory: {', '.join(arrays) or 'none'}")
        return "\n".join(lines)

    def passes(self):
        """Whether both compiled something and refused nothing."""
        return not self.wrong and {row[0] for row in self.rows} >= {"fxc", "dxc"}


def main(arguments):
    if len(arguments) < 2 or arguments[0] not in ("write", "jobs", "mend", "spirv", "dx12"):
        sys.exit(__doc__)
    folder = pathlib.Path(arguments[1])
    if arguments[0] == "write":
        count = write(folder, sys.stdin, "--settings" in arguments[2:])
        print(f"{count} files in {folder}", file=sys.stderr)
        return 0 if count else 1
    if arguments[0] == "jobs":
        for job in jobs(folder):
            print("\t".join(job))
        return 0
    if arguments[0] == "mend":
        for path in mend(folder):
            print(path)
        return 0
    if arguments[0] == "spirv":
        wrong, passed, known = spirv(folder)
        for line in wrong:
            print(f"REFUSED: {line}")
        print(f"spirv-val: {passed} modules are valid, {known} of them once naga's known fault {KNOWN} is taken out; {len(wrong)} refused")
        if passed and not known:
            print(f"note: naga's fault {KNOWN} is gone; take it out of scripts/translated.py")
        return 0 if passed and not wrong else 1
    said = Dx12(folder)
    for line in said.wrong:
        print(f"REFUSED: {line}")
    print(said.text())
    return 0 if said.passes() else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
