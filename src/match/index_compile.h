// From a routine to what the index keeps of it: records, and the keys of the groups they belong to.
//
// Used by one thread at a time; several compilers may share what they draw on.
#ifndef ROUTINES_SRC_MATCH_INDEX_COMPILE_H_
#define ROUTINES_SRC_MATCH_INDEX_COMPILE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "routines/v1/routine.pb.h"
#include "src/match/index.h"
#include "src/match/index_pattern.h"
#include "src/match/index_record.h"
#include "src/match/index_stream.h"

namespace routines {

// What came of one routine, or of several one behind the other.
struct CompiledRoutines {
  // A record, and the group that it belongs to. A trigger that lists several repositories has
  // several.
  struct Placement {
    uint64_t group_hash;
    uint64_t trigger;  // its index in the routine
    Stream* stream;
    size_t key, key_size;  // of the group; in bytes
    size_t record;         // in bytes
  };

  std::string bytes;
  std::vector<Placement> placements;
  std::vector<const Pattern*> patterns;  // that the records point to; each has one more user

  std::string_view key(const Placement& placement) const {
    return std::string_view(bytes).substr(placement.key, placement.key_size);
  }
  void Clear() {
    bytes.clear();
    placements.clear();
    patterns.clear();
  }
};

class TriggerCompiler {
 public:
  // What all compilers of an index share, and lock while they change it.
  struct Shared {
    TriggerIndex& index;
    absl::Mutex mutex;
    PatternTable patterns;
  };

  explicit TriggerCompiler(Shared& shared) : shared_(shared) {}

  // Appends to `out`; nothing where it fails. kInvalidArgument: what CheckFilters says, or
  // something is too long.
  absl::Status Compile(const v1::Routine& routine, CompiledRoutines& out);

 private:
  absl::Status CompileTrigger(const v1::Trigger& trigger, uint64_t index, CompiledRoutines& out);
  Stream& StreamOf(const v1::Trigger& trigger);
  absl::StatusOr<uint16_t> FieldOf(const CompiledCondition& condition, Stream& stream);
  void AddActions(const v1::GithubTrigger& github, Stream& stream);
  // `top`: it is not inside an any_of.
  absl::Status AddCondition(const CompiledCondition& condition, bool top, Stream& stream,
                            CompiledRoutines& out);
  // What follows from a pattern comes before it: it is tested sooner, and segments can use it.
  void AddPattern(const CompiledCondition& condition, uint16_t field, bool top,
                  CompiledRoutines& out);
  // Puts the record just written into the group of key_.
  void Place(uint64_t trigger, Stream& stream, size_t record, size_t first_placement,
             CompiledRoutines& out);

  Shared& shared_;
  Stream* stream_ = nullptr;  // the last one
  RecordWriter writer_;
  std::string key_;
};

}  // namespace routines

#endif  // ROUTINES_SRC_MATCH_INDEX_COMPILE_H_
