# Building from source with node-gyp, where there is no prebuilt binary: see the README. It lies here rather than at the top of
# the package, since package managers run node-gyp by themselves for a binding.gyp there.
{
  "targets": [
    {
      "target_name": "securemem",
      "sources": [
        "addon.cc",
        "addon_keys.cc",
        "signature_job.cc",
        "region_table.cc",
        "gate.cc",
        "key_window.cc",
        "cipher.cc",
        "keys.cc",
        "keys_secp256k1.cc",
        "known_answers.cc",
        "openssl.cc",
        "curve25519_openssl.cc",
        "ec_openssl.cc",
        "rsa_openssl.cc",
        "rsa_blinded.cc",
        "modular_inverse.cc",
        "rsa_der.cc",
        "variables.cc",
        "vendor/bearssl/aes_ct64.c",
        "vendor/bearssl/aes_ct64_ctr.c",
        "vendor/bearssl/aes_ct64_enc.c",
        "vendor/bearssl/aes_x86ni.c",
        "vendor/bearssl/aes_x86ni_ctr.c",
        "vendor/bearssl/dec32le.c",
        "vendor/bearssl/enc32le.c",
        "vendor/bearssl/gcm.c",
        "vendor/bearssl/ghash_ctmul64.c",
        "vendor/bearssl/ghash_pclmul.c",
        "vendor/libsecp256k1/src/secp256k1.c",
        "vendor/libsecp256k1/src/precomputed_ecmult.c",
        "vendor/libsecp256k1/src/precomputed_ecmult_gen.c"
      ],
      "include_dirs": ["<!(node -p \"require('node-addon-api').include_dir\")"],
      "defines": [
        "NAPI_VERSION=8",
        "NAPI_DISABLE_CPP_EXCEPTIONS",
        "SECP256K1_STATIC",
        "ENABLE_MODULE_ECDH=1",
        "ENABLE_MODULE_RECOVERY=1",
        "ECMULT_WINDOW_SIZE=2",
        "COMB_BLOCKS=11",
        "COMB_TEETH=6",
        "USE_EXTERNAL_DEFAULT_CALLBACKS=1"
      ],
      "conditions": [
        ["OS=='linux'", {
          "sources": ["pages_linux.cc", "reservation_linux.cc", "limits_linux.cc", "proc_linux.cc",
                      "smaps_linux.cc"]
        }],
        ["OS=='mac'", {
          "sources": ["pages_darwin.cc"],
          "xcode_settings": {
            "MACOSX_DEPLOYMENT_TARGET": "11.0",
            "GCC_SYMBOLS_PRIVATE_EXTERN": "YES",
            "CLANG_CXX_LANGUAGE_STANDARD": "c++17"
          }
        }],
        ["OS=='win'", {"sources": ["pages_windows.cc"]}]
      ]
    }
  ]
}
