// From a routine to what the index keeps of it: a record per trigger, and the groups it belongs to.
//
// Used by one thread at a time.
#ifndef ROUTINES_SRC_MATCH_INDEX_COMPILE_H_
#define ROUTINES_SRC_MATCH_INDEX_COMPILE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "routines/v1/routine.pb.h"
#include "src/match/index.h"
#include "src/match/index_pattern.h"
#include "src/match/index_record.h"
#include "src/match/index_stream.h"

namespace routines {

struct CompiledRoutine {
  std::vector<PlacedRecord> records;
  std::vector<std::shared_ptr<const Pattern>> patterns;  // that the records point to
};

class TriggerCompiler {
 public:
  explicit TriggerCompiler(TriggerIndex& index) : index_(index) {}

  // kInvalidArgument: what CheckFilters says, or a list that is too long.
  absl::Status Compile(const v1::Routine& routine, uint64_t handle, CompiledRoutine& out);

 private:
  absl::Status CompileTrigger(const v1::Trigger& trigger, uint64_t match, CompiledRoutine& out);
  // `top`: it is not inside an any_of.
  absl::Status AddCondition(const CompiledCondition& condition, bool top, Stream& stream,
                            RecordWriter& writer, CompiledRoutine& out);
  // What follows from a pattern comes before it: it is tested sooner, and segments can use it.
  void AddPattern(const CompiledCondition& condition, uint16_t field, bool top,
                  RecordWriter& writer, CompiledRoutine& out);

  TriggerIndex& index_;
  PatternTable patterns_;
};

}  // namespace routines

#endif  // ROUTINES_SRC_MATCH_INDEX_COMPILE_H_
