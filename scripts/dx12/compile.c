// Compiles HLSL with Microsoft's two compilers as wgpu does, without a device: FXC (d3dcompiler_47.dll) and DXC
// (dxcompiler.dll). For Windows, or Wine.
//
// usage: compile.exe JOBS   a line each: compiler, profile, entry point, file, with tabs between them
//
// Prints a line for each: compiler, ok or refused, milliseconds of processor time, arrays in memory, instructions, file, message. Arrays in
// memory are those that the compiler did not put into registers: `dcl_indexableTemp` of FXC, `alloca` of DXC.
#define COBJMACROS
#include <windows.h>

#include <d3dcompiler.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The part of DXC's interfaces (dxcapi.h) that is needed, with its order of functions.
typedef struct {
  const void *data;
  SIZE_T size;
  UINT32 encoding;
} Buffer;

#define UTF8 65001
#define METHOD(result, name, ...) result(STDMETHODCALLTYPE *name)(void *, ##__VA_ARGS__)
#define UNKNOWN                                     \
  METHOD(HRESULT, QueryInterface, REFIID, void **); \
  METHOD(ULONG, AddRef);                            \
  METHOD(ULONG, Release)

typedef struct {
  const struct {
    UNKNOWN;
    METHOD(void *, GetBufferPointer);
    METHOD(SIZE_T, GetBufferSize);
  } * of;
} Blob;

typedef struct {
  const struct {
    UNKNOWN;
    METHOD(HRESULT, GetStatus, HRESULT *);
    METHOD(HRESULT, GetResult, Blob **);
    METHOD(HRESULT, GetErrorBuffer, Blob **);
  } * of;
} Result;

typedef struct {
  const struct {
    UNKNOWN;
    METHOD(HRESULT, Compile, const Buffer *, const wchar_t **, UINT32, void *, REFIID, Result **);
    METHOD(HRESULT, Disassemble, const Buffer *, REFIID, Result **);
  } * of;
} Compiler;

static const GUID compiler_class = {0x73e22d93, 0xe6ce, 0x47f3, {0xb5, 0xbf, 0xf0, 0x66, 0x4f, 0x39, 0xc1, 0xb0}};
static const GUID compiler_3 = {0x228b4687, 0x5a6a, 0x4730, {0x90, 0x0c, 0x97, 0x02, 0xb2, 0x20, 0x3f, 0x54}};
static const GUID result_id = {0x58346cda, 0xdde7, 0x4497, {0x94, 0x61, 0x6f, 0x87, 0xaf, 0x5e, 0x06, 0x59}};

static HRESULT(WINAPI *create)(REFIID, REFIID, void **);
static pD3DCompile compile;
static HRESULT(WINAPI *disassemble)(const void *, SIZE_T, UINT, const char *, ID3DBlob **);

static unsigned count(const char *text, size_t length, const char *word) {
  unsigned found = 0;
  const size_t of = strlen(word);
  for (size_t at = 0; at + of <= length; at++) found += memcmp(text + at, word, of) == 0;
  return found;
}

// The number before a word, in "// Approximately 123 instruction slots used".
static unsigned slots(const char *text, size_t length) {
  static const char before[] = "// Approximately ";
  for (size_t at = 0; at + sizeof before < length; at++)
    if (memcmp(text + at, before, sizeof before - 1) == 0) return strtoul(text + at + sizeof before - 1, NULL, 10);
  return 0;
}

// Of the processor, whatever else it does.
static double milliseconds(void) {
  FILETIME started, ended, kernel, user;
  GetProcessTimes(GetCurrentProcess(), &started, &ended, &kernel, &user);
  const double ticks = kernel.dwLowDateTime + (double)user.dwLowDateTime + 4294967296.0 * (kernel.dwHighDateTime + (double)user.dwHighDateTime);
  return ticks / 1e4;
}

static void say(const char *compiler, int ok, double ms, unsigned arrays, unsigned size, const char *file, const char *words, size_t length) {
  printf("%s\t%s\t%.0f\t%u\t%u\t%s\t", compiler, ok ? "ok" : "refused", ms, arrays, size, file);
  for (size_t n = 0; !ok && n < length && words[n]; n++) putchar(words[n] < ' ' ? ' ' : words[n]);
  printf("\n");
  fflush(stdout);
}

static void fxc(const char *profile, const char *entry, const char *file, const char *text, size_t length) {
  ID3DBlob *code = NULL, *errors = NULL, *assembly = NULL;
  const double start = milliseconds();
  HRESULT result = compile(text, length, file, NULL, NULL, entry, profile, D3DCOMPILE_ENABLE_STRICTNESS, 0, &code, &errors);
  const double ms = milliseconds() - start;
  unsigned arrays = 0, size = 0;
  if (SUCCEEDED(result)) result = disassemble(ID3D10Blob_GetBufferPointer(code), ID3D10Blob_GetBufferSize(code), 0, NULL, &assembly);
  if (SUCCEEDED(result)) {
    arrays = count(ID3D10Blob_GetBufferPointer(assembly), ID3D10Blob_GetBufferSize(assembly), "dcl_indexableTemp");
    size = slots(ID3D10Blob_GetBufferPointer(assembly), ID3D10Blob_GetBufferSize(assembly));
  }
  const char *words = errors ? ID3D10Blob_GetBufferPointer(errors) : "no reason";
  say("fxc", SUCCEEDED(result), ms, arrays, size, file, words, errors ? ID3D10Blob_GetBufferSize(errors) : strlen(words));
  if (code) ID3D10Blob_Release(code);
  if (errors) ID3D10Blob_Release(errors);
  if (assembly) ID3D10Blob_Release(assembly);
}

