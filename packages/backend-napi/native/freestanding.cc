// The few symbols of the C++ run-time library that the addon needs, so that a prebuilt binary asks for no library at all
// and one file loads on glibc, on musl and in runtimes that bring another C++ library. Not part of a build by node-gyp.
#include <stddef.h>
#include <stdlib.h>

#include <new>

const std::nothrow_t std::nothrow{};

void* operator new(size_t size) {
  void* memory = malloc(size);
  if (memory == nullptr) abort();
  return memory;
}
void* operator new[](size_t size) { return operator new(size); }
void* operator new(size_t size, const std::nothrow_t&) noexcept { return malloc(size); }
void* operator new[](size_t size, const std::nothrow_t&) noexcept { return malloc(size); }
void operator delete(void* memory) noexcept { free(memory); }
void operator delete[](void* memory) noexcept { free(memory); }
void operator delete(void* memory, size_t) noexcept { free(memory); }
void operator delete[](void* memory, size_t) noexcept { free(memory); }

extern "C" void __cxa_pure_virtual() { abort(); }
