// What keys.h does by OpenSSL. Lengths are checked already, and `target` and `secret` have their length; see keys.h for the rest.
#pragma once
#include "keys.h"
#include "openssl.h"

namespace securemem {

struct Curve {
  int nid;
  size_t width;
};

Status SignEd25519(const OpenSsl& openssl, Bytes key, Bytes message, uint8_t* target);
Status PublicKey25519(const OpenSsl& openssl, int type, Bytes key, uint8_t* target);
Status AgreeX25519(const OpenSsl& openssl, Bytes key, Bytes peer, Room secret);

Status SignEc(const OpenSsl& openssl, const Curve& curve, Bytes key, Bytes digest, uint8_t* target);
Status PublicKeyEc(const OpenSsl& openssl, const Curve& curve, Bytes key, Room target);
Status AgreeEc(const OpenSsl& openssl, const Curve& curve, Bytes key, Bytes peer, Room secret);
// Whether r and s are a signature by the point; for the known answers.
bool VerifyEc(const OpenSsl& openssl, const Curve& curve, Bytes point, Bytes digest, Bytes signature);

// A key of RSA as OpenSSL has it, which is a copy: the calculation needs no page any more.
class RsaKey {
 public:
  RsaKey() = default;
  ~RsaKey() { Free(); }
  RsaKey(const RsaKey&) = delete;
  RsaKey& operator=(const RsaKey&) = delete;
  Status Read(const OpenSsl& openssl, Bytes key);
  // Checks each signature by the public numbers before it leaves: one by numbers that do not belong together would give them away.
  Status Sign(Signing signing, Bytes digest, Room target, size_t* length);
  // Overwrites the numbers.
  void Free();

 private:
  const OpenSsl* openssl_ = nullptr;
  ssl::Rsa* rsa_ = nullptr;
  size_t bits_ = 0;
};

}  // namespace securemem
