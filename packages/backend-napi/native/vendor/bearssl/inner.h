/*
 * Copyright (c) 2016 Thomas Pornin <pornin@bolet.org>
 *
 * Permission is hereby granted, free of charge, to any person obtaining 
 * a copy of this software and associated documentation files (the
 * "Software"), to deal in the Software without restriction, including
 * without limitation the rights to use, copy, modify, merge, publish,
 * distribute, sublicense, and/or sell copies of the Software, and to
 * permit persons to whom the Software is furnished to do so, subject to
 * the following conditions:
 *
 * The above copyright notice and this permission notice shall be 
 * included in all copies or substantial portions of the Software.
 *
 * THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, 
 * EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF
 * MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND 
 * NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS
 * BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN
 * ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN
 * CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
 * SOFTWARE.
 */

/*
 * Reduced for securemem: only the declarations that the vendored files need, taken from src/inner.h, inc/bearssl_block.h,
 * inc/bearssl_hash.h and inc/bearssl_aead.h of BearSSL 0.6, and of what it knows of compilers what those of today need (GCC 5,
 * Clang 3.8, MSVC 2012 and later). The vendored .c files are unchanged.
 */
#ifndef INNER_H__
#define INNER_H__

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__) || defined(_M_X64)
#define BR_AES_X86NI   1
#else
#define BR_AES_X86NI   0
#endif

#if defined(__clang__)
#define BR_CLANG   1
#define BR_CLANG_3_8   1
#elif defined(__GNUC__)
#define BR_GCC   1
#elif defined(_MSC_VER)
#define BR_MSC   1
#endif

#if defined(__clang__) || defined(__GNUC__)
#define BR_TARGET(x)   __attribute__((target(x)))
#else
#define BR_TARGET(x)
#endif
#define BR_TARGETS_X86_UP
#define BR_TARGETS_X86_DOWN

typedef void (*br_ghash)(void *y, const void *h, const void *data, size_t len);

typedef struct br_block_ctr_class_ br_block_ctr_class;
struct br_block_ctr_class_ {
	size_t context_size;
	unsigned block_size;
	unsigned log_block_size;
	void (*init)(const br_block_ctr_class **ctx, const void *key, size_t key_len);
	uint32_t (*run)(const br_block_ctr_class *const *ctx, const void *iv, uint32_t cc, void *data, size_t len);
};

typedef struct {
	const br_block_ctr_class *vtable;
	uint64_t skey[30];
	unsigned num_rounds;
} br_aes_ct64_ctr_keys;

typedef struct {
	const br_block_ctr_class *vtable;
	union {
		unsigned char skni[16 * 15];
	} skey;
	unsigned num_rounds;
} br_aes_x86ni_ctr_keys;

typedef struct br_aead_class_ br_aead_class;
struct br_aead_class_ {
	size_t tag_size;
	void (*reset)(const br_aead_class **cc, const void *iv, size_t len);
	void (*aad_inject)(const br_aead_class **cc, const void *data, size_t len);
	void (*flip)(const br_aead_class **cc);
	void (*run)(const br_aead_class **cc, int encrypt, void *data, size_t len);
	void (*get_tag)(const br_aead_class **cc, void *tag);
	uint32_t (*check_tag)(const br_aead_class **cc, const void *tag);
	void (*get_tag_trunc)(const br_aead_class **cc, void *tag, size_t len);
	uint32_t (*check_tag_trunc)(const br_aead_class **cc, const void *tag, size_t len);
};

typedef struct {
	const br_aead_class *vtable;
	const br_block_ctr_class **bctx;
	br_ghash gh;
	unsigned char h[16];
	unsigned char j0_1[12];
	unsigned char buf[16];
	unsigned char y[16];
	uint32_t j0_2, jc;
	uint64_t count_aad, count_ctr;
} br_gcm_context;

