# Building from source with node-gyp, where there is no prebuilt binary: see README.md. Never run by an installation.
{
  "targets": [
    {
      "target_name": "securemem",
      "sources": [
        "native/addon.cc",
        "native/region_table.cc",
        "native/cipher.cc",
        "native/vendor/bearssl/aes_ct64.c",
        "native/vendor/bearssl/aes_ct64_ctr.c",
        "native/vendor/bearssl/aes_ct64_enc.c",
        "native/vendor/bearssl/dec32le.c",
        "native/vendor/bearssl/enc32le.c",
        "native/vendor/bearssl/gcm.c",
        "native/vendor/bearssl/ghash_ctmul64.c"
      ],
      "include_dirs": ["<!(node -p \"require('node-addon-api').include_dir\")"],
      "defines": ["NAPI_VERSION=8", "NAPI_DISABLE_CPP_EXCEPTIONS"],
      "conditions": [
        ["OS=='linux'", {"sources": ["native/pages_linux.cc", "native/proc_linux.cc"]}],
        ["OS=='mac'", {
          "sources": ["native/pages_darwin.cc"],
          "xcode_settings": {
            "MACOSX_DEPLOYMENT_TARGET": "11.0",
            "GCC_SYMBOLS_PRIVATE_EXTERN": "YES",
            "CLANG_CXX_LANGUAGE_STANDARD": "c++17"
          }
        }],
        ["OS=='win'", {"sources": ["native/pages_windows.cc"]}]
      ]
    }
  ]
}
