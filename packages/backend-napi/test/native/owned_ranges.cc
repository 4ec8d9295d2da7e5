#include "owned_ranges.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include <atomic>
#include <vector>

extern "C" {
void* __real_mmap(void*, size_t, int, int, int, off_t);
int __real_munmap(void*, size_t);
int __real_mprotect(void*, size_t, int);
int __real_madvise(void*, size_t, int);
void* __real_mremap(void*, size_t, size_t, int, ...);
}

namespace harness {
namespace {

struct Range {
  uintptr_t start, end;
};

Range Of(const void* base, size_t length) {
  const uintptr_t start = reinterpret_cast<uintptr_t>(base);
  return {start, start + length};
}

// Disjoint, in no order: a thread owns a handful.
thread_local std::vector<Range> owned;
thread_local std::vector<Range> strangers;
thread_local Refusal refusal = Refusal::kNone;
std::atomic<int> complaints{0};
constexpr uint8_t kPattern = 0xa5;

void Give(Range given) { owned.push_back(given); }

void Take(Range taken) {
  std::vector<Range> rest;
  for (const Range& range : owned) {
    if (range.start < taken.start) rest.push_back({range.start, range.end < taken.start ? range.end : taken.start});
    if (range.end > taken.end) rest.push_back({range.start > taken.end ? range.start : taken.end, range.end});
  }
  owned.swap(rest);
}

bool Owns(Range asked) {
  uintptr_t covered = 0;
  for (const Range& range : owned) {
    const uintptr_t start = range.start > asked.start ? range.start : asked.start;
    const uintptr_t end = range.end < asked.end ? range.end : asked.end;
    if (start < end) covered += end - start;
  }
  return covered == asked.end - asked.start;
}

void Check(const char* call, Range range) {
  if (Owns(range)) return;
  complaints++;
  fprintf(stderr, "%s of %zx-%zx, which is not ours\n", call, range.start, range.end);
}

// Whether a mapping over `target` is to be refused; the hole is made here, and filled.
bool Refused(Range target) {
  if (refusal == Refusal::kNone) return false;
  if (refusal == Refusal::kAfter) {
    void* base = reinterpret_cast<void*>(target.start);
    const size_t length = target.end - target.start;
    __real_munmap(base, length);
    void* put = __real_mmap(base, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (put != MAP_FAILED) {
      memset(put, kPattern, length);
      strangers.push_back(target);
    }
  }
  errno = refusal == Refusal::kAfter ? ENOMEM : EPERM;
  return true;
}

}  // namespace

void RefuseMappingOver(Refusal next) { refusal = next; }

int Complaints() { return complaints; }

void CountStrangers(int* put, int* damaged) {
  for (const Range& range : strangers) {
    *put += 1;
    uint8_t* base = reinterpret_cast<uint8_t*>(range.start);
    const size_t length = range.end - range.start;
    // A page that was unmapped would end the process at the first look.
    if (msync(base, length, MS_ASYNC) != 0) {
      *damaged += 1;
      continue;
    }
    bool whole = true;
    for (size_t i = 0; i < length; i++) whole = whole && base[i] == kPattern;
    if (!whole) *damaged += 1;
    __real_munmap(base, length);
  }
  strangers.clear();
}

void* MapAsStranger(size_t length) {
  void* base = __real_mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return base == MAP_FAILED ? nullptr : base;
}

void UnmapAsStranger(void* base, size_t length) { __real_munmap(base, length); }

}  // namespace harness

using harness::Check;
using harness::Give;
using harness::Of;
using harness::Take;

extern "C" {

void* __wrap_mmap(void* base, size_t length, int protection, int flags, int file, off_t offset) {
  const bool over = (flags & MAP_FIXED) != 0;
  if (over) Check("mmap", Of(base, length));
  void* mapped = over && harness::Refused(Of(base, length)) ? MAP_FAILED
                                                            : __real_mmap(base, length, protection, flags, file, offset);
  // The kernel may have made room before it refused: what was there is not certainly ours any more.
  if (over) Take(Of(base, length));
  if (mapped != MAP_FAILED) Give(Of(mapped, length));
  return mapped;
}

int __wrap_munmap(void* base, size_t length) {
  Check("munmap", Of(base, length));
  const int answer = __real_munmap(base, length);
  if (answer == 0) Take(Of(base, length));
  return answer;
}

int __wrap_mprotect(void* base, size_t length, int protection) {
  Check("mprotect", Of(base, length));
  return __real_mprotect(base, length, protection);
}

int __wrap_madvise(void* base, size_t length, int advice) {
  Check("madvise", Of(base, length));
  return __real_madvise(base, length, advice);
}

// Always over something, as the code under test calls it.
void* __wrap_mremap(void* from, size_t length, size_t new_length, int flags, ...) {
  va_list more;
  va_start(more, flags);
  void* to = va_arg(more, void*);
  va_end(more);
  const auto target = Of(to, new_length);
  Check("mremap from", Of(from, length));
  Check("mremap over", target);
  const harness::Refusal injected = harness::refusal;
  void* moved = harness::Refused(target) ? MAP_FAILED : __real_mremap(from, length, new_length, flags, to);
  if (moved != MAP_FAILED) Take(Of(from, length));
  // Of an injected refusal it is known what it left; of another one it is not.
  else if (injected != harness::Refusal::kBefore) Take(target);
  return moved;
}

}  // extern "C"
