// Reads fields of one event, the plain way: no index, no shortcuts; what it says is right. For
// explanations, identities and the reference matcher. The fast matcher reads through extract.h and
// must agree.
//
// Thread-safety: an EventReader is used by one thread at a time. Ownership: the event is borrowed.
#ifndef ROUTINES_SRC_MATCH_EVENT_READER_H_
#define ROUTINES_SRC_MATCH_EVENT_READER_H_

#include <memory>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "routines/event.h"
#include "src/match/github_fields.h"

namespace routines {

class EventReader {
 public:
  explicit EventReader(const EventView& event);
  ~EventReader();

  // OK, or why the payload cannot be read (a custom event's is then as good as absent).
  const absl::Status& payload_status() const;

  // As ReadField.
  absl::StatusOr<FieldValue> Field(std::string_view field);

  // What stands at an RFC 6901 pointer; absent where that is not one, or the payload not JSON.
  FieldValue Pointer(std::string_view pointer);
  // As Pointer; whether there is anything but null, an object too.
  bool Exists(std::string_view pointer);

  FieldValue Derived(const FieldRecipe& recipe);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace routines

#endif  // ROUTINES_SRC_MATCH_EVENT_READER_H_
