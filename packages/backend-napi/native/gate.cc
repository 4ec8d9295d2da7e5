#include "gate.h"

namespace securemem {

void Gate::Enlist(Look* look) {
  const Held held(&list_lock_);
  look->waiting = true;
  look->previous = nullptr;
  look->next = first_;
  if (first_ != nullptr) first_->previous = look;
  first_ = look;
}

void Gate::Remove(Look* look) {
  look->waiting = false;
  if (look->next != nullptr) look->next->previous = look->previous;
  (look->previous != nullptr ? look->previous->next : first_) = look->next;
}

bool Gate::StopWaiting(Look* look) {
  const Held held(&list_lock_);
  if (!look->waiting) return false;
  Remove(look);
  return true;
}

bool Gate::Begin(Look* look) {
  if (!look->lasting) return StopWaiting(look);
  const Held held(&list_lock_);
  return look->waiting;
}

bool Gate::Withdraw(Look* look) {
  // For one that has begun this waits until it is over.
  const Turn turn(this);
  return StopWaiting(look);
}

void Gate::TakeBack(size_t offset, size_t length) {
  const Held held(&list_lock_);
  Look* next;
  for (Look* look = first_; look != nullptr; look = next) {
    next = look->next;
    if (look->offset < offset + length && offset < look->offset + look->length) Remove(look);
  }
}

Status Gate::Take(Look* look, Read read, void* reader, Failure* failure) {
  const Turn turn(this);
  if (!Begin(look)) return Status::kDisposed;
  const bool closed = protection_ < Protection::kReadOnly;
  if (closed) {
    const Status opened = ProtectPages(mapping_, Protection::kReadOnly, failure);
    if (opened != Status::kOk) return opened;
  }
  const Status status = read(reader, mapping_.base + look->offset, look->length);
  if (!closed) return status;
  const Status restored = ProtectPages(mapping_, protection_, failure);
  return restored == Status::kOk ? status : restored;
}

}  // namespace securemem
