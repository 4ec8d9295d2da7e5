// Whether what keys.h is built on gives the right answers here.
#pragma once
#include <stdint.h>

#include "keys.h"

namespace securemem {

// A bit for each KeyType that does.
uint32_t AskKnownQuestions();

// The operations of keys.h as they are before anybody knows whether they work here: without that question, with lengths that are
// checked already, and with what they leave on the stack.
Status SignUnproven(Signing signing, Bytes key, Bytes message, Room target, size_t* length);
Status PublicKeyUnproven(KeyType type, Bytes key, Room target, size_t* length);
Status AgreeUnproven(KeyType type, Bytes key, Bytes peer, Room secret);

}  // namespace securemem
