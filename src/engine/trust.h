// Whether whoever caused a GitHub event may start a routine that trusts writers only.
//
// Pure and thread-safe. docs/github.md, "Trust", is this for people.
#ifndef ROUTINES_SRC_ENGINE_TRUST_H_
#define ROUTINES_SRC_ENGINE_TRUST_H_

#include <string>

#include "routines/event.h"

namespace routines {

struct TrustVerdict {
  bool trusted = false;
  std::string detail;  // where not: who it was, and what is missing
};

// `who` is ReadGithubIdentity's of the same event.
TrustVerdict JudgeTrust(const EventView& event, const GithubIdentity& who);

}  // namespace routines

#endif  // ROUTINES_SRC_ENGINE_TRUST_H_
