// Carries a push that was found allowed to the upstream.
#ifndef ROUTINES_SRC_WORKSPACE_PUSH_H_
#define ROUTINES_SRC_WORKSPACE_PUSH_H_

#include <cstdint>
#include <string>
#include <vector>

#include "src/workspace/git.h"
#include "src/workspace/mirror.h"
#include "src/workspace/push_command.h"

namespace routines {

inline constexpr int64_t kMaxPushBytes = int64_t{2} << 30;  // of one pack

struct PushJob {
  std::string quarantine;  // a fresh repository of our own that reads the mirror's objects too
  std::string pack_file;   // what followed the command list
  const Upstream* upstream = nullptr;
  const PushRequest* request = nullptr;
};

struct PushAnswer {
  std::string unpack = "ok";
  std::vector<std::string> reasons;  // why each command was refused, in their order; empty: done
  std::string remote_messages;       // what the upstream wants to tell the one who pushes
};

// Unpacks into the quarantine, checks that every changed ref only moves forward (else nothing is
// pushed), and pushes from there with git itself, so that file, http(s) and ssh upstreams are all
// one. The upstream takes a ref only if it is still where the client believed it to be.
PushAnswer CarryOutPush(const PushJob& job, const WorkLimits& limits);

}  // namespace routines

#endif  // ROUTINES_SRC_WORKSPACE_PUSH_H_
