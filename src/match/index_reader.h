// Reads of an event what the index asks for, the fast way, as EventReader (event_reader.h) would.
//
// Used by one thread at a time. Allocates nothing once it has grown to what its events need.
#ifndef ROUTINES_SRC_MATCH_INDEX_READER_H_
#define ROUTINES_SRC_MATCH_INDEX_READER_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "routines/event.h"
#include "src/match/derive.h"
#include "src/match/extract.h"
#include "src/match/extract_values.h"
#include "src/match/index_stream.h"
#include "src/match/index_values.h"

namespace routines {

class IndexReader {
 public:
  // `event` is borrowed until the next Open.
  void Open(const EventView& event);

  // Of a github event: repository.full_name in lower case; empty where there is none.
  absl::Status ReadRepository(const FieldChunk& first_chunk, std::string_view& name);

  // Reads those fields of the `index`-th chunk whose bits are set.
  absl::Status ReadChunk(const FieldChunk& chunk, size_t index, uint64_t fields,
                         EventValues& values);

 private:
  void AddField(const StreamField& field, uint16_t number, EventValues& values);
  void AddDerived(const StreamField& field, const DerivedField& derived, EventValues& values);
  bool ListExists(const StreamField& field) const;
  DerivedField Attribute(const StreamField& field) const;

  Scalar ToScalar(const ExtractedValue& value, bool ignore_case);
  Scalar TextScalar(std::string_view text, bool ignore_case);
  Scalar NumberScalar(std::string_view literal);
  std::string_view Lower(std::string_view text);

  EventView event_;
  // A custom event's payload may be none, and is looked at when a pointer leads there.
  enum class Payload { kUnknown, kReadable, kNone } payload_ = Payload::kNone;
  Extraction extraction_;
  TextArena arena_;  // lower case forms, and numbers
};

}  // namespace routines

#endif  // ROUTINES_SRC_MATCH_INDEX_READER_H_
