// The private operation of RSA, on a number that whoever measures its time does not know.
#pragma once
#include "keys.h"
#include "openssl.h"

namespace securemem {

// s = (m r^e)^d / r mod n for a random r, which is used this once. `padded` is m, as long as the modulus and less than it; so is
// `signature`. OpenSSL is told not to blind this key itself: see the source. What leaves is checked: s^e = m, or kKeyInvalid.
Status SignBlinded(const OpenSsl& openssl, ssl::Rsa* rsa, Bytes padded, uint8_t* signature);

}  // namespace securemem
