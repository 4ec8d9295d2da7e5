// The functions of the addon that use private keys in regions. Mirrored in src/binding.ts.
#pragma once
#include <node_api.h>

namespace securemem {

// keyTypes() -> a bit for each KeyType
napi_value ReadKeyTypes(napi_env env, napi_callback_info info);
// sign(owner, signing, region, offset, length, message, target) -> bytes of the signature, or a negated status
napi_value SignByRange(napi_env env, napi_callback_info info);
// publicKey(owner, type, region, offset, length, target) -> bytes of the key, or a negated status
napi_value PublicKeyOfRange(napi_env env, napi_callback_info info);
// agree(owner, agreement, keyRegion, keyOffset, keyLength, peer, region, offset, length) -> status
napi_value AgreeInRange(napi_env env, napi_callback_info info);
// signLater(owner, signing, region, offset, length, digest, Float64Array of 1) -> promise, and its ticket in the array; or a negated
// status. RSA only.
napi_value SignLater(napi_env env, napi_callback_info info);
// revokeSignature(ticket) -> 1 when the key had not been read and will not be, or 0
napi_value RevokeSignature(napi_env env, napi_callback_info info);
// openWindow(owner, type, region, offset, length) -> an external value for another addon, see key_window.h; or a negated status
napi_value OpenWindow(napi_env env, napi_callback_info info);

}  // namespace securemem
