// Windows: VirtualAlloc between reserved pages, VirtualLock. Sources of the rules: the documentation of VirtualLock,
// VirtualProtect, SetProcessWorkingSetSize and QueryWorkingSetEx.
//
// A page without access loses its lock in silence, so read-only is the strongest protection here. The lock limit is the
// minimum working set of the process.
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

Status RefuseLast(Failure* failure, const char* call, Asks asks = Asks::kMemory) {
  return Refuse(failure, call, static_cast<int>(GetLastError()), asks);
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

Status ProbePages(PageKind kind, Abilities* abilities, Failure*) {
  if (kind == PageKind::kHidden) return Status::kNotSupported;
  abilities->strongest = Protection::kReadOnly;
  abilities->dump_excluded = false;
  // There is no fork.
  abilities->fork = ForkBehaviour::kAbsent;
  return Status::kOk;
}

Status MapPages(size_t length, PageKind, const Abilities&, Mapping* mapping, Failure* failure) {
  failure->requested = static_cast<double>(length);
  size_t page = PageByteLength();
  void* reserved = SECUREMEM_TRY(nullptr, VirtualAlloc(nullptr, length + 2 * page, MEM_RESERVE, PAGE_NOACCESS));
  if (reserved == nullptr) return RefuseLast(failure, "VirtualAlloc", Asks::kAddressSpace);
  uint8_t* base = static_cast<uint8_t*>(reserved) + page;
  Status status = Status::kOk;
  // The guards stay reserved: a touch of what is not committed is an access violation.
  if (SECUREMEM_TRY(nullptr, VirtualAlloc(base, length, MEM_COMMIT, PAGE_READWRITE)) == nullptr) {
    status = RefuseLast(failure, "VirtualAlloc");
  } else if (!SECUREMEM_TRY(FALSE, VirtualLock(base, length))) {
    status = RefuseLast(failure, "VirtualLock", Asks::kLock);
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
  failure->requested = static_cast<double>(mapping.length);
  DWORD before;
  if (VirtualProtect(mapping.base, mapping.length, ProtectionFlag(protection), &before)) return Status::kOk;
  return RefuseLast(failure, "VirtualProtect");
}

Status UnmapPages(const Mapping& mapping, Failure* failure) {
  failure->requested = static_cast<double>(mapping.length);
  // Releasing unlocks as well; a failed VirtualUnlock changes nothing about it.
  VirtualUnlock(mapping.base, mapping.length);
  if (VirtualFree(mapping.base - PageByteLength(), 0, MEM_RELEASE)) return Status::kOk;
  return RefuseLast(failure, "VirtualFree");
}

void ReadLockNumbers(LockNumbers* numbers) {
  SIZE_T least, most;
  if (!GetProcessWorkingSetSize(GetCurrentProcess(), &least, &most)) return;
  numbers->soft = static_cast<double>(least);
  numbers->hard = static_cast<double>(most);
}

Status SetLockLimit(double soft, double most, Failure* failure) {
  const bool set =
      SetProcessWorkingSetSize(GetCurrentProcess(), static_cast<SIZE_T>(soft), static_cast<SIZE_T>(most));
  return set ? Status::kOk : RefuseLast(failure, "SetProcessWorkingSetSize");
}

// Nothing tells what the whole process has locked.
double LockedByteLength() { return kUnknown; }
double CountMappings() { return kUnknown; }
double MappingsMax() { return kUnknown; }
bool KernelCannotRead(const Mapping&) { return false; }

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

// Without the fault box the system does not start Windows Error Reporting, which is what writes dumps. It knows none or
// any; nothing else is implemented here.
constexpr UINT kSilent = SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX;

Status GetLimit(Limit limit, uint64_t* soft, uint64_t* hard, Failure*) {
  if (limit != Limit::kCore) return Status::kNotSupported;
  *soft = *hard = (GetErrorMode() & kSilent) == kSilent ? 0 : UINT64_MAX;
  return Status::kOk;
}

Status SetLimit(Limit limit, uint64_t soft, uint64_t, Failure*) {
  if (limit != Limit::kCore || soft != 0) return Status::kNotSupported;
  SetErrorMode(GetErrorMode() | kSilent);
  return Status::kOk;
}

Status GetDumpable(bool*, Failure*) { return Status::kNotSupported; }
Status ForbidDumps(Failure*) { return Status::kNotSupported; }

}  // namespace securemem
