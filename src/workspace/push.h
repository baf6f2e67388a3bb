// Carries a push that was found allowed to the upstream.
#ifndef ROUTINES_SRC_WORKSPACE_PUSH_H_
#define ROUTINES_SRC_WORKSPACE_PUSH_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "src/workspace/git.h"
#include "src/workspace/mirror.h"
#include "src/workspace/push_command.h"

namespace routines {

// How much a push may cost.
struct PushBounds {
  int64_t bytes = int64_t{2} << 30;           // of its pack
  int64_t object_bytes = int64_t{256} << 20;  // of each object, unpacked
  absl::Duration time = absl::Minutes(30);    // from the first byte to the answer
};

struct PushJob {
  std::string quarantine;  // a fresh repository of our own that reads the mirror's objects too
  // What followed the command list, piece by piece; none: its end. Called until then, or until git
  // wants no more.
  std::function<std::string_view()> pack;
  PushBounds bounds;
  const Upstream* upstream = nullptr;
  const PushRequest* request = nullptr;
};

struct PushAnswer {
  std::string unpack = "ok";
  std::vector<std::string> reasons;  // why each command was refused, in their order; empty: done
  std::string remote_messages;       // what the upstream wants to tell the one who pushes
};

// Unpacks into the quarantine as the pack comes, checks that every changed ref only moves forward
// (else nothing is pushed), and pushes from there with git itself, so that file, http(s) and ssh
// upstreams are all one. The upstream takes a ref only if it is still where the client believed it
// to be, and several refs only all together.
PushAnswer CarryOutPush(const PushJob& job, const WorkLimits& limits);

}  // namespace routines

#endif  // ROUTINES_SRC_WORKSPACE_PUSH_H_
