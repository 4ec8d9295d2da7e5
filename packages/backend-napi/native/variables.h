// The variables of this process where the C library and the kernel have them. Only the main thread looks at them, which
// JavaScript sees to. No N-API type appears here.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "status.h"

namespace securemem {

constexpr size_t kVariableNameMax = 1024;

// `name` is not terminated, and has no '=' and no NUL in it. Bytes of the value that counts, or -1 where it is not set.
double VariableByteLength(const uint8_t* name, size_t name_length);

struct Taken {
  // Where a value stood that reads zero now.
  double places = 0;
  bool start_block_searched = false;
};

// Moves the value into `target` and zeroes every other of its name. kBadRange, and nothing has changed, where its length is
// another one; kNotSupported where variables cannot be erased.
Status TakeVariable(const uint8_t* name, size_t name_length, uint8_t* target, size_t length, Taken* taken);

}  // namespace securemem
