// An RSAPrivateKey of PKCS#1 in DER, looked through where it lies. Stricter than OpenSSL's reader: every length is in its shortest
// form, every number is positive, there are two primes, and nothing lies behind.
#pragma once
#include "keys.h"

namespace securemem {

struct RsaShape {
  // Modulus and exponent with their headers, as they stand in an RSAPublicKey, too.
  Bytes public_numbers;
  size_t modulus_bits;
};

// False for what is no such key, or one whose modulus is even or of a size that is not served.
bool LookThroughRsa(Bytes key, RsaShape* shape);

// Bytes of the RSAPublicKey, which is written where there is room for it.
size_t WriteRsaPublicKey(const RsaShape& shape, Room target);

}  // namespace securemem
