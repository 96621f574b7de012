"""Files for other compilers, and their verdicts: what is refused, what is missing, and what is known."""

import contextlib
import io
import json
import pathlib
import struct
import tempfile
import unittest

import translated


def row(**changes):
    """A row of `wgrad lab --emit LANGUAGE --json`."""
    usual = {
        "op": "matmul",
        "variant": "tiled",
        "language": "hlsl",
        "features": [],
        "text": "[numthreads(8, 8, 1)]\nvoid matmul(uint3 id : SV_GroupID)\n{\n}\n",
        "words": None,
    }
    return {**usual, **changes}


class Folder(unittest.TestCase):
    def setUp(self):
        held = tempfile.TemporaryDirectory()
        self.addCleanup(held.cleanup)
        self.folder = pathlib.Path(held.name)

    def write(self, *rows, settings=False):
        return translated.write(self.folder, [json.dumps(row) for row in rows], settings)

    def run_main(self, command):
        """The exit status of `command` on the folder, and what it prints."""
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            status = translated.main([command, str(self.folder)])
        return status, said.getvalue()


class Dx12(Folder):
    def said(self, *lines):
        (self.folder / "0.said").write_text("".join("\t".join(line) + "\r\n" for line in lines))

    REFUSED = [
        ("dxc", "refused", "1", "0", "0", "canary.hlsl", "undeclared"),
        ("fxc", "refused", "1", "0", "0", "canary.hlsl", "undeclared"),
    ]

    def test_features_decide_profile_and_compilers(self):
        waves = row(variant="waves", features=["subgroups"])
        half = row(variant="half", features=["shader-f16"])
        self.assertEqual(self.write(row(), waves, half, row(variant="tiled:BLOCK=8")), 3)
        self.assertEqual(
            sorted(translated.jobs(self.folder)),
            [
                ("dxc", "cs_6_0", "main", "canary.hlsl"),
                ("dxc", "cs_6_0", "matmul", "matmul.tiled.hlsl"),
                ("dxc", "cs_6_0", "matmul", "matmul.waves.hlsl"),
                ("dxc", "cs_6_2", "matmul", "matmul.half.hlsl"),
                ("fxc", "cs_5_1", "main", "canary.hlsl"),
                ("fxc", "cs_5_1", "matmul", "matmul.tiled.hlsl"),
            ],
        )

    def test_dxc_gets_a_variable_of_its_namespace_renamed_and_fxc_as_it_is(self):
        text = "RWByteAddressBuffer dx : register(u0);\n" + row()["text"].replace("{\n", "{ dx.Store(0, dxy);\n")
        self.write(row(op="grad", text=text))
        files = {(compiler, file) for compiler, _, _, file in translated.jobs(self.folder) if "canary" not in file}
        self.assertEqual(files, {("dxc", "grad.tiled.renamed.hlsl"), ("fxc", "grad.tiled.hlsl")})
        renamed = (self.folder / "grad.tiled.renamed.hlsl").read_text()
        self.assertIn("dx_.Store(0, dxy)", renamed)
        self.assertIn("RWByteAddressBuffer dx_ :", renamed)
        # The renamed one is no text of its own the next time.
        self.assertEqual(len(translated.jobs(self.folder)), 4)

    def test_settings_are_files_of_their_own(self):
        self.assertEqual(self.write(row(), row(variant="tiled:BLOCK=8,DEPTH=8"), settings=True), 2)
        self.assertTrue((self.folder / "matmul.tiled_BLOCK=8_DEPTH=8.hlsl").exists())

    def test_what_both_accept_passes_and_the_slowest_is_told(self):
        self.write(row())
        self.said(
            *self.REFUSED,
            ("dxc", "ok", "20", "0", "300", "matmul.tiled.hlsl", ""),
            ("fxc", "ok", "7800", "1", "400", "matmul.tiled.hlsl", ""),
        )
        status, said = self.run_main("dx12")
        self.assertEqual(status, 0, said)
        self.assertIn("fxc: 1 accepted in 7.8 s; slowest: matmul.tiled 7.8 s", said)
        self.assertIn("fxc: 1 keep arrays in memory: matmul.tiled 1", said)
        self.assertIn("dxc: 0 keep arrays in memory: none", said)

    def test_a_refusal_a_silence_and_a_compiler_that_accepts_anything_fail(self):
        self.write(row())
        fine = [
            *self.REFUSED,
            ("dxc", "ok", "20", "0", "300", "matmul.tiled.hlsl", ""),
            ("fxc", "ok", "20", "0", "300", "matmul.tiled.hlsl", ""),
        ]
        for change, words in [
            (lambda lines: lines[:3], "fxc: no answer for matmul.tiled.hlsl"),
            (lambda lines: [*lines[:3], (*fine[3][:1], "refused", *fine[3][2:6], "X3000: no")], "matmul.tiled.hlsl: X3000: no"),
            (lambda lines: [("dxc", "ok", *lines[0][2:]), *lines[1:]], "dxc accepted an undeclared function"),
            (lambda lines: [], "no answer"),
        ]:
            self.said(*change(fine))
            status, said = self.run_main("dx12")
            self.assertEqual(status, 1, said)
            self.assertIn(words, said)


