// A private key in a region, lent to another addon of the same process: by functions, never by an address. It may be used by any
// thread and outlives the region; once the region is written to by the addon, unmapped or given up, nothing is seen through it any more.
//
// What goes from one addon to the other is an external value of JavaScript that points to a KeyWindow and carries kKeyWindowTag.
#pragma once
#include <stddef.h>
#include <stdint.h>

namespace securemem {

struct KeyWindow {
  // Of this structure: one that is longer has more functions at its end.
  size_t byte_length;

  // Lets `read` see the key, with its page open for that long, and answers what it answered, 1 or 0; 0 also when there is nothing to
  // be seen any more. One look at a time; `read` must not come back to the window.
  int (*look)(KeyWindow* window, int (*read)(void* reader, const uint8_t* bytes, size_t length), void* reader);

  // Nobody looks in after this returns: it waits for a look that has begun. Idempotent.
  void (*close)(KeyWindow* window);

  // Who holds it; the last one closes it.
  void (*retain)(KeyWindow* window);
  void (*release)(KeyWindow* window);
};

// napi_type_tag of the external value.
constexpr uint64_t kKeyWindowTag[2] = {0x7365637572656d65u, 0x6b657977696e646fu};

class Gate;

// A window on a range of the region behind the gate, held once; null where there is no memory, or no gate. From the first one on this
// library stays loaded, since its functions may be called by any thread at any time. Only in the addon that has the regions.
KeyWindow* MakeKeyWindow(Gate* gate, size_t offset, size_t length);

}  // namespace securemem
