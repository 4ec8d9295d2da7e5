// Windows: VirtualAlloc between reserved pages, VirtualLock. Sources of the rules: the documentation of VirtualLock,
// VirtualProtect, SetProcessWorkingSetSize and QueryWorkingSetEx.
//
// A page without access loses its lock in silence, so read-only is the strongest protection here. The lock limit is the
// minimum working set of the process; VirtualLock beyond it fails with ERROR_WORKING_SET_QUOTA (Wine: ERROR_ACCESS_DENIED).
#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#ifndef PSAPI_VERSION
#define PSAPI_VERSION 2
#endif
#include <windows.h>
#include <psapi.h>

#include "fault.h"
#include "pages.h"

namespace securemem {
namespace {

Status Fail(Failure* failure, const char* call, DWORD error, Status status) {
  failure->syscall = call;
  failure->error = static_cast<int>(error);
  return status;
}

Status MemoryFailure(Failure* failure, const char* call, DWORD error) {
  bool memory = error == ERROR_NOT_ENOUGH_MEMORY || error == ERROR_OUTOFMEMORY ||
                error == ERROR_COMMITMENT_LIMIT || error == ERROR_NO_SYSTEM_RESOURCES;
  return Fail(failure, call, error, memory ? Status::kOutOfMemory : Status::kPlatform);
}

Status LockFailure(Failure* failure, DWORD error, size_t length) {
  failure->requested = static_cast<double>(length);
  failure->limit = LockLimit();
  // The pages are committed and writable, so neither number has another cause here.
  bool quota = error == ERROR_WORKING_SET_QUOTA || error == ERROR_ACCESS_DENIED;
  return quota ? Fail(failure, "VirtualLock", error, Status::kLockLimit)
               : MemoryFailure(failure, "VirtualLock", error);
}

DWORD ProtectionFlag(Protection protection) {
  switch (protection) {
    case Protection::kNoAccess: return PAGE_NOACCESS;
    case Protection::kReadOnly: return PAGE_READONLY;
    default: return PAGE_READWRITE;
  }
}

// Wine keeps no track of locked pages that could be asked for.
bool RunsUnderWine() {
  HMODULE ntdll = GetModuleHandleA("ntdll.dll");
  return ntdll != nullptr && GetProcAddress(ntdll, "wine_get_version") != nullptr;
}

bool IsClosed(const uint8_t* address) {
  MEMORY_BASIC_INFORMATION information;
  if (VirtualQuery(address, &information, sizeof information) == 0) return false;
  return information.State != MEM_COMMIT || information.Protect == PAGE_NOACCESS;
}

double LockedPages(const Mapping& mapping) {
  double locked = 0;
  for (size_t offset = 0; offset < mapping.length; offset += PageByteLength()) {
    PSAPI_WORKING_SET_EX_INFORMATION page;
    page.VirtualAddress = mapping.base + offset;
    page.VirtualAttributes.Flags = 0;
    if (!QueryWorkingSetEx(GetCurrentProcess(), &page, sizeof page)) continue;
    if (page.VirtualAttributes.Valid && page.VirtualAttributes.Locked) locked += static_cast<double>(PageByteLength());
  }
  return locked;
}

}  // namespace

size_t PageByteLength() {
  SYSTEM_INFO information;
  GetSystemInfo(&information);
  return information.dwPageSize;
}

Status ProbePages(PageKind kind, Abilities* abilities, Failure* failure) {
  if (kind == PageKind::kHidden) return Fail(failure, "memfd_secret", ERROR_NOT_SUPPORTED, Status::kNotSupported);
  abilities->strongest = Protection::kReadOnly;
  abilities->dump_excluded = false;
  // There is no fork.
  abilities->fork = ForkBehaviour::kAbsent;
  return Status::kOk;
}

Status MapPages(size_t length, PageKind, ForkBehaviour, Mapping* mapping, Failure* failure) {
  failure->requested = static_cast<double>(length);
  size_t page = PageByteLength();
  void* reserved = SECUREMEM_TRY(nullptr, VirtualAlloc(nullptr, length + 2 * page, MEM_RESERVE, PAGE_NOACCESS));
  if (reserved == nullptr) return MemoryFailure(failure, "VirtualAlloc", GetLastError());
  uint8_t* base = static_cast<uint8_t*>(reserved) + page;
  Status status = Status::kOk;
  // The guards stay reserved: a touch of what is not committed is an access violation.
  if (SECUREMEM_TRY(nullptr, VirtualAlloc(base, length, MEM_COMMIT, PAGE_READWRITE)) == nullptr) {
    status = MemoryFailure(failure, "VirtualAlloc", GetLastError());
  } else if (!SECUREMEM_TRY(FALSE, VirtualLock(base, length))) {
    status = LockFailure(failure, GetLastError(), length);
  }
  if (status != Status::kOk) {
    VirtualFree(reserved, 0, MEM_RELEASE);
    return status;
  }
  mapping->base = base;
  mapping->length = length;
  mapping->kind = PageKind::kAnonymous;
  return Status::kOk;
}

Status ProtectPages(const Mapping& mapping, Protection protection, Failure* failure) {
  DWORD before;
  if (VirtualProtect(mapping.base, mapping.length, ProtectionFlag(protection), &before)) return Status::kOk;
  return MemoryFailure(failure, "VirtualProtect", GetLastError());
}

Status UnmapPages(const Mapping& mapping, Failure* failure) {
  // Releasing unlocks as well; a failed VirtualUnlock changes nothing about it.
  VirtualUnlock(mapping.base, mapping.length);
  if (VirtualFree(mapping.base - PageByteLength(), 0, MEM_RELEASE)) return Status::kOk;
  return MemoryFailure(failure, "VirtualFree", GetLastError());
}

double LockLimit() {
  SIZE_T least, most;
  if (!GetProcessWorkingSetSize(GetCurrentProcess(), &least, &most)) return kUnknown;
  return static_cast<double>(least);
}

// Windows lets a process lock its minimum working set less "a small overhead", which nobody quantifies; 64 pages are added
// for it, and what was asked for is checked afterwards, since a success that changes nothing is possible (Wine).
Status RaiseLockLimit(double byte_length, Failure* failure) {
  SIZE_T least, most;
  failure->requested = byte_length;
  if (!GetProcessWorkingSetSize(GetCurrentProcess(), &least, &most)) {
    return Fail(failure, "GetProcessWorkingSetSize", GetLastError(), Status::kCannotRaise);
  }
  failure->limit = static_cast<double>(least);
  if (static_cast<double>(least) >= byte_length) return Status::kOk;
  SIZE_T wanted = static_cast<SIZE_T>(byte_length) + 64 * PageByteLength();
  SIZE_T wanted_most = most > wanted + 64 * PageByteLength() ? most : wanted + 64 * PageByteLength();
  if (!SetProcessWorkingSetSize(GetCurrentProcess(), wanted, wanted_most)) {
    return Fail(failure, "SetProcessWorkingSetSize", GetLastError(), Status::kCannotRaise);
  }
  if (LockLimit() < byte_length) return Fail(failure, "SetProcessWorkingSetSize", 0, Status::kCannotRaise);
  return Status::kOk;
}

// Nothing tells what the whole process has locked.
double LockedByteLength() { return kUnknown; }

void InspectPages(const Mapping* const* mappings, Facts* facts, size_t count) {
  if (RunsUnderWine()) return;
  for (size_t i = 0; i < count; i++) {
    const Mapping& mapping = *mappings[i];
    MEMORY_BASIC_INFORMATION information;
    if (VirtualQuery(mapping.base, &information, sizeof information) == 0 || information.State != MEM_COMMIT) continue;
    facts[i].known = true;
    facts[i].protection = information.Protect == PAGE_READWRITE  ? Protection::kReadWrite
                          : information.Protect == PAGE_READONLY ? Protection::kReadOnly
                                                                 : Protection::kNoAccess;
    facts[i].guarded = IsClosed(mapping.base - 1) && IsClosed(mapping.base + mapping.length);
    facts[i].locked = LockedPages(mapping);
    facts[i].dump_excluded = false;
    facts[i].fork = ForkBehaviour::kAbsent;
  }
}

double MeasureNow(Measure measure) {
  const UINT silent = SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX;
  if (measure != Measure::kCoreLimit) return kUnknown;
  return (GetErrorMode() & silent) == silent ? 0 : kUnlimited;
}

// Without the fault box the system does not start Windows Error Reporting, which is what writes dumps. It knows none or
// any; nothing else is implemented here.
Status TakeMeasure(Measure measure, double value_max, Failure* failure) {
  if (measure != Measure::kCoreLimit || value_max != 0) {
    return Fail(failure, "SetErrorMode", ERROR_NOT_SUPPORTED, Status::kNotSupported);
  }
  SetErrorMode(GetErrorMode() | SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX);
  return Status::kOk;
}

}  // namespace securemem
