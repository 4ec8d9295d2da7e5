// Which address ranges the code under test owns, and a complaint about every call of it that changes another one.
//
// The linker puts these functions before mmap, munmap, mprotect, mremap and madvise (-Wl,--wrap). Each thread keeps a list of
// its own, since a region is given back by the thread that made it; so the list needs no lock and changes no interleaving.
#pragma once
#include <stddef.h>
#include <stdint.h>

namespace harness {

// How the next calls that map over something are refused, as by a kernel without memory of its own.
enum class Refusal {
  kNone,
  // Before anything is changed: what was there is still there.
  kBefore,
  // When what was there is gone already, and a stranger's page has come into the hole.
  kAfter,
};

void RefuseMappingOver(Refusal refusal);

// Complaints so far, of all threads. Each has been printed.
int Complaints();

// How many pages of strangers came into holes, and how many of them were changed since. Gives them back.
void CountStrangers(int* put, int* damaged);

// The functions of the C library, for those who are strangers to the code under test.
void* MapAsStranger(size_t length);
void UnmapAsStranger(void* base, size_t length);

}  // namespace harness
