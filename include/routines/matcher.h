// Which of a million routines does this event start?
//
//   routines::Matcher matcher;
//   matcher.Put(routine);
//   routines::Matcher::Buffer buffer;  // one per thread, kept
//   matcher.Match({.source = "github", .type = "pull_request", .payload = body}, buffer);
//   for (const routines::TriggerMatch& match : buffer.matches()) Start(match.routine,
//   match.trigger);
//
// Its verdicts are those of Explain (routines/filter.h), for every routine and event.
//
// Thread-safety: Match may be called from any number of threads while others change the set; it
//   takes no lock, and sees each change whole or not at all. Changes are made one after the other.
//   A Buffer is used by one thread at a time.
// Blocking: Match never. Put and Remove wait for one another only. PutAll of many uses all cores,
// up
//   to eight. Where much is to be merged, a thread of the matcher's own does it; the destructor
//   waits for that.
// Memory: Match allocates nothing once its Buffer has grown to what its events need; but a regular
//   expression is compiled when an event first needs it, and RE2 allocates for states of one that
//   it has not met.
#ifndef ROUTINES_MATCHER_H_
#define ROUTINES_MATCHER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "routines/event.h"
#include "routines/v1/routine.pb.h"

namespace routines {

// Names a routine in one Matcher: 48 bits that follow from its account and name. Never given to
// another routine; the same one has it again when it is replaced, or removed and put back.
using RoutineHandle = uint64_t;

// 8 bytes, for there may be many.
struct TriggerMatch {
  uint64_t trigger : 16;  // index in routine.triggers()
  uint64_t routine : 48;  // its RoutineHandle

  friend bool operator==(const TriggerMatch& a, const TriggerMatch& b) {
    return a.routine == b.routine && a.trigger == b.trigger;
  }
};

struct IndexTuning;

class Matcher {
 public:
  class Buffer;

  Matcher();
  explicit Matcher(const IndexTuning& tuning);  // for tests
  ~Matcher();
  Matcher(const Matcher&) = delete;
  Matcher& operator=(const Matcher&) = delete;

  // Adds a routine, or replaces the one of the same account and name. Triggers that are disabled,
  // and those of schedule and api, never match. kInvalidArgument: what CheckFilters says.
  absl::StatusOr<RoutineHandle> Put(const v1::Routine& routine);
  // Many at once, faster than one by one: new ones are seen together. Stops at the first that is
  // wrong; those before it stay.
  absl::Status PutAll(absl::Span<const v1::Routine* const> routines);
  // False: there is none.
  bool Remove(std::string_view account, std::string_view name);

  // Fills buffer.matches(), in an order that depends on the set of routines alone. The payload must
  // have passed CheckPayload; of one that has not, the answer may be anything but a crash.
  // kInvalidArgument: the payload is broken where it was read.
  absl::Status Match(const EventView& event, Buffer& buffer) const;

  size_t size() const;  // routines

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// The working memory of one reader, and its last answer.
class Matcher::Buffer {
 public:
  Buffer();
  ~Buffer();
  Buffer(Buffer&&) noexcept;
  Buffer& operator=(Buffer&&) noexcept;

  absl::Span<const TriggerMatch> matches();  // until the next Match

  // The same as sets of bits, for those who only count, or look up a few: of a hundred thousand
  // matches the list is most of the work. Bit i % 64 of bits[i / 64] says whether triggers[i]
  // matched. The order means nothing; a trigger that two of its repository patterns bring here may
  // be in two sets. Until the next Match.
  struct Set {
    absl::Span<const uint64_t> bits;
    absl::Span<const TriggerMatch> triggers;
  };
  absl::Span<const Set> sets();

 private:
  friend class Matcher;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace routines

#endif  // ROUTINES_MATCHER_H_
