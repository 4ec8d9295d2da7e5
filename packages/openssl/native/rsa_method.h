// Keys of RSA for OpenSSL's own functions, which pad and encode as they do for any key, but whose private operation is ours. For that one
// operation the private part is read through the window of a reference into numbers of OpenSSL's, which are overwritten after it.
//
// Its own operation on a key that is new takes half as long again: it inverts a blinding factor without branches. See rsa_blinded.cc.
#pragma once
#include "family.h"

namespace securemem {

class Reference;

// After FindOrdinary. Without it, or where keys of RSA are served by another provider than OpenSSL's default one, whose structures nobody
// knows, there are none.
void PrepareRsaMethod(const ProviderFunctions& functions);
bool HasRsaMethod();

// A key that holds the reference for as long as it lives itself; null where there is no memory, or the public key is none.
void* MakeRsaKey(Reference* reference, Bytes public_key);

}  // namespace securemem
