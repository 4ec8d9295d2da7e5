// Address space with a guard page on each side, and what is put between the guards. One rule holds for every call here and in
// pages_linux.cc: it unmaps, protects or maps over nothing but what is ours at that instant. The threads of the engine and of
// other libraries map whenever they like and ask nobody, so no lock of ours can keep a range free.
#pragma once
#include <stddef.h>
#include <stdint.h>

namespace securemem {

// Lengths and addresses are those of what lies between the guards. Null, and errno, where there is no address space.
//
// To be opened where it is, by mprotect.
uint8_t* ReserveToOpen(size_t length);
// To be replaced by other pages. It is a mapping that no other one ever merges with.
uint8_t* ReserveToReplace(size_t length);

// Unmaps both guards and what lies between them, all of which must be ours.
void Release(uint8_t* base, size_t length);

// Moves `pages`, a mapping of its own of the same length, between the guards of ReserveToReplace. Where that is refused,
// neither the pages nor the reservation are there any more, and errno says why.
bool MoveBetweenGuards(uint8_t* pages, uint8_t* base, size_t length);

}  // namespace securemem
