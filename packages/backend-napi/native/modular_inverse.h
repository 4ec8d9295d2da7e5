// The inverse of a number modulo an odd one, in a time that depends on both: for numbers that are no secret.
#pragma once
#include "keys.h"

namespace securemem {

// All three are big-endian and as long as the modulus, which is odd and has kModulusBitsMax bits at most. False where there is no
// inverse, or the number is not less than the modulus.
bool InvertModulo(Bytes modulus, Bytes number, uint8_t* inverse);

}  // namespace securemem
