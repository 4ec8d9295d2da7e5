#include "keys_openssl.h"

namespace securemem {
namespace {

// The scalar is read from its place; the number that OpenSSL makes of it is overwritten when it is freed.
ssl::Bignum* Scalar(const OpenSsl& openssl, const Curve& curve, Bytes key) {
  ssl::Bignum* scalar = openssl.BN_bin2bn(key.data, static_cast<int>(curve.width), nullptr);
  if (scalar != nullptr) openssl.BN_set_flags(scalar, ssl::kConstantTime);
  return scalar;
}

bool Load(const OpenSsl& openssl, const Curve& curve, Bytes key, ssl::EcKey* ec) {
  if (ec == nullptr) return false;
  Owned<ssl::Bignum> scalar(Scalar(openssl, curve, key), openssl.BN_clear_free);
  return !scalar.none() && openssl.EC_KEY_set_private_key(ec, scalar.get()) == 1;
}

}  // namespace

Status SignEc(const OpenSsl& openssl, const Curve& curve, Bytes key, Bytes digest, uint8_t* target) {
  const ErrorMark mark(&openssl);
  Owned<ssl::EcKey> ec(openssl.EC_KEY_new_by_curve_name(curve.nid), openssl.EC_KEY_free);
  if (!Load(openssl, curve, key, ec.get())) return Status::kFailed;
  Owned<ssl::EcdsaSignature> signature(
      openssl.ECDSA_do_sign(digest.data, static_cast<int>(digest.length), ec.get()), openssl.ECDSA_SIG_free);
  if (signature.none()) return Status::kFailed;
  const ssl::Bignum *r, *s;
  openssl.ECDSA_SIG_get0(signature.get(), &r, &s);
  const int width = static_cast<int>(curve.width);
  const bool written = openssl.BN_bn2binpad(r, target, width) == width &&
                       openssl.BN_bn2binpad(s, target + curve.width, width) == width;
  return written ? Status::kOk : Status::kFailed;
}

Status PublicKeyEc(const OpenSsl& openssl, const Curve& curve, Bytes key, Room target) {
  const ErrorMark mark(&openssl);
  Owned<ssl::EcKey> ec(openssl.EC_KEY_new_by_curve_name(curve.nid), openssl.EC_KEY_free);
  if (ec.none()) return Status::kFailed;
  const ssl::EcGroup* group = openssl.EC_KEY_get0_group(ec.get());
  Owned<ssl::Bignum> scalar(Scalar(openssl, curve, key), openssl.BN_clear_free);
  Owned<ssl::EcPoint> point(openssl.EC_POINT_new(group), openssl.EC_POINT_clear_free);
  if (scalar.none() || point.none() ||
      openssl.EC_POINT_mul(group, point.get(), scalar.get(), nullptr, nullptr, nullptr) != 1) {
    return Status::kFailed;
  }
  const size_t length = 2 * curve.width + 1;
  const size_t written =
      openssl.EC_POINT_point2oct(group, point.get(), ssl::kUncompressed, target.data, length, nullptr);
  return written == length ? Status::kOk : Status::kFailed;
}

Status AgreeEc(const OpenSsl& openssl, const Curve& curve, Bytes key, Bytes peer, Room secret) {
  const ErrorMark mark(&openssl);
  Owned<ssl::EcKey> ec(openssl.EC_KEY_new_by_curve_name(curve.nid), openssl.EC_KEY_free);
  if (!Load(openssl, curve, key, ec.get())) return Status::kFailed;
  const ssl::EcGroup* group = openssl.EC_KEY_get0_group(ec.get());
  Owned<ssl::EcPoint> point(openssl.EC_POINT_new(group), openssl.EC_POINT_clear_free);
  if (point.none()) return Status::kFailed;
  // Refuses coordinates that are too large and points beside the curve.
  if (openssl.EC_POINT_oct2point(group, point.get(), peer.data, peer.length, nullptr) != 1) return Status::kPeerInvalid;
  const int length = openssl.ECDH_compute_key(secret.data, secret.length, point.get(), ec.get(), nullptr);
  return length == static_cast<int>(secret.length) ? Status::kOk : Status::kFailed;
}

bool VerifyEc(const OpenSsl& openssl, const Curve& curve, Bytes point, Bytes digest, Bytes signature) {
  const ErrorMark mark(&openssl);
  Owned<ssl::EcKey> ec(openssl.EC_KEY_new_by_curve_name(curve.nid), openssl.EC_KEY_free);
  if (ec.none()) return false;
  const ssl::EcGroup* group = openssl.EC_KEY_get0_group(ec.get());
  Owned<ssl::EcPoint> known(openssl.EC_POINT_new(group), openssl.EC_POINT_clear_free);
  if (known.none() || openssl.EC_POINT_oct2point(group, known.get(), point.data, point.length, nullptr) != 1 ||
      openssl.EC_KEY_set_public_key(ec.get(), known.get()) != 1) {
    return false;
  }
  const int width = static_cast<int>(curve.width);
  Owned<ssl::EcdsaSignature> given(openssl.ECDSA_SIG_new(), openssl.ECDSA_SIG_free);
  Owned<ssl::Bignum> r(openssl.BN_bin2bn(signature.data, width, nullptr), openssl.BN_clear_free);
  Owned<ssl::Bignum> s(openssl.BN_bin2bn(signature.data + width, width, nullptr), openssl.BN_clear_free);
  if (given.none() || r.none() || s.none()) return false;
  if (openssl.ECDSA_SIG_set0(given.get(), r.get(), s.get()) != 1) return false;
  r.release();
  s.release();
  return openssl.ECDSA_do_verify(digest.data, static_cast<int>(digest.length), given.get(), ec.get()) == 1;
}

}  // namespace securemem
