#include "slot.h"

#include <stdlib.h>
#include <string.h>

#include <random>

using securemem::Gate;
using securemem::Protection;
using securemem::Reference;
using securemem::Status;

namespace {

void Name(Life* life) {
  thread_local std::random_device chance;
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (uint8_t& byte : life->id) {
    byte = static_cast<uint8_t>(chance());
    hex += kDigits[byte >> 4];
    hex += kDigits[byte & 15];
  }
  life->pem = "-----BEGIN SECUREMEM KEY REFERENCE-----\n" + hex + "\n-----END SECUREMEM KEY REFERENCE-----\n";
}

}  // namespace

std::shared_ptr<Life> Slot::life() {
  const std::lock_guard<std::mutex> guard(mutex_);
  return life_;
}

bool Slot::Open() {
  securemem::Failure failure;
  securemem::Abilities abilities;
  constexpr auto kind = securemem::PageKind::kAnonymous;
  if (securemem::ProbePages(kind, &abilities, &failure) != Status::kOk ||
      securemem::MapPages(securemem::PageByteLength(), kind, abilities, &mapping_, &failure) != Status::kOk) {
    return false;
  }
  memcpy(mapping_.base, pair_.private_key.data(), pair_.private_key.size());
  gate_ = new Gate(mapping_, Protection::kReadWrite);
  Access();
  window_ = securemem::MakeKeyWindow(gate_, 0, pair_.private_key.size());
  auto life = std::make_shared<Life>();
  Name(life.get());
  const securemem::Bytes public_key = {pair_.public_key.data(), pair_.public_key.size()};
  if (Reference::Open(pair_.type, window_, public_key, life->id, this) == nullptr) return false;
  const std::lock_guard<std::mutex> guard(mutex_);
  life_ = life;
  return true;
}

void Slot::Protect(Protection protection) {
  securemem::Failure failure;
  if (securemem::ProtectPages(mapping_, protection, &failure) != Status::kOk) abort();
  gate_->Note(protection);
}

void Slot::Access() {
  for (const Protection protection : {Protection::kReadWrite, Protection::kNoAccess}) {
    const Gate::Turn turn(gate_);
    Protect(protection);
  }
}

// What the page held is overwritten before: whoever read it now would make a wrong signature, or end the process.
void Slot::Unmap() {
  securemem::Failure failure;
  {
    const Gate::Turn turn(gate_);
    gate_->TakeBackAll();
    Protect(Protection::kReadWrite);
    memset(mapping_.base, 0x55, mapping_.length);
    if (securemem::UnmapPages(mapping_, &failure) != Status::kOk) abort();
  }
  gate_->Release();
  window_->release(window_);
}

bool Slot::Finish(End how) {
  const std::shared_ptr<Life> life = this->life();
  life->ending = true;
  if (how == End::kWrite) {
    const Gate::Turn turn(gate_);
    gate_->TakeBack(0, pair_.private_key.size());
    Protect(Protection::kReadWrite);
    memset(mapping_.base, 0x55, pair_.private_key.size());
  }
  if (how == End::kClose) Reference::EndAllOf(this);
  if (how == End::kDispose || how == End::kWrite) Reference::End(life->id);
  life->over = true;
  const bool in_hand = life->in_hand != 0;
  if (how == End::kNotAtAll) Reference::End(life->id);
  Unmap();
  return in_hand;
}
