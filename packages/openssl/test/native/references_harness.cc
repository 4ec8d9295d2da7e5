// References under many threads, without Node, with the OpenSSL of the system, for the sanitizers and for the order of locks.
//
//   references_harness signatures <count> <threads> [hasty]   that many threads sign while their keys end, one by one, in all ways
//   references_harness pairs <rounds>                         two threads do every two things that take locks, at the same time
//
// Nobody has the private part once its end has returned, and nobody signs from then on; `hasty` does not wait for that, and ends as
// soon as it is found out. Ends with 0; with 1 after something wrong; with 3 where the system has no libcrypto.so.3, or gives no pages.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <functional>
#include <random>
#include <thread>

#include "provider.h"
#include "slot.h"
#ifdef SECUREMEM_LOCK_WATCH
#include "lock_watch.h"
#endif

namespace {

const Bytes kMessage = {'a', ' ', 'm', 'e', 's', 's', 'a', 'g', 'e'};

struct Counts {
  std::atomic<long> done{0}, refused{0}, wrong{0};
};

Bytes FromHex(const char* hex) {
  Bytes bytes;
  for (; hex[0] != 0; hex += 2) bytes.push_back(static_cast<uint8_t>(strtol(std::string(hex, 2).c_str(), nullptr, 16)));
  return bytes;
}

// Of RFC 6979 A.2.5 and RFC 8032 7.1; RSA is new each time.
std::vector<Pair> Pairs() {
  Pair rsa = {securemem::KeyType::kRsa, {}, {}};
  if (!MakeRsa(&rsa.private_key, &rsa.public_key)) return {};
  return {
      {securemem::KeyType::kP256, FromHex("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721"),
       FromHex("0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
               "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299")},
      {securemem::KeyType::kEd25519, FromHex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"),
       FromHex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")},
      rsa,
  };
}

void Sign(Slot* slot, Counts* counts, unsigned chance) {
  const std::shared_ptr<Life> life = slot->life();
  const bool over = life->over;
  const bool with_digest = slot->pair().with_digest();
  const Key key(life->pem);
  Bytes signature;
  bool finished = false;
  {
    Signing signing;
    if (!key.there() || !signing.Begin(key, with_digest)) {
      counts->refused++;
      return;
    }
    life->in_hand++;
    finished = (chance % 8 != 0 || signing.ChangeOver()) && signing.Finish(kMessage, &signature);
    life->in_hand--;
  }
  // A key of RSA is read when it signs, and may be gone by then.
  if (!finished && !over && life->ending && slot->pair().type == securemem::KeyType::kRsa) {
    counts->refused++;
  } else if (over || !finished || (chance % 16 == 1 && !key.Verifies(kMessage, signature, with_digest))) {
    counts->wrong++;
  } else {
    counts->done++;
  }
}

int Signatures(std::vector<std::unique_ptr<Slot>>* slots, long count, int threads, bool hasty) {
  Counts counts;
  std::atomic<long> left{count};
  std::atomic<int> running{threads};
  std::vector<std::thread> signers;
  for (int i = 0; i < threads; i++) {
    signers.emplace_back([&, i] {
      std::minstd_rand chance(static_cast<unsigned>(i) + 1);
      while (left.fetch_sub(1) > 0 && !(hasty && counts.wrong > 0)) {
        Sign((*slots)[chance() % slots->size()].get(), &counts, static_cast<unsigned>(chance()));
      }
      running--;
    });
  }
  std::minstd_rand chance(99);
  long ended = 0, opened = 0;
  for (; running > 0; ended++) {
    // Some signatures for each end, or the threads would do nothing but wait.
    const long until = left - static_cast<long>(chance() % 64);
    while (!hasty && left > until && running > 0) std::this_thread::yield();
    Slot* slot = (*slots)[chance() % slots->size()].get();
    for (unsigned i = chance() % 16; i > 0; i--) slot->Access();
    const End how = hasty ? End::kNotAtAll : static_cast<End>(chance() % kEnds);
    if (slot->Finish(how)) counts.wrong++;
    if (slot->Open()) opened++;
  }
  for (std::thread& signer : signers) signer.join();
  printf("done %ld, refused %ld, wrong %ld, ended %s\n", counts.done.load(), counts.refused.load(), counts.wrong.load(),
         ended > 0 ? "some" : "none");
  return counts.wrong == 0 && opened == ended ? 0 : 1;
}

// Two of them at the same time for each two: those of a slot's own thread on a slot each, the others on the slot that ends.
int EveryTwo(Slot* first, Slot* second, int rounds) {
  Counts counts;
  struct Deed {
    bool owner;
    std::function<void(Slot*)> run;
  };
  const auto ends = [&counts](End how) {
    return Deed{true, [&counts, how](Slot* slot) { counts.wrong += slot->Finish(how) || !slot->Open() ? 1 : 0; }};
  };
  const std::vector<Deed> deeds = {
      ends(End::kDispose), ends(End::kWrite), ends(End::kClose), {true, [](Slot* slot) { slot->Access(); }},
      {false, [&](Slot* slot) { Sign(slot, &counts, 0); }},
      {false, [&](Slot* slot) { Sign(slot, &counts, 1); }},
      {false, [](Slot* slot) { Key key(slot->life()->pem); }},
      {false, [](Slot*) { securemem::LoadProvider(); }},
  };
  int pairs = 0;
  for (size_t i = 0; i < deeds.size(); i++) {
    for (size_t j = i; j < deeds.size(); j++, pairs++) {
      Slot* others = deeds[i].owner && deeds[j].owner ? second : first;
      std::thread other([&] {
        for (int round = 0; round < rounds; round++) deeds[j].run(others);
      });
      for (int round = 0; round < rounds; round++) deeds[i].run(first);
      other.join();
    }
  }
  printf("pairs %d, wrong %ld\n", pairs, counts.wrong.load());
  return counts.wrong == 0 ? 0 : 1;
}

}  // namespace

int main(int count, char** arguments) {
  const std::string what = count > 1 ? arguments[1] : "";
  const long number = count > 2 ? atol(arguments[2]) : 1000;
  if (!LoadLibcrypto() || !securemem::LoadProvider()) return 3;
  std::vector<std::unique_ptr<Slot>> slots;
  for (const Pair& pair : Pairs()) {
    for (int i = 0; i < 2; i++) slots.push_back(std::make_unique<Slot>(pair));
  }
  for (const auto& slot : slots) {
    if (!slot->Open()) return 3;
  }
  int status = 1;
  if (what == "pairs") status = EveryTwo(slots[0].get(), slots[2].get(), static_cast<int>(number));
  if (what == "signatures") {
    const int threads = count > 3 ? atoi(arguments[3]) : 8;
    status = Signatures(&slots, number, threads, count > 4 && strcmp(arguments[4], "hasty") == 0);
  }
#ifdef SECUREMEM_LOCK_WATCH
  printf("locks %s: %s\n", OrderKept() ? "in order" : "OUT OF ORDER", PairsSeen().c_str());
  if (!OrderKept()) status = 1;
#endif
  fflush(stdout);
  _Exit(status);
}
