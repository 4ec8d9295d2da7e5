// OpenSSL blinds in the same way, and for a key that is kept it squares the factor from call to call. For a new key it has to invert
// one, without branches, since the factor is secret: that takes longer than the signature. Here the factor is inverted under a mask:
// 1/r = s / (r s) for a second random s. The product r s is a random number that tells nothing of r, so its inversion may take
// whatever time it takes. BoringSSL (BN_mod_inverse_blinded) and mbed TLS (rsa_prepare_blinding) do so too.
#include "rsa_blinded.h"

#include "modular_inverse.h"
#include "stack.h"

namespace securemem {
namespace {

// Numbers modulo n. Each step is false where OpenSSL has no memory or no random bytes.
class Residues {
 public:
  Residues(const OpenSsl& openssl, const ssl::Bignum* n, size_t width)
      : openssl_(openssl),
        n_(n),
        width_(static_cast<int>(width)),
        context_(openssl.BN_CTX_new(), openssl.BN_CTX_free),
        montgomery_(openssl.BN_MONT_CTX_new(), openssl.BN_MONT_CTX_free),
        factor_(openssl.BN_new(), openssl.BN_clear_free) {}

  bool Begin() {
    return !context_.none() && !montgomery_.none() && !factor_.none() &&
           openssl_.BN_MONT_CTX_set(montgomery_.get(), n_, context_.get()) == 1;
  }
  bool Random(ssl::Bignum* to) const { return openssl_.BN_priv_rand_range(to, n_) == 1; }
  bool Multiply(ssl::Bignum* to, const ssl::Bignum* a, const ssl::Bignum* b) const {
    return openssl_.BN_to_montgomery(factor_.get(), b, montgomery_.get(), context_.get()) == 1 &&
           openssl_.BN_mod_mul_montgomery(to, a, factor_.get(), montgomery_.get(), context_.get()) == 1;
  }
  // The exponent is public.
  bool Raise(ssl::Bignum* to, const ssl::Bignum* base, const ssl::Bignum* exponent) const {
    return openssl_.BN_mod_exp_mont(to, base, exponent, n_, context_.get(), montgomery_.get()) == 1;
  }
  bool Read(ssl::Bignum* to, const uint8_t* bytes) const { return openssl_.BN_bin2bn(bytes, width_, to) != nullptr; }
  bool Write(const ssl::Bignum* number, uint8_t* bytes) const {
    return openssl_.BN_bn2binpad(number, bytes, width_) == width_;
  }

 private:
  const OpenSsl& openssl_;
  const ssl::Bignum* n_;
  const int width_;
  Owned<ssl::BignumContext> context_;
  Owned<ssl::Montgomery> montgomery_;
  Owned<ssl::Bignum> factor_;
};

class Number : public Owned<ssl::Bignum> {
 public:
  explicit Number(const OpenSsl& openssl) : Owned(openssl.BN_new(), openssl.BN_clear_free) {}
};

// 1/r, by way of a number that may be known. A modulus that is no product of two large primes may leave numbers without an inverse:
// kKeyInvalid. A wrong answer would be found out with the signature.
SECUREMEM_NOINLINE Status Invert(const OpenSsl& openssl, const Residues& residues, const ssl::Bignum* n, size_t width,
                                 const ssl::Bignum* r, ssl::Bignum* inverse) {
  Number mask(openssl), masked(openssl);
  uint8_t modulus[kSignatureByteLengthMax], number[kSignatureByteLengthMax];
  if (mask.none() || masked.none() || !residues.Random(mask.get()) ||
      !residues.Multiply(masked.get(), r, mask.get()) || !residues.Write(n, modulus) ||
      !residues.Write(masked.get(), number)) {
    return Status::kFailed;
  }
  if (!InvertModulo({modulus, width}, {number, width}, number)) return Status::kKeyInvalid;
  const bool done = residues.Read(inverse, number) && residues.Multiply(inverse, inverse, mask.get());
  return done ? Status::kOk : Status::kFailed;
}

}  // namespace

Status SignBlinded(const OpenSsl& openssl, ssl::Rsa* rsa, Bytes padded, uint8_t* signature) {
  const int width = static_cast<int>(padded.length);
  const ssl::Bignum *n, *e;
  openssl.RSA_get0_key(rsa, &n, &e, nullptr);
  Residues residues(openssl, n, padded.length);
  Number message(openssl), r(openssl), inverse(openssl), number(openssl);
  if (message.none() || r.none() || inverse.none() || number.none() || !residues.Begin()) return Status::kFailed;
  if (!residues.Random(r.get())) return Status::kFailed;
  const Status inverted = Invert(openssl, residues, n, padded.length, r.get(), inverse.get());
  if (inverted != Status::kOk) return inverted;
  if (!residues.Read(message.get(), padded.data) || !residues.Raise(number.get(), r.get(), e) ||
      !residues.Multiply(number.get(), number.get(), message.get()) || !residues.Write(number.get(), signature)) {
    return Status::kFailed;
  }
  // The number is blinded already.
  openssl.RSA_blinding_off(rsa);
  if (openssl.RSA_private_encrypt(width, signature, signature, rsa, ssl::kNoPadding) != width) return Status::kKeyInvalid;
  if (!residues.Read(number.get(), signature) || !residues.Multiply(number.get(), number.get(), inverse.get()) ||
      !residues.Write(number.get(), signature) || !residues.Raise(r.get(), number.get(), e)) {
    return Status::kFailed;
  }
  return openssl.BN_cmp(r.get(), message.get()) == 0 ? Status::kOk : Status::kKeyInvalid;
}

}  // namespace securemem
