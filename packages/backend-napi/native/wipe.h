// Zeroing that the compiler may not remove.
#pragma once
#include <stddef.h>
#include <string.h>

namespace securemem {

inline void Wipe(void* bytes, size_t length) {
  memset(bytes, 0, length);
#if defined(__GNUC__) || defined(__clang__)
  // Tells the compiler that somebody reads the bytes now, so that the zeroing cannot be a dead store.
  __asm__ __volatile__("" : : "r"(bytes) : "memory");
#else
  volatile unsigned char* cursor = static_cast<volatile unsigned char*>(bytes);
  for (size_t i = 0; i < length; i++) cursor[i] = 0;
#endif
}

}  // namespace securemem
