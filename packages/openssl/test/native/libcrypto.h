// What a program does with OpenSSL: keys in PEM, and signatures. The library of the system is loaded at run time, so no header of it is
// needed, and nothing is linked.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include <string>
#include <vector>

using Bytes = std::vector<uint8_t>;

// False where the system has no libcrypto.so.3. Once, first.
bool LoadLibcrypto();

class Key {
 public:
  // Of a PEM text; of a reference that is open, or nothing.
  explicit Key(const std::string& pem);
  ~Key();
  Key(const Key&) = delete;
  Key& operator=(const Key&) = delete;
  bool there() const { return key_ != nullptr; }

  bool Verifies(const Bytes& message, const Bytes& signature, bool with_digest) const;

 private:
  friend class Signing;
  void* key_;
};

// One signature: the private part is in hand from Begin to the end of this object.
class Signing {
 public:
  Signing();
  ~Signing();
  Signing(const Signing&) = delete;
  Signing& operator=(const Signing&) = delete;
  bool Begin(const Key& key, bool with_digest);
  // Goes on in a copy of the context, as OpenSSL does for its own ends.
  bool ChangeOver();
  bool Finish(const Bytes& message, Bytes* signature);

 private:
  void* context_;
};

// A new RSA key: its RSAPrivateKey and RSAPublicKey in DER.
bool MakeRsa(Bytes* private_key, Bytes* public_key);
