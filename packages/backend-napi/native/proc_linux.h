// What only /proc tells: locked bytes, mappings, user namespaces, and the facts of a region.
#pragma once
#include "pages.h"

namespace securemem {

// VmLck in bytes, or kUnknown.
double ReadVmLck();
// Mappings of this process now and at most, or kUnknown. Counting takes milliseconds with tens of thousands of mappings.
double CountMappings();
double MappingsMax();
// True unless user ids are mapped, as they are in a rootless container.
bool InInitialUserNamespace();
void InspectSmaps(const Mapping* const* mappings, Facts* facts, size_t count);

}  // namespace securemem
