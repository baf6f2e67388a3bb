// The rules of a routine, by the parts of the message.
#ifndef ROUTINES_SRC_CONFIG_VALIDATE_H_
#define ROUTINES_SRC_CONFIG_VALIDATE_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/repeated_field.h"
#include "routines/routine.h"
#include "routines/v1/routine.pb.h"

namespace routines {

inline constexpr size_t kMaxTextBytes = 256 << 10;  // prompt and setup script

// Gathers problems. Paths are given as they stand in Problem.
class Rules {
 public:
  void Broken(std::string path, std::string message);
  // Says so unless `holds`; returns it.
  bool Require(bool holds, std::string path, std::string message);

  // Forms that several parts share.
  void CheckName(std::string_view name, const std::string& path);
  void CheckDuration(const google::protobuf::Duration& duration, absl::Duration longest,
                     const std::string& path);
  void CheckAtLeastZero(double number, const std::string& path);

  std::vector<Problem> Take() { return std::move(problems_); }

 private:
  std::vector<Problem> problems_;
};

void CheckRepositories(const v1::Routine& routine, Rules& rules);
void CheckConnectors(const v1::Routine& routine, Rules& rules);
void CheckTriggers(const v1::Routine& routine, Rules& rules);

// [a-z0-9][a-z0-9-]{0,62}; with `underscore` also _ after the first.
bool IsName(std::string_view name, bool underscore);
// [A-Za-z_][A-Za-z0-9_]{0,127}
bool IsVariableName(std::string_view name);
bool HasControlCharacter(std::string_view text);
// "triggers[2]".
std::string ItemPath(std::string_view list, int index);

}  // namespace routines

#endif  // ROUTINES_SRC_CONFIG_VALIDATE_H_
