// What an event says: the fields that filters look at, and whether a payload can be trusted to say
// it.
//
//   EventView event{.source = "github", .type = "pull_request", .payload = body};
//   RETURN_IF_ERROR(CheckGithubPayload(event.type, event.payload));
//   absl::StatusOr<FieldValue> author = ReadField(event, "author");
//
// Pure: no I/O, no threads, no clock. Thread-safety: everything here may be called from any thread.
// Ownership: views borrow; what is returned is owned, but for the tables, which live for ever.
// Errors: kInvalidArgument, with what is wrong with the payload and where.
#ifndef ROUTINES_EVENT_H_
#define ROUTINES_EVENT_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "google/protobuf/map.h"
#include "routines/v1/event.pb.h"

namespace routines {

// What filters read of an event.
struct EventView {
  std::string_view source;   // "github", or the name of a custom source
  std::string_view type;     // GitHub: as in X-GitHub-Event; custom: the source's own
  std::string_view payload;  // JSON, UTF-8; custom: may be empty
  const google::protobuf::Map<std::string, std::string>* attributes = nullptr;  // custom
};

EventView ViewOf(const v1::Event& event);  // borrows `event`

// ---- the field table ----

enum class FieldType {
  kText,    // compared byte for byte
  kLogin,   // ASCII case is ignored
  kWord,    // of a fixed set, such as author_association; ASCII case is ignored
  kBranch,  // text without refs/heads/
  kLabels,  // set; ASCII case is ignored
  kPaths,   // set; compared byte for byte
  kBoolean,
};

// One field of one event: a row of the table that `routines fields` prints.
struct FieldInfo {
  std::string_view event;  // webhook event name
  std::string_view field;  // "author"
  FieldType type;
  std::string_view path;    // RFC 6901 pointer into the payload; where several are tried, in order,
                            // joined by " | "; how a value is derived is said after a colon
  std::string_view source;  // GitHub's documentation of it
};

// All rows, by event in the order of the routine file's documentation, then by field.
absl::Span<const FieldInfo> GithubFields();
// Null: the event has no such field, or there is no such event.
const FieldInfo* FindGithubField(std::string_view event, std::string_view field);

// One of the eighteen events.
struct GithubEventInfo {
  std::string_view event;                      // "pull_request"
  std::string_view category;                   // "Pull request"
  bool has_action;                             // whether its payload has an action
  absl::Span<const std::string_view> actions;  // documented ones; none of repository_dispatch,
                                               // whose senders choose their own
};
absl::Span<const GithubEventInfo> GithubEvents();
const GithubEventInfo* FindGithubEvent(std::string_view event);

// ---- reading ----

// What a field, an attribute or a pointer holds. An absent value (missing, null, or an object) is
// monostate. A set or an array of scalars is a list; elements of an array that are not scalars are
// left out.
using ScalarValue = std::variant<std::monostate, bool, double, std::string>;
using FieldValue =
    std::variant<std::monostate, bool, double, std::string, std::vector<ScalarValue>>;

// `field` is a name of the table, an attribute's name (custom), or an RFC 6901 pointer. kNotFound:
// the event has no such field. kInvalidArgument: the payload is not JSON.
absl::StatusOr<FieldValue> ReadField(const EventView& event, std::string_view field);

// What an event is about: given to the session, shown to people. Empty where it has no such thing.
struct GithubIdentity {
  std::string action;
  std::string repository;  // owner/name
  int64_t number = 0;      // of the pull request, issue or discussion
  std::string title;
  std::string base_branch, head_branch, tag;
  std::string head_sha;            // 40 hex digits
  std::string url;                 // for people
  std::string author, sender;      // logins
  std::string author_association;  // OWNER, MEMBER, COLLABORATOR, …
  bool from_fork = false;          // also where the head repository is gone
  bool sender_is_bot = false;
};
// The payload must have passed CheckGithubPayload. kInvalidArgument: it is broken where it was
// read.
absl::StatusOr<GithubIdentity> ReadGithubIdentity(std::string_view event, std::string_view payload);

// ---- checking ----

// Whether `payload` is JSON that this library reads in one way only: RFC 8259, UTF-8 without BOM,
// an object at the top, at most 128 levels and 25 MiB, no lone surrogate, no U+0000 in a string, no
// number beyond binary64, and no key twice in one object. The message says what is wrong and at
// which byte; time is linear in the size.
absl::Status CheckPayload(std::string_view payload);

// CheckPayload, and that the body fits the event named: only the body is signed, so a captured one
// could come back under another name. No body fits two of the eighteen. Others are checked as JSON
// only.
absl::Status CheckGithubPayload(std::string_view event, std::string_view payload);

}  // namespace routines

#endif  // ROUTINES_EVENT_H_