#ifdef __cplusplus
extern "C" {
#endif

extern const br_block_ctr_class br_aes_ct64_ctr_vtable;
extern const br_block_ctr_class br_aes_x86ni_ctr_vtable;
extern const br_aead_class br_gcm_vtable;

void br_aes_ct64_ctr_init(br_aes_ct64_ctr_keys *ctx, const void *key, size_t len);
uint32_t br_aes_ct64_ctr_run(const br_aes_ct64_ctr_keys *ctx, const void *iv, uint32_t cc, void *data, size_t len);
const br_block_ctr_class *br_aes_x86ni_ctr_get_vtable(void);
void br_aes_x86ni_ctr_init(br_aes_x86ni_ctr_keys *ctx, const void *key, size_t len);
uint32_t br_aes_x86ni_ctr_run(const br_aes_x86ni_ctr_keys *ctx, const void *iv, uint32_t cc, void *data, size_t len);
br_ghash br_ghash_pclmul_get(void);
void br_ghash_pclmul(void *y, const void *h, const void *data, size_t len);
void br_ghash_ctmul64(void *y, const void *h, const void *data, size_t len);
void br_gcm_init(br_gcm_context *ctx, const br_block_ctr_class **bctx, br_ghash gh);
void br_gcm_reset(br_gcm_context *ctx, const void *iv, size_t len);
void br_gcm_aad_inject(br_gcm_context *ctx, const void *data, size_t len);
void br_gcm_flip(br_gcm_context *ctx);
void br_gcm_run(br_gcm_context *ctx, int encrypt, void *data, size_t len);
void br_gcm_get_tag(br_gcm_context *ctx, void *tag);
uint32_t br_gcm_check_tag(br_gcm_context *ctx, const void *tag);
void br_gcm_get_tag_trunc(br_gcm_context *ctx, void *tag, size_t len);
uint32_t br_gcm_check_tag_trunc(br_gcm_context *ctx, const void *tag, size_t len);

void br_aes_ct64_bitslice_Sbox(uint64_t *q);
void br_aes_ct64_ortho(uint64_t *q);
void br_aes_ct64_interleave_in(uint64_t *q0, uint64_t *q1, const uint32_t *w);
void br_aes_ct64_interleave_out(uint32_t *w, uint64_t q0, uint64_t q1);
unsigned br_aes_ct64_keysched(uint64_t *comp_skey, const void *key, size_t key_len);
void br_aes_ct64_skey_expand(uint64_t *skey, unsigned num_rounds, const uint64_t *comp_skey);
void br_aes_ct64_bitslice_encrypt(unsigned num_rounds, const uint64_t *skey, uint64_t *q);

int br_aes_x86ni_supported(void);
unsigned br_aes_x86ni_keysched_enc(unsigned char *skni, const void *key, size_t len);
unsigned br_aes_x86ni_keysched_dec(unsigned char *skni, const void *key, size_t len);

void br_range_dec32le(uint32_t *v, size_t num, const void *src);
void br_range_enc32le(void *dst, const uint32_t *v, size_t num);

#ifdef __cplusplus
}
#endif

static inline void
br_enc32le(void *dst, uint32_t x)
{
	unsigned char *buf;

	buf = (unsigned char *)dst;
	buf[0] = (unsigned char)x;
	buf[1] = (unsigned char)(x >> 8);
	buf[2] = (unsigned char)(x >> 16);
	buf[3] = (unsigned char)(x >> 24);
}

static inline void
br_enc32be(void *dst, uint32_t x)
{
	unsigned char *buf;

	buf = (unsigned char *)dst;
	buf[0] = (unsigned char)(x >> 24);
	buf[1] = (unsigned char)(x >> 16);
	buf[2] = (unsigned char)(x >> 8);
	buf[3] = (unsigned char)x;
}

static inline uint32_t
br_dec32le(const void *src)
{
	const unsigned char *buf;

	buf = (const unsigned char *)src;
	return (uint32_t)buf[0]
		| ((uint32_t)buf[1] << 8)
		| ((uint32_t)buf[2] << 16)
		| ((uint32_t)buf[3] << 24);
}

static inline uint32_t
br_dec32be(const void *src)
{
	const unsigned char *buf;

	buf = (const unsigned char *)src;
	return ((uint32_t)buf[0] << 24)
		| ((uint32_t)buf[1] << 16)
		| ((uint32_t)buf[2] << 8)
		| (uint32_t)buf[3];
}

static inline void
br_enc64be(void *dst, uint64_t x)
{
	unsigned char *buf;

	buf = (unsigned char *)dst;
	br_enc32be(buf, (uint32_t)(x >> 32));
	br_enc32be(buf + 4, (uint32_t)x);
}

static inline uint64_t
br_dec64be(const void *src)
{
	const unsigned char *buf;

	buf = (const unsigned char *)src;
	return ((uint64_t)br_dec32be(buf) << 32)
		| (uint64_t)br_dec32be(buf + 4);
}

static inline uint32_t
br_swap32(uint32_t x)
{
	x = ((x & (uint32_t)0x00FF00FF) << 8)
		| ((x >> 8) & (uint32_t)0x00FF00FF);
	return (x << 16) | (x >> 16);
}

static inline uint32_t
EQ0(int32_t x)
{
	uint32_t q;

	q = (uint32_t)x;
	return ~(q | -q) >> 31;
}

#if BR_ENABLE_INTRINSICS && BR_AES_X86NI

#if BR_GCC || BR_CLANG
#include <x86intrin.h>
#include <cpuid.h>
#define br_bswap32   __builtin_bswap32
#endif

#if BR_MSC
#include <stdlib.h>
#include <intrin.h>
#include <immintrin.h>
#define br_bswap32   _byteswap_ulong
#endif

static inline int
br_cpuid(uint32_t mask_eax, uint32_t mask_ebx,
	uint32_t mask_ecx, uint32_t mask_edx)
{
#if BR_GCC || BR_CLANG
	unsigned eax, ebx, ecx, edx;

	if (__get_cpuid(1, &eax, &ebx, &ecx, &edx)) {
		if ((eax & mask_eax) == mask_eax
			&& (ebx & mask_ebx) == mask_ebx
			&& (ecx & mask_ecx) == mask_ecx
			&& (edx & mask_edx) == mask_edx)
		{
			return 1;
		}
	}
#elif BR_MSC
	int info[4];

	__cpuid(info, 1);
	if (((uint32_t)info[0] & mask_eax) == mask_eax
		&& ((uint32_t)info[1] & mask_ebx) == mask_ebx
		&& ((uint32_t)info[2] & mask_ecx) == mask_ecx
		&& ((uint32_t)info[3] & mask_edx) == mask_edx)
	{
		return 1;
	}
#endif
	return 0;
}

#endif

#endif
