// The native half of C1 without Node: threads that map and give back regions until the lock limit refuses, beside threads that
// map ordinary memory and look after every byte of it, while each call of the code under test is checked against what it owns.
//
//   ranges_harness <seconds> <threads> <locked|hidden>     exits 0 when nobody complained
//   ranges_harness control                                 the old way: exits 1, or the checks are worth nothing
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "../../native/region_table.h"
#include "owned_ranges.h"

using namespace securemem;

namespace {

struct Counts {
  std::atomic<long> mapped{0}, refused{0}, patterns{0};
  std::atomic<int> damaged{0}, put{0};
};

Counts counts;
std::atomic<bool> over{false};

// xorshift: each thread its own, from its number.
struct Random {
  uint64_t state;
  uint32_t Below(uint32_t bound) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return static_cast<uint32_t>(state >> 32) % bound;
  }
};

void LookAfterPatterns(uint64_t seed) {
  struct Held {
    uint8_t* base;
    size_t length;
    uint8_t pattern;
  };
  Random random{seed};
  std::vector<Held> held;
  while (!over || !held.empty()) {
    if (!over && held.size() < 24) {
      const size_t length = (1 + random.Below(8)) * PageByteLength();
      uint8_t* base = static_cast<uint8_t*>(harness::MapAsStranger(length));
      if (base == nullptr) continue;
      const uint8_t pattern = static_cast<uint8_t>(1 + random.Below(255));
      memset(base, pattern, length);
      held.push_back({base, length, pattern});
      if (held.size() < 16) continue;
    }
    const size_t chosen = random.Below(static_cast<uint32_t>(held.size()));
    const Held looked = held[chosen];
    held[chosen] = held.back();
    held.pop_back();
    for (size_t i = 0; i < looked.length; i++) {
      if (looked.base[i] == looked.pattern) continue;
      counts.damaged++;
      break;
    }
    harness::UnmapAsStranger(looked.base, looked.length);
    counts.patterns++;
  }
}

void MapUntilRefused(uint64_t seed, PageKind kind) {
  Random random{seed};
  RegionTable table;
  Failure failure;
  uint32_t owner = 0;
  std::vector<double> live;
  while (!over) {
    if (owner == 0 && table.Open(kind, &owner, &failure) != Status::kOk) continue;
    const uint32_t chance = random.Below(16);
    harness::RefuseMappingOver(chance == 0   ? harness::Refusal::kBefore
                               : chance == 1 ? harness::Refusal::kAfter
                                             : harness::Refusal::kNone);
    double id;
    const Status status = table.Map(owner, (1 + random.Below(3)) * PageByteLength(), &id, &failure);
    harness::RefuseMappingOver(harness::Refusal::kNone);
    (status == Status::kOk ? counts.mapped : counts.refused)++;
    if (status == Status::kOk) live.push_back(id);
    Region* region;
    if (!live.empty() && table.Find(owner, live[0], &region) == Status::kOk) {
      table.Protect(region, Protection::kNoAccess, &failure);
      if (random.Below(2) == 0) table.Protect(region, Protection::kReadOnly, &failure);
    }
    if (live.size() > 2 || random.Below(10) < 4) {
      if (!live.empty() && table.Find(owner, live[0], &region) == Status::kOk) table.Unmap(region, &failure);
      if (!live.empty()) live.erase(live.begin());
    }
    // The end of a backend, and of an environment.
    if (random.Below(200) == 0) {
      table.Close(owner);
      owner = 0;
      live.clear();
    } else if (random.Below(400) == 0) {
      table.Teardown();
      owner = 0;
      live.clear();
    }
    int put = 0, damaged = 0;
    if (random.Below(64) == 0) harness::CountStrangers(&put, &damaged);
    counts.put += put;
    counts.damaged += damaged;
  }
  table.Teardown();
  int put = 0, damaged = 0;
  harness::CountStrangers(&put, &damaged);
  counts.put += put;
  counts.damaged += damaged;
}

// What the code did before: map over the reservation, and give the whole back when that is refused.
int Control() {
  const size_t page = PageByteLength();
  uint8_t* reserved = static_cast<uint8_t*>(mmap(nullptr, 3 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  harness::RefuseMappingOver(harness::Refusal::kAfter);
  void* mapped = mmap(reserved + page, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  if (mapped == MAP_FAILED) munmap(reserved, 3 * page);
  int put = 0, damaged = 0;
  harness::CountStrangers(&put, &damaged);
  printf("complaints %d, pages of strangers %d, damaged %d\n", harness::Complaints(), put, damaged);
  return harness::Complaints() > 0 && damaged > 0 ? 1 : 0;
}

}  // namespace

int main(int count, char** arguments) {
  if (count == 2 && strcmp(arguments[1], "control") == 0) return Control();
  if (count != 4) return 2;
  const PageKind kind = strcmp(arguments[3], "hidden") == 0 ? PageKind::kHidden : PageKind::kAnonymous;
  RegionTable table;
  Failure failure;
  uint32_t owner;
  if (table.Open(kind, &owner, &failure) != Status::kOk) return 3;
  table.Teardown();

  const int threads = atoi(arguments[2]);
  std::vector<std::thread> running;
  for (int i = 0; i < 2; i++) running.emplace_back(LookAfterPatterns, 0x9e3779b97f4a7c15u + i);
  for (int i = 0; i < threads; i++) running.emplace_back(MapUntilRefused, 0xd1b54a32d192ed03u + i * 977, kind);
  std::this_thread::sleep_for(std::chrono::seconds(atoi(arguments[1])));
  over = true;
  for (std::thread& thread : running) thread.join();

  const double locked = LockedByteLength();
  printf("mapped %ld, refused %ld, patterns %ld, pages of strangers %d, damaged %d, complaints %d, locked at the end %.0f\n",
         counts.mapped.load(), counts.refused.load(), counts.patterns.load(), counts.put.load(), counts.damaged.load(),
         harness::Complaints(), locked);
  return harness::Complaints() == 0 && counts.damaged == 0 && locked == 0 ? 0 : 1;
}
