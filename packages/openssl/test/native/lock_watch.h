// Which locks were taken while which others were held, and whether the order was kept.
#pragma once
#include <string>

// Every pair that was seen, such as "region>looks", sorted; after the order was broken, the pair that did it.
std::string PairsSeen();
bool OrderKept();