class Spirv(Folder):
    def verdicts(self, **words):
        for name, said in words.items():
            (self.folder / f"{name}.spv").write_bytes(b"")
            if said is not None:
                (self.folder / f"{name}.spv.val").write_text(said)

    def test_words_are_written_as_they_are(self):
        self.assertEqual(self.write(row(language="spirv-1.6", text=None, words=[0x07230203, 1])), 1)
        self.assertEqual((self.folder / "matmul.tiled.spv").read_bytes(), b"\x03\x02\x23\x07\x01\x00\x00\x00")

    # A header of five words; ArrayStride of types 6 and 7, 16 bytes; OpNop.
    FAULTY = [0x07230203, 0x10600, 0, 9, 0, 4 << 16 | 71, 6, 6, 16, 4 << 16 | 71, 7, 6, 16, 1 << 16]
    REFUSED = f"error: line 1: [{translated.KNOWN}] Invalid explicit layout decorations on type '6[%_arr_uint_4]'"

    def test_the_known_fault_is_taken_out_and_counted(self):
        self.write(row(language="spirv-1.6", text=None, words=self.FAULTY))
        self.verdicts(good="", canary="error: Invalid SPIR-V magic number.")
        verdict = self.folder / "matmul.tiled.spv.val"
        verdict.write_text(self.REFUSED)
        # Not taken out, it is refused.
        self.assertEqual(self.run_main("spirv")[0], 1)
        self.assertEqual(self.run_main("mend"), (0, f"{self.folder}/matmul.tiled.spv\n"))
        words = struct.unpack("<10I", (self.folder / "matmul.tiled.spv").read_bytes())
        self.assertEqual(list(words), self.FAULTY[:5] + self.FAULTY[9:])
        self.assertFalse(verdict.exists())
        verdict.write_text("")
        status, said = self.run_main("spirv")
        self.assertEqual(status, 0, said)
        self.assertIn("2 modules are valid, 1 of them once naga's known fault", said)

    def test_offsets_of_members_are_taken_out_of_the_named_type_only(self):
        def member(number, member, decoration, value):
            return [5 << 16 | 72, number, member, decoration, value]

        head = self.FAULTY[:5]
        # Offset (35) of two members of type 9, NonWritable (24) there, Offset of type 8.
        words = [*head, *member(9, 0, 35, 0), *member(9, 1, 35, 4), *member(9, 0, 24, 0), *member(8, 0, 35, 0)]
        self.assertEqual(
            translated.without_layout(tuple(words), 9), [*head, *member(9, 0, 24, 0), *member(8, 0, 35, 0)]
        )

    def test_a_fault_that_cannot_be_taken_out_is_refused(self):
        self.write(row(language="spirv-1.6", text=None, words=self.FAULTY))
        verdict = self.folder / "matmul.tiled.spv.val"
        for words in [self.REFUSED.replace("'6[", "'8["), self.REFUSED.replace("'6[", "'["), "error: another"]:
            verdict.write_text(words)
            self.assertEqual(self.run_main("mend"), (0, ""))
            self.assertEqual(self.run_main("spirv")[0], 1)

    def test_another_fault_a_missing_verdict_and_an_accepted_canary_fail(self):
        refused = "error: Invalid SPIR-V magic number."
        for verdicts, words in [
            ({"good": "", "bad": "error: [VUID-other]", "canary": refused}, "bad.spv: error: [VUID-other]"),
            ({"good": "", "bad": None, "canary": refused}, "bad.spv: no verdict"),
            ({"good": "", "bad": "", "canary": ""}, "cannot be relied on"),
            ({"bad": "", "good": refused, "canary": refused}, "good.spv"),
        ]:
            for path in self.folder.glob("*.spv*"):
                path.unlink()
            self.verdicts(**verdicts)
            status, said = self.run_main("spirv")
            self.assertEqual(status, 1, said)
            self.assertIn(words, said)

    def test_nothing_to_validate_fails(self):
        self.assertEqual(self.run_main("spirv")[0], 1)


if __name__ == "__main__":
    unittest.main()
