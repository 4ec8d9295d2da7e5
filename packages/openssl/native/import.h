// Ordinary keys made of bytes as securemem has them, by the functions of the provider that serves ordinary keys. Null for what is no key.
#pragma once
#include "family.h"
#include "keys.h"

namespace securemem {

// `public_key` is raw, an uncompressed point, or an RSAPublicKey in DER.
void* ImportPublic(KeyType type, Bytes public_key);

// `key` is as lies in a page: a seed, a number of 32 bytes, a scalar big-endian, an RSAPrivateKey in DER. What is made of it on the way
// is overwritten.
void* ImportPrivate(KeyType type, Bytes key, Bytes public_key);

}  // namespace securemem
