// What only /proc tells: locked bytes, mappings, user namespaces, and the facts of a region.
#pragma once
#include "pages.h"

namespace securemem {

// VmLck in bytes, or kUnknown.
double ReadVmLck();
// Bytes of hidden pages in this process, whoever mapped them; 0 where it cannot be known.
double HiddenByteLength();
// Whether a mapping begins and ends exactly there. False where it cannot be known.
bool IsOneMapping(const void* start, const void* end);
// False in a rootless container, and where it cannot be known. The map of user ids does not tell: another namespace may map
// every id to itself, and the lock limit still bites in it.
bool InInitialUserNamespace();
// The variables that the process was started with, which /proc/<pid>/environ shows. False where the kernel does not tell, or
// names memory that is not there: a process may move it (prctl PR_SET_MM).
bool FindStartBlock(char** start, char** end);
void InspectSmaps(const Mapping* const* mappings, Facts* facts, size_t count);

}  // namespace securemem
