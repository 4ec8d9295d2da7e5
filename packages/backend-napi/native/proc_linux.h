// What only /proc tells: locked bytes, mappings, user namespaces, and the facts of a region.
#pragma once
#include "pages.h"

namespace securemem {

// VmLck in bytes, or kUnknown.
double ReadVmLck();
// Whether a mapping begins and ends exactly there. False where it cannot be known.
bool IsOneMapping(const void* start, const void* end);
// False in a rootless container, and where it cannot be known. The map of user ids does not tell: another namespace may map
// every id to itself, and the lock limit still bites in it.
bool InInitialUserNamespace();
void InspectSmaps(const Mapping* const* mappings, Facts* facts, size_t count);

}  // namespace securemem
