#include "reference.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include <new>

#include "import.h"
#include "lock.h"
#include "rsa_method.h"
#include "stack.h"

namespace securemem {
namespace {

Lock g_references_lock{"references"};
Reference* g_first = nullptr;

struct Use {
  void* context;
  Reference* reference;
  pthread_t thread;
  Use* next;
};

Lock g_uses_lock{"uses"};
Use* g_uses = nullptr;

// An id is a secret of the process: how long the comparison takes says nothing about it.
bool SameId(const uint8_t* a, const uint8_t* b) {
  uint8_t different = 0;
  for (size_t i = 0; i < kIdByteLength; i++) different |= a[i] ^ b[i];
  return different == 0;
}

// Under g_uses_lock.
Use* UseOf(const void* context) {
  Use* use = g_uses;
  while (use != nullptr && use->context != context) use = use->next;
  return use;
}

bool InUseElsewhere(const Reference* reference) {
  const Held held(&g_uses_lock);
  for (const Use* use = g_uses; use != nullptr; use = use->next) {
    if (use->reference == reference && !pthread_equal(use->thread, pthread_self())) return true;
  }
  return false;
}

struct Reading {
  KeyType type;
  Bytes public_key;
  void* key;
};

}  // namespace

Reference::Reference(KeyType type, KeyWindow* window, const uint8_t* id, const void* by)
    : type_(type), window_(window), by_(by) {
  memcpy(id_, id, kIdByteLength);
  window_->retain(window_);
}

Reference::~Reference() {
  window_->release(window_);
  if (public_key_ != nullptr) OrdinaryOf(family()).free(public_key_);
  free(public_bytes_);
}

Reference* Reference::Open(KeyType type, KeyWindow* window, Bytes public_key, const uint8_t* id, const void* by) {
  if (OrdinaryOf(FamilyOf(type)).management == nullptr) return nullptr;
  Reference* reference = new (std::nothrow) Reference(type, window, id, by);
  if (reference == nullptr) return nullptr;
  reference->public_bytes_ = static_cast<uint8_t*>(malloc(public_key.length));
  if (reference->public_bytes_ != nullptr) {
    memcpy(reference->public_bytes_, public_key.data, public_key.length);
    reference->public_byte_length_ = public_key.length;
    reference->public_key_ = ImportPublic(type, public_key);
  }
  if (reference->public_key_ == nullptr) {
    reference->Release();
    return nullptr;
  }
  const Held held(&g_references_lock);
  reference->next_ = g_first;
  g_first = reference;
  return reference;
}

void Reference::Release() {
  if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
}

Reference* Reference::Find(const uint8_t* id) {
  const Held held(&g_references_lock);
  Reference* found = nullptr;
  for (Reference* reference = g_first; reference != nullptr; reference = reference->next_) {
    if (SameId(reference->id_, id)) found = reference;
  }
  if (found != nullptr) found->Retain();
  return found;
}

bool Reference::End(const uint8_t* id) {
  Reference* found = nullptr;
  {
    const Held held(&g_references_lock);
    for (Reference** at = &g_first; *at != nullptr; at = &(*at)->next_) {
      if (!SameId((*at)->id_, id)) continue;
      found = *at;
      *at = found->next_;
      break;
    }
  }
  if (found == nullptr) return false;
  found->Finish();
  return true;
}

void Reference::EndAllOf(const void* by) {
  for (;;) {
    Reference* found = nullptr;
    {
      const Held held(&g_references_lock);
      for (Reference** at = &g_first; *at != nullptr; at = &(*at)->next_) {
        if ((*at)->by_ != by) continue;
        found = *at;
        *at = found->next_;
        break;
      }
    }
    if (found == nullptr) return;
    found->Finish();
  }
}

// It is in no list any more.
void Reference::Finish() {
  ended_.store(true);
  window_->close(window_);
  Uses::Await(this);
  Release();
}

int Reference::ReadKey(void* reader, const uint8_t* bytes, size_t length) {
  Reading* reading = static_cast<Reading*>(reader);
  reading->key = ImportPrivate(reading->type, {bytes, length}, reading->public_key);
  return reading->key == nullptr ? 0 : 1;
}

bool Reference::Look(int (*read)(void* reader, const uint8_t* bytes, size_t length), void* reader) {
  return !ended() && window_->look(window_, read, reader) == 1;
}

SECUREMEM_NOINLINE void* Reference::Import() {
  const Bytes public_key = {public_bytes_, public_byte_length_};
  if (type_ == KeyType::kRsa && HasRsaMethod()) return ended() ? nullptr : MakeRsaKey(this, public_key);
  Reading reading = {type_, public_key, nullptr};
  if (Look(ReadKey, &reading)) return reading.key;
  // Read, and its page could not be closed again.
  if (reading.key != nullptr) OrdinaryOf(family()).free(reading.key);
  return nullptr;
}

bool Uses::Begin(void* context, Reference* reference) {
  Use* use = static_cast<Use*>(malloc(sizeof(Use)));
  if (use == nullptr) return false;
  reference->Retain();
  Reference* before = nullptr;
  Use* spare = nullptr;
  {
    const Held held(&g_uses_lock);
    Use* known = UseOf(context);
    if (known != nullptr) {
      before = known->reference;
      spare = use;
      use = known;
    } else {
      use->context = context;
      use->next = g_uses;
      g_uses = use;
    }
    use->reference = reference;
    use->thread = pthread_self();
  }
  free(spare);
  if (before != nullptr) before->Release();
  return true;
}

bool Uses::Copy(void* from, void* to) {
  Reference* reference = nullptr;
  {
    const Held held(&g_uses_lock);
    const Use* use = UseOf(from);
    if (use == nullptr) return true;
    reference = use->reference;
    reference->Retain();
  }
  const bool begun = Begin(to, reference);
  reference->Release();
  return begun;
}

void Uses::End(void* context) {
  Use* ended = nullptr;
  {
    const Held held(&g_uses_lock);
    for (Use** at = &g_uses; *at != nullptr; at = &(*at)->next) {
      if ((*at)->context != context) continue;
      ended = *at;
      *at = ended->next;
      break;
    }
  }
  if (ended == nullptr) return;
  ended->reference->Release();
  free(ended);
}

void Uses::Await(const Reference* reference) {
  while (InUseElsewhere(reference)) sched_yield();
}

}  // namespace securemem