static void dxc(const char *profile, const char *entry, const char *file, const char *text, size_t length) {
  Compiler *compiler = NULL;
  Result *result = NULL, *listing = NULL;
  Blob *code = NULL, *errors = NULL, *assembly = NULL;
  wchar_t wide_profile[64], wide_entry[256];
  swprintf(wide_profile, 64, L"%hs", profile);
  swprintf(wide_entry, 256, L"%hs", entry);
  const wchar_t *arguments[] = {L"-E", wide_entry, L"-T", wide_profile, L"-HV", L"2018", L"-no-warnings", L"-Ges", L"-enable-16bit-types"};
  const UINT32 given = strcmp(profile, "cs_6_2") >= 0 ? 9 : 8;
  HRESULT status = create(&compiler_class, &compiler_3, (void **)&compiler);
  const double start = milliseconds();
  const Buffer source = {text, length, UTF8};
  if (SUCCEEDED(status)) status = compiler->of->Compile(compiler, &source, arguments, given, NULL, &result_id, &result);
  HRESULT verdict = status;
  if (SUCCEEDED(status)) result->of->GetStatus(result, &verdict);
  const double ms = milliseconds() - start;
  unsigned arrays = 0, size = 0;
  if (SUCCEEDED(verdict)) verdict = result->of->GetResult(result, &code);
  if (SUCCEEDED(verdict)) {
    const Buffer object = {code->of->GetBufferPointer(code), code->of->GetBufferSize(code), 0};
    verdict = compiler->of->Disassemble(compiler, &object, &result_id, &listing);
    if (SUCCEEDED(verdict)) verdict = listing->of->GetResult(listing, &assembly);
  }
  if (SUCCEEDED(verdict)) {
    const char *lines = assembly->of->GetBufferPointer(assembly);
    arrays = count(lines, assembly->of->GetBufferSize(assembly), " = alloca ");
    // A line of two spaces and a word is an instruction.
    size = count(lines, assembly->of->GetBufferSize(assembly), "\n  %") + count(lines, assembly->of->GetBufferSize(assembly), "\n  call") +
           count(lines, assembly->of->GetBufferSize(assembly), "\n  store") + count(lines, assembly->of->GetBufferSize(assembly), "\n  br");
  }
  if (SUCCEEDED(status)) result->of->GetErrorBuffer(result, &errors);
  const char *words = errors ? errors->of->GetBufferPointer(errors) : "no reason";
  say("dxc", SUCCEEDED(verdict), ms, arrays, size, file, words, errors ? errors->of->GetBufferSize(errors) : strlen(words));
  if (assembly) assembly->of->Release(assembly);
  if (listing) listing->of->Release(listing);
  if (code) code->of->Release(code);
  if (errors) errors->of->Release(errors);
  if (result) result->of->Release(result);
  if (compiler) compiler->of->Release(compiler);
}

int main(int arguments, char **argument) {
  HMODULE old = LoadLibraryA("d3dcompiler_47.dll"), new = LoadLibraryA("dxcompiler.dll");
  if (old) compile = (pD3DCompile)GetProcAddress(old, "D3DCompile");
  if (old) disassemble = (void *)GetProcAddress(old, "D3DDisassemble");
  if (new) create = (void *)GetProcAddress(new, "DxcCreateInstance");
  FILE *jobs = arguments == 2 ? fopen(argument[1], "r") : NULL;
  if (!compile || !disassemble || !create || !jobs) {
    fprintf(stderr, "%s\n", jobs ? "d3dcompiler_47.dll or dxcompiler.dll is missing" : "usage: compile.exe JOBS");
    return 2;
  }
  char compiler[8], profile[16], entry[200], file[400];
  while (fscanf(jobs, "%7s %15s %199s %399s", compiler, profile, entry, file) == 4) {
    FILE *source = fopen(file, "rb");
    if (!source) {
      say(compiler, 0, 0, 0, 0, file, "cannot be read", 14);
      continue;
    }
    fseek(source, 0, SEEK_END);
    const long length = ftell(source);
    rewind(source);
    char *text = malloc(length + 1);
    const size_t got = fread(text, 1, length, source);
    text[got] = 0;
    fclose(source);
    (strcmp(compiler, "fxc") == 0 ? fxc : dxc)(profile, entry, file, text, got);
    free(text);
  }
  return 0;
}
