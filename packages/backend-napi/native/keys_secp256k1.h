// What keys.h does by libsecp256k1. Lengths are checked already; see keys.h for the rest.
#pragma once
#include "keys.h"

namespace securemem {

// r and s, and behind them the recovery id where there is room for 65 bytes.
Status SignSecp256k1(Bytes key, Bytes digest, Room target);
Status PublicKeySecp256k1(Bytes key, Room target);
Status AgreeSecp256k1(Bytes key, Bytes peer, Room secret);

}  // namespace securemem
