#!/usr/bin/env python3
"""Writes crates/lab/tests/fixtures/isa/sass_*.txt: what NVIDIA's own compiler makes of the loop of small.wgsl beside it, as
nvdisasm prints it (-c) and as cuobjdump does (-sass). No GPU and no driver is needed.

usage: make_sass_fixtures.py [ARCHITECTURE]...   [sm_75 sm_89 sm_90]

Versions that made them: nvidia-cuda-nvrtc, nvidia-cuda-nvdisasm and nvidia-cuda-cuobjdump 13.5.37 from PyPI, which pip
downloads into a temporary folder (65 MB).
"""

import ctypes
import os
import pathlib
import subprocess
import sys
import tempfile
import zipfile

OUT = pathlib.Path(__file__).resolve().parent.parent / "crates/lab/tests/fixtures/isa"
PACKAGES = ["nvidia-cuda-nvrtc", "nvidia-cuda-nvdisasm", "nvidia-cuda-cuobjdump"]
VERSION = "13.5.37"

SOURCE = b"""
extern "C" __global__ void __launch_bounds__(16) small(const float* __restrict__ x, const float* __restrict__ w,
                                                       float* __restrict__ y) {
    constexpr unsigned K = 512, N = 512;
    __shared__ float x_tile[32], w_tile[32];
    const unsigned index = threadIdx.x, row = index / 4, column = index % 4;
    const unsigned first = blockIdx.y * 8, left = blockIdx.x * 8;
    float s0 = 0, s1 = 0, s2 = 0, s3 = 0;
#pragma unroll 1
    for (unsigned start = 0; start < K; start += 4) {
        x_tile[index] = x[(first + index / 4) * K + start + index % 4];
        x_tile[index + 16] = x[(first + 4 + index / 4) * K + start + index % 4];
        w_tile[index] = w[(start + index / 8) * N + left + index % 8];
        w_tile[index + 16] = w[(start + 2 + index / 8) * N + left + index % 8];
        __syncthreads();
#pragma unroll
        for (unsigned k = 0; k < 4; k++) {
            const float a = x_tile[row * 4 + k], b = x_tile[(row + 4) * 4 + k];
            const float c = w_tile[k * 8 + column], d = w_tile[k * 8 + column + 4];
            s0 += a * c; s1 += a * d; s2 += b * c; s3 += b * d;
        }
        __syncthreads();
    }
    const unsigned at = (first + row) * N + left + column;
    y[at] = s0; y[at + 4] = s1; y[at + 4 * N] = s2; y[at + 4 * N + 4] = s3;
}
"""


def unpacked(folder):
    """The tools, in `folder`."""
    wanted = [f"{package}=={VERSION}" for package in PACKAGES]
    subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", folder, *wanted], check=True)
    for wheel in pathlib.Path(folder).glob("*.whl"):
        zipfile.ZipFile(wheel).extractall(folder)
    tools = pathlib.Path(folder) / "nvidia/cu13"
    for tool in (tools / "bin").iterdir():
        tool.chmod(0o755)
    return tools


def compiled(nvrtc, architecture):
    """The kernel's binary."""
    program = ctypes.c_void_p()
    nvrtc.nvrtcCreateProgram(ctypes.byref(program), SOURCE, b"small.cu", 0, None, None)
    options = [f"-arch={architecture}".encode()]
    if nvrtc.nvrtcCompileProgram(program, len(options), (ctypes.c_char_p * len(options))(*options)):
        size = ctypes.c_size_t()
        nvrtc.nvrtcGetProgramLogSize(program, ctypes.byref(size))
        log = ctypes.create_string_buffer(size.value)
        nvrtc.nvrtcGetProgramLog(program, log)
        sys.exit(log.value.decode())
    size = ctypes.c_size_t()
    nvrtc.nvrtcGetCUBINSize(program, ctypes.byref(size))
    binary = ctypes.create_string_buffer(size.value)
    nvrtc.nvrtcGetCUBIN(program, binary)
    return binary.raw


def main():
    with tempfile.TemporaryDirectory() as folder:
        tools = unpacked(folder)
        ctypes.CDLL(str(next((tools / "lib").glob("libnvrtc-builtins.so.*"))), mode=ctypes.RTLD_GLOBAL)
        nvrtc = ctypes.CDLL(str(next((tools / "lib").glob("libnvrtc.so.*"))))
        path = {**os.environ, "PATH": f"{tools / 'bin'}:{os.environ['PATH']}"}
        for architecture in sys.argv[1:] or ["sm_75", "sm_89", "sm_90"]:
            binary = pathlib.Path(folder) / "small.cubin"
            binary.write_bytes(compiled(nvrtc, architecture))
            for name, command in [("nvdisasm", ["nvdisasm", "-c"]), ("cuobjdump", ["cuobjdump", "-sass"])]:
                if name == "cuobjdump" and architecture != "sm_89":
                    continue
                text = subprocess.run([*command, binary], env=path, check=True, capture_output=True, text=True).stdout
                out = OUT / f"sass_{name}_{architecture}.txt"
                out.write_text(text)
                print(f"wrote {out}: {len(text)} bytes")


main()
