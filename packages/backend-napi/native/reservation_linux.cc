// Linux. Sources of the rules: mmap(2), mremap(2), mm/mmap.c and mm/mremap.c of the kernel.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "reservation_linux.h"

#include <errno.h>
#include <sys/mman.h>

#include "fault.h"
#include "pages.h"
#include "proc_linux.h"

namespace securemem {
namespace {

uint8_t* Reserve(size_t length, int flags) {
  void* reserved = SECUREMEM_TRY(MAP_FAILED, mmap(nullptr, length + 2 * PageByteLength(), PROT_NONE,
                                flags | MAP_ANONYMOUS, -1, 0));
  return reserved == MAP_FAILED ? nullptr : static_cast<uint8_t*>(reserved) + PageByteLength();
}

// After a refused move the kernel may have taken away what lay between the guards, and another thread may have mapped
// something there. A reservation that is still one entry of the list is whole: nothing else can become part of it. Where it is
// not, or nothing can be read, only the guards are certainly ours.
void ReleaseAfterRefusal(uint8_t* base, size_t length) {
  const size_t page = PageByteLength();
  if (IsOneMapping(base - page, base + length + page)) {
    Release(base, length);
    return;
  }
  munmap(base - page, page);
  munmap(base + length, page);
}

}  // namespace

// Not MAP_NORESERVE, so that the kernel refuses what it could never hold instead of killing a process when mlock brings it in.
uint8_t* ReserveToOpen(size_t length) { return Reserve(length, MAP_PRIVATE); }

// Shared memory is a file of its own for the kernel, and mappings of different files do not merge. Nothing is ever put into
// this one, so nothing is to be set aside for it.
uint8_t* ReserveToReplace(size_t length) { return Reserve(length, MAP_SHARED | MAP_NORESERVE); }

void Release(uint8_t* base, size_t length) {
  const int saved = errno;
  munmap(base - PageByteLength(), length + 2 * PageByteLength());
  errno = saved;
}

bool MoveBetweenGuards(uint8_t* pages, uint8_t* base, size_t length) {
  // The limits that the kernel has for a new mapping were checked when the pages were mapped, so little is left to be refused
  // here: the number of mappings, which it looks at before it changes anything, and its own memory, when it has already made room.
  void* moved = SECUREMEM_TRY(MAP_FAILED, mremap(pages, length, length, MREMAP_MAYMOVE | MREMAP_FIXED, base));
  if (moved != MAP_FAILED) return true;
  const int saved = errno;
  // What could not be moved stays where it was.
  munmap(pages, length);
  ReleaseAfterRefusal(base, length);
  errno = saved;
  return false;
}

}  // namespace securemem
