// What a call leaves on the stack below its caller, wiped.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "fault.h"
#include "wipe.h"

#if defined(_MSC_VER)
#define SECUREMEM_NOINLINE __declspec(noinline)
#else
#define SECUREMEM_NOINLINE __attribute__((noinline))
#endif

namespace securemem {

template <size_t ByteLength>
SECUREMEM_NOINLINE void WipeStack() {
#ifdef SECUREMEM_TEST_FAULTS
  if (g_stack_kept) return;
#endif
  uint8_t stack[ByteLength];
  Wipe(stack, sizeof stack);
}

}  // namespace securemem
