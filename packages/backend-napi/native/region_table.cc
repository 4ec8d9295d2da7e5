#include "region_table.h"

#include <stdlib.h>
#include <string.h>

#include "wipe.h"

namespace securemem {
namespace {

// Ids count up and are never used twice in the life of the loaded library, whatever the thread, so that a released id and an
// id of another backend are simply not in the table. Small numbers, since V8 keeps those without allocating: a process that
// is at its mapping limit does not survive the collection of its garbage.
constexpr double kIdMax = 9007199254740991.0;
std::atomic<uint64_t> g_last_id{0};

template <typename T>
bool Resize(T** array, uint32_t from, uint32_t to) {
  T* grown = static_cast<T*>(realloc(static_cast<void*>(*array), to * sizeof(T)));
  if (grown == nullptr) return false;
  memset(static_cast<void*>(grown + from), 0, (to - from) * sizeof(T));
  *array = grown;
  return true;
}

}  // namespace

Status RegionTable::Open(PageKind kind, uint32_t* owner, Failure* failure) {
  Abilities abilities;
  Status status = ProbePages(kind, &abilities, failure);
  if (status != Status::kOk) return status;
  if (!Resize(&owners_, owner_count_, owner_count_ + 1)) return Status::kOutOfMemory;
  owners_[owner_count_].open = true;
  owners_[owner_count_].kind = kind;
  owners_[owner_count_].abilities = abilities;
  // Numbers start at 1; 0 is nobody.
  *owner = ++owner_count_;
  return Status::kOk;
}

const Owner* RegionTable::owner(uint32_t number) const {
  if (number == 0 || number > owner_count_ || !owners_[number - 1].open) return nullptr;
  return &owners_[number - 1];
}

bool RegionTable::Grow() {
  uint32_t wanted = region_capacity_ == 0 ? 16 : region_capacity_ * 2;
  if (!ids_.Reserve(wanted) || !Resize(&regions_, region_capacity_, wanted)) return false;
  for (uint32_t i = wanted; i-- > region_capacity_;) {
    regions_[i].next_free = free_regions_;
    free_regions_ = i;
  }
  region_capacity_ = wanted;
  return true;
}

Status RegionTable::Map(uint32_t number, size_t length, double* id, Failure* failure) {
  const Owner* by = owner(number);
  if (by == nullptr) return Status::kClosed;
  if (free_regions_ == UINT32_MAX && !Grow()) return Status::kOutOfMemory;
  Aliases* aliases = new (std::nothrow) Aliases();
  if (aliases == nullptr) return Status::kOutOfMemory;
  Mapping mapping;
  Status status = MapPages(length, by->kind, by->abilities, &mapping, failure);
  if (status != Status::kOk) {
    aliases->Release();
    return status;
  }

  uint32_t entry = free_regions_;
  Region* region = &regions_[entry];
  free_regions_ = region->next_free;
  region->id = g_last_id.fetch_add(1, std::memory_order_relaxed) + 1;
  ids_.Put(region->id, entry);
  region->owner = number;
  region->protection = Protection::kReadWrite;
  region->mapping = mapping;
  region->aliases = aliases;
  *id = static_cast<double>(region->id);
  return Status::kOk;
}

Status RegionTable::Find(uint32_t number, double id, Region** region) {
  if (owner(number) == nullptr) return Status::kClosed;
  // Anything that is no id at all is also no live id.
  if (!(id >= 1 && id <= kIdMax) || id != static_cast<double>(static_cast<uint64_t>(id))) return Status::kDisposed;
  const uint64_t wanted = static_cast<uint64_t>(id);
  if (wanted != last_id_) {
    const uint32_t entry = ids_.Find(wanted);
    if (entry == IdIndex::kNone) return Status::kDisposed;
    last_id_ = wanted;
    last_entry_ = entry;
  }
  *region = &regions_[last_entry_];
  return (*region)->owner == number ? Status::kOk : Status::kDisposed;
}

Status RegionTable::Find(uint32_t number, double id, double offset, double length, Region** region) {
  Status status = Find(number, id, region);
  if (status != Status::kOk) return status;
  double size = static_cast<double>((*region)->mapping.length);
  // Written so that NaN fails, too.
  if (!(offset >= 0 && length >= 0 && offset <= size && length <= size - offset)) return Status::kBadRange;
  if (offset != static_cast<double>(static_cast<uint64_t>(offset))) return Status::kBadRange;
  if (length != static_cast<double>(static_cast<uint64_t>(length))) return Status::kBadRange;
  return Status::kOk;
}

Status RegionTable::Protect(Region* region, Protection protection, Failure* failure) {
  const Gate::Turn turn(region->gate);
  return Set(region, protection, failure);
}

Status RegionTable::Set(Region* region, Protection protection, Failure* failure) {
  const Status status = ProtectPages(region->mapping, protection, failure);
  if (status != Status::kOk) return status;
  region->protection = protection;
  if (region->gate != nullptr) region->gate->Note(protection);
  return status;
}

Gate* RegionTable::GateOf(Region* region) {
  if (region->gate == nullptr) region->gate = new (std::nothrow) Gate(region->mapping, region->protection);
  return region->gate;
}

Status RegionTable::Wipe(Region* region, Failure* failure) {
  // The whole mapping is toggled, which succeeds even when no more mappings are to be had.
  if (region->protection != Protection::kReadWrite) {
    const Status status = Set(region, Protection::kReadWrite, failure);
    if (status != Status::kOk) return status;
  }
  if (region->gate != nullptr) region->gate->TakeBackAll();
  securemem::Wipe(region->mapping.base, region->mapping.length);
  return Status::kOk;
}

void RegionTable::Forget(Region* region) {
  region->aliases->Release();
  region->aliases = nullptr;
  if (region->gate != nullptr) region->gate->Release();
  region->gate = nullptr;
  ids_.Remove(region->id);
  if (last_id_ == region->id) last_id_ = 0;
  region->id = 0;
  region->owner = 0;
  region->next_free = free_regions_;
  free_regions_ = static_cast<uint32_t>(region - regions_);
}

Status RegionTable::Unmap(Region* region, Failure* failure) {
  // What was revoked is only noted until somebody wants to know it.
  if (region->aliases->any()) SweepViews();
  if (region->aliases->any()) return Status::kInUse;
  Gate::Turn turn(region->gate);
  const Protection before = region->protection;
  Status status = Wipe(region, failure);
  if (status != Status::kOk) return status;
  status = UnmapPages(region->mapping, failure);
  if (status == Status::kOk) {
    turn.End();
    Forget(region);
  } else if (before != region->protection) {
    Failure ignored;
    Set(region, before, &ignored);
  }
  return status;
}

// At an end nobody is left to tell: what cannot be wiped is given back all the same. A region that something still shows stays
// mapped and open, since a touch would kill the process.
void RegionTable::GiveUp(Region* region) {
  Failure ignored;
  Gate::Turn turn(region->gate);
  // Also where it cannot be wiped.
  if (region->gate != nullptr) region->gate->TakeBackAll();
  Wipe(region, &ignored);
  if (region->aliases->any() || UnmapPages(region->mapping, &ignored) != Status::kOk) return;
  turn.End();
  Forget(region);
}

Status RegionTable::Close(uint32_t number) {
  if (owner(number) == nullptr) return Status::kClosed;
  SweepViews();
  for (uint32_t i = 0; i < region_capacity_; i++) {
    Region* region = &regions_[i];
    if (region->id != 0 && region->owner == number) GiveUp(region);
  }
  owners_[number - 1].open = false;
  return Status::kOk;
}

View* RegionTable::view(uint32_t number, uint32_t serial) const {
  if (number >= view_capacity_) return nullptr;
  View* found = record(number);
  return found->in_use() && found->serial == serial ? found : nullptr;
}

uint32_t RegionTable::AddView(Region* region, View** added) {
  if (free_views_ == UINT32_MAX && !GrowViews()) return kNoView;
  uint32_t number = free_views_;
  View* taken = record(number);
  free_views_ = taken->next_free;
  free_view_count_--;
  if (number < revoked_note_count_ && revoked_notes_[number] != 0) revoked_notes_[number] = 0;
  taken->Begin(region->aliases);
  *added = taken;
  return number;
}

void RegionTable::DropView(uint32_t number) {
  View* dropped = record(number);
  dropped->End();
  dropped->next_free = free_views_;
  free_views_ = number;
  free_view_count_++;
}

// Views that were neither closed nor kept are found here, too: their buffers are collected.
uint32_t RegionTable::SweepViews() {
  for (uint32_t number = 0; number < view_capacity_; number++) {
    View* swept = record(number);
    if (!swept->in_use()) continue;
    if (swept->revoked || (number < revoked_note_count_ && revoked_notes_[number] != 0)) swept->Gone();
    // Somebody may still ask about an escaped one.
    if (swept->collected() && !swept->escaped) DropView(number);
  }
  return free_view_count_;
}

bool RegionTable::GrowViews() {
  // Doubling, so that many views in one turn, whose buffers are collected later, do not make sweeping quadratic.
  if (SweepViews() > view_capacity_ / 4) return true;
  uint32_t chunk_count = view_capacity_ / kViewsPerChunk;
  uint32_t wanted = chunk_count == 0 ? 1 : chunk_count * 2;
  if (!Resize(&view_chunks_, chunk_count, wanted)) return free_view_count_ > 0;
  for (uint32_t chunk = chunk_count; chunk < wanted; chunk++) {
    view_chunks_[chunk] = new (std::nothrow) View[kViewsPerChunk];
    if (view_chunks_[chunk] == nullptr) return free_view_count_ > 0;
    for (uint32_t i = kViewsPerChunk; i-- > 0;) {
      uint32_t number = chunk * kViewsPerChunk + i;
      view_chunks_[chunk][i].next_free = free_views_;
      free_views_ = number;
    }
    free_view_count_ += kViewsPerChunk;
    view_capacity_ += kViewsPerChunk;
  }
  return true;
}

void RegionTable::Teardown() {
  SweepViews();
  for (uint32_t i = 0; i < region_capacity_; i++) {
    Region* region = &regions_[i];
    if (region->id != 0) GiveUp(region);
  }
  for (uint32_t chunk = 0; chunk < view_capacity_ / kViewsPerChunk; chunk++) {
    // A runtime that has yet to collect a buffer will write to its record.
    bool awaited = false;
    for (uint32_t i = 0; i < kViewsPerChunk; i++) {
      View* left = &view_chunks_[chunk][i];
      awaited = awaited || !left->collected();
      if (left->in_use() && left->collected()) left->End();
    }
    if (!awaited) delete[] view_chunks_[chunk];
  }
  ids_.Clear();
  free(regions_);
  free(owners_);
  free(view_chunks_);
  regions_ = nullptr;
  owners_ = nullptr;
  view_chunks_ = nullptr;
  region_capacity_ = owner_count_ = view_capacity_ = free_view_count_ = revoked_note_count_ = 0;
  free_regions_ = free_views_ = UINT32_MAX;
  last_id_ = 0;
}

Access::Access(RegionTable* table, Region* region, Failure* failure)
    : table_(table), region_(region), failure_(failure), before_(region->protection), turn_(nullptr), in_turn_(false) {
  if (before_ >= Protection::kReadOnly) return;
  status_ = table_->Protect(region_, Protection::kReadOnly, failure_);
  raised_ = status_ == Status::kOk;
}

Access::Access(RegionTable* table, Region* region, size_t offset, size_t length, Failure* failure)
    : table_(table), region_(region), failure_(failure), before_(region->protection), turn_(region->gate), in_turn_(true) {
  if (before_ < Protection::kReadWrite) {
    status_ = table_->Set(region_, Protection::kReadWrite, failure_);
    raised_ = status_ == Status::kOk;
  }
  if (status_ == Status::kOk && region_->gate != nullptr) region_->gate->TakeBack(offset, length);
}

Status Access::Restore() {
  if (raised_) {
    raised_ = false;
    status_ = in_turn_ ? table_->Set(region_, before_, failure_) : table_->Protect(region_, before_, failure_);
  }
  turn_.End();
  return status_;
}

}  // namespace securemem
