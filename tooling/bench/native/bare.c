/* What the backends are compared with: the same work in plain C, one crossing from JavaScript, no checks. */
#include <errno.h>
#include <node_api.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static void *page;
static size_t page_byte_length;

/* The page that is measured, locked when it is first needed: who only holds pages locks no other. Between two pages of
   another protection, as a guarded region is: toggling must not merge mappings. */
static int prepare_page(napi_env env) {
  if (page != NULL) return 1;
  char *start = mmap(NULL, 3 * page_byte_length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (start == MAP_FAILED ||
      mprotect(start + page_byte_length, page_byte_length, PROT_READ | PROT_WRITE) != 0 ||
      mlock(start + page_byte_length, page_byte_length) != 0) {
    napi_throw_error(env, NULL, "no locked page");
    return 0;
  }
  page = start + page_byte_length;
  return 1;
}

/* An ArrayBuffer over 32 bytes of the page, created and detached. */
static napi_value create_and_detach(napi_env env, napi_callback_info info) {
  (void)info;
  if (!prepare_page(env)) return NULL;
  napi_value buffer;
  if (napi_create_external_arraybuffer(env, page, 32, NULL, NULL, &buffer) != napi_ok ||
      napi_detach_arraybuffer(env, buffer) != napi_ok) {
    napi_throw_error(env, NULL, "no external array buffers here");
  }
  return NULL;
}

/* A locked page closed and opened again. */
static napi_value protect_pair(napi_env env, napi_callback_info info) {
  (void)info;
  if (!prepare_page(env)) return NULL;
  if (mprotect(page, page_byte_length, PROT_NONE) != 0 ||
      mprotect(page, page_byte_length, PROT_READ | PROT_WRITE) != 0) {
    napi_throw_error(env, NULL, "mprotect failed");
    return NULL;
  }
  (void)*(volatile char *)page;
  return NULL;
}

/* The least that a locked page of one's own costs: mapped, locked, unlocked, unmapped. */
static napi_value map_lock_pair(napi_env env, napi_callback_info info) {
  (void)info;
  const int anonymous = MAP_PRIVATE | MAP_ANONYMOUS;
  void *own = mmap(NULL, page_byte_length, PROT_READ | PROT_WRITE, anonymous, -1, 0);
  if (own == MAP_FAILED || mlock(own, page_byte_length) != 0 ||
      munlock(own, page_byte_length) != 0 || munmap(own, page_byte_length) != 0) {
    napi_throw_error(env, NULL, "a page could not be mapped and locked");
  }
  return NULL;
}

static void **held;
static size_t held_count;
static size_t held_max;

static napi_value hold_page_failed(napi_env env, const char *call, void *own) {
  char message[64];
  snprintf(message, sizeof message, "%s failed, errno %d", call, errno);
  if (own != NULL) munmap(own, page_byte_length);
  napi_throw_error(env, NULL, message);
  return NULL;
}

/* One page more, mapped and locked, kept until release_pages. */
static napi_value hold_page(napi_env env, napi_callback_info info) {
  (void)info;
  if (held_count == held_max) {
    size_t more = held_max == 0 ? 1024 : 2 * held_max;
    void **grown = realloc(held, more * sizeof *held);
    if (grown == NULL) return hold_page_failed(env, "realloc", NULL);
    held = grown;
    held_max = more;
  }
  const int anonymous = MAP_PRIVATE | MAP_ANONYMOUS;
  void *own = mmap(NULL, page_byte_length, PROT_READ | PROT_WRITE, anonymous, -1, 0);
  if (own == MAP_FAILED) return hold_page_failed(env, "mmap", NULL);
  if (mlock(own, page_byte_length) != 0) return hold_page_failed(env, "mlock", own);
  held[held_count++] = own;
  return NULL;
}

static napi_value release_pages(napi_env env, napi_callback_info info) {
  (void)info;
  while (held_count > 0) {
    if (munmap(held[--held_count], page_byte_length) != 0) {
      napi_throw_error(env, NULL, "munmap failed");
      break;
    }
  }
  return NULL;
}

static void define(napi_env env, napi_value exports, const char *name, napi_callback function) {
  napi_value value;
  if (napi_create_function(env, name, NAPI_AUTO_LENGTH, function, NULL, &value) != napi_ok ||
      napi_set_named_property(env, exports, name, value) != napi_ok) {
    abort();
  }
}

NAPI_MODULE_INIT() {
  page_byte_length = (size_t)sysconf(_SC_PAGESIZE);
  define(env, exports, "createAndDetach", create_and_detach);
  define(env, exports, "protectPair", protect_pair);
  define(env, exports, "mapLockPair", map_lock_pair);
  define(env, exports, "holdPage", hold_page);
  define(env, exports, "releasePages", release_pages);
  return exports;
}
