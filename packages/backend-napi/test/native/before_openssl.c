// Preloaded by a test: stands before RSA_private_encrypt, wherever it is looked up by name. Each number that is given to it goes to
// standard error in hexadecimal. With MEDDLE=256 one bit of each answer of that length is changed.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int (*Encrypt)(int, const unsigned char*, unsigned char*, void*, int);
static Encrypt encrypt;

static int Stand(int length, const unsigned char* from, unsigned char* to, void* rsa, int padding) {
  for (int i = 0; i < length; i++) fprintf(stderr, "%02x", from[i]);
  fputc('\n', stderr);
  const int written = encrypt(length, from, to, rsa, padding);
  const char* meddle = getenv("MEDDLE");
  if (meddle != NULL && atoi(meddle) == length) to[100] ^= 1;
  return written;
}

void* dlsym(void* handle, const char* name) {
  typedef void* (*Lookup)(void*, const char*);
  static const char* const versions[] = {"GLIBC_2.34", "GLIBC_2.17", "GLIBC_2.2.5"};
  static Lookup lookup;
  for (int i = 0; lookup == NULL && i < 3; i++) lookup = (Lookup)dlvsym(RTLD_NEXT, "dlsym", versions[i]);
  void* found = lookup(handle, name);
  if (strcmp(name, "RSA_private_encrypt") != 0) return found;
  encrypt = (Encrypt)found;
  return (void*)Stand;
}
